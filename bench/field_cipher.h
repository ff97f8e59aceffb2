#ifndef FLE_BENCH_FIELD_CIPHER_H_
#define FLE_BENCH_FIELD_CIPHER_H_

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fle/payload.h"
#include "support/bson_values.h"

namespace fle::bench {

using test::Buf;
using test::TypedValue;

/// What one benchmark encrypts and decrypts: fields of one BSON type under one key.
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
using Make = std::unique_ptr<FieldCipher> (*)(const Workload&);
std::unique_ptr<FieldCipher> make_fle(const Workload& w);         ///< seal_batch, open_batch
std::unique_ptr<FieldCipher> make_fle_by_one(const Workload& w);  ///< a batch for each field
std::unique_ptr<FieldCipher> make_fle_value(const Workload& w);   ///< encrypt_value, decrypt_value
std::unique_ptr<FieldCipher> make_openssl(const Workload& w);
std::unique_ptr<FieldCipher> make_libmongocrypt(const Workload& w);
/// One cipher for each of `n` threads, on one key; payloads are in `w` already.
std::vector<std::unique_ptr<FieldCipher>> make_fle_threads(const Workload& w, std::size_t n);

/// One implementation as it stands in the names of benchmarks: impl:NAME/bytes:N/batch:B SUFFIX.
struct Peer {
  const char* name;
  const char* suffix;
  Make make;
  std::size_t max_len = SIZE_MAX;  ///< of a field
};
/// seal_batch and open_batch on each kernel for CPUs without AVX-512, of those that run here.
std::span<const Peer> fle_peers_without_avx512();
/// Both tiers of IPsec-MB through both of its interfaces; none where this build is without it.
std::span<const Peer> ipsec_mb_peers();

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
