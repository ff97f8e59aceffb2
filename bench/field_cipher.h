#ifndef FLE_BENCH_FIELD_CIPHER_H_
#define FLE_BENCH_FIELD_CIPHER_H_

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "fle/payload.h"
#include "support/bson_values.h"

namespace fle::bench {

using test::Buf;
using test::TypedValue;

/// What one benchmark encrypts and decrypts: fields of equal length under one key.
struct Workload {
  KeyId key_id;
  Buf key;
  Algorithm algorithm = Algorithm::random;
  std::vector<TypedValue> values;
  std::vector<Buf> payloads;  ///< The values encrypted, by libfle: what decrypt() decrypts.
};

/// An implementation of field encryption, called as its users would call it. Holds whatever may be
/// prepared before the first field: keys, contexts, buffers.
class FieldCipher {
 public:
  virtual ~FieldCipher() = default;
  /// Encrypts every value of the workload. This and decrypt() are what is timed.
  virtual void encrypt() = 0;
  /// Decrypts every payload of the workload, tags and padding checked.
  virtual void decrypt() = 0;
  /// What the last encrypt() wrote.
  [[nodiscard]] virtual Buf payload(std::size_t i) const = 0;
  /// What the last decrypt() wrote: the bare BSON value.
  [[nodiscard]] virtual Buf value(std::size_t i) const = 0;
  /// What did the work, e.g. the kernel's name.
  [[nodiscard]] virtual std::string label() const = 0;
};

// The workload outlives the cipher. All of them throw on failure, when timed as well.
std::unique_ptr<FieldCipher> make_fle(const Workload& w);        ///< seal_batch, open_batch
std::unique_ptr<FieldCipher> make_fle_value(const Workload& w);  ///< encrypt_value, decrypt_value
std::unique_ptr<FieldCipher> make_openssl(const Workload& w);
std::unique_ptr<FieldCipher> make_libmongocrypt(const Workload& w);
std::unique_ptr<FieldCipher> make_ipsec_mb(const Workload& w);

/// The associated data.
using Header = std::array<std::uint8_t, kPayloadHeaderLen>;
inline Header header_of(const Workload& w) {
  Header h;
  h.front() = static_cast<std::uint8_t>(w.algorithm);
  std::copy(w.key_id.bytes.begin(), w.key_id.bytes.end(), h.begin() + 1);
  h.back() = static_cast<std::uint8_t>(w.values.at(0).type);
  return h;
}
/// Bits of associated data, big-endian: the AL of the AEAD.
inline constexpr std::uint8_t kHeaderBits[8] = {0, 0, 0, 0, 0, 0, 0, kPayloadHeaderLen * 8};

}  // namespace fle::bench

#endif  // FLE_BENCH_FIELD_CIPHER_H_
