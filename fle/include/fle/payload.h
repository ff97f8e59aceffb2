#ifndef FLE_PAYLOAD_H_
#define FLE_PAYLOAD_H_

#include <cstddef>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/result.h"
#include "fle/types.h"

namespace fle {

// The content of a BSON binary of subtype 6, types 1 and 2
// (specification: bson-binary-encrypted; libmongocrypt: mongocrypt-ciphertext.c):
//
//   offset 0   1 byte   1 deterministic, 2 random
//          1  16 bytes  UUID of the data key
//         17   1 byte   BSON type of the plaintext value
//         18  16 bytes  IV
//         34  16*k      AES-256-CBC ciphertext, PKCS#7 padded, k >= 1
//      end-32 32 bytes  first half of HMAC-SHA-512
//
// The first 18 bytes are the associated data.
inline constexpr std::size_t kPayloadHeaderLen = 18;
inline constexpr std::size_t kIvLen = 16;
inline constexpr std::size_t kBlockLen = 16;
inline constexpr std::size_t kTagLen = 32;
/// Plaintext bytes that one field may have at most (fits every length field in use).
inline constexpr std::size_t kMaxPlaintextLen = 0x7fffff00;

/// Length of the padded ciphertext of `n` plaintext bytes.
[[nodiscard]] constexpr std::size_t padded_len(std::size_t n) noexcept {
  return (n / kBlockLen + 1) * kBlockLen;
}
/// Length of IV, ciphertext and tag for `n` plaintext bytes: what aead_seal writes.
[[nodiscard]] constexpr std::size_t sealed_len(std::size_t n) noexcept {
  return kIvLen + padded_len(n) + kTagLen;
}
/// Length of the whole payload of `n` plaintext bytes: what seal_batch writes. 82 at least.
[[nodiscard]] constexpr std::size_t payload_len(std::size_t n) noexcept {
  return kPayloadHeaderLen + sealed_len(n);
}

/// What can be read of a payload without a key. Nothing of it is authenticated before open_batch.
struct PayloadHeader {
  Algorithm algorithm;
  KeyId key_id;
  std::uint8_t bson_type;
};

/// Reads the header.
///
/// @param payload  content of the binary, without its int32 length and subtype byte.
/// @retval Errc::malformed_payload  shorter than 19 bytes, or the first byte is not 1 or 2.
///         A payload too short to hold an IV and a tag passes here and fails in open_batch, as it
///         does in libmongocrypt, where the key is looked up first.
[[nodiscard]] FLE_API Result<PayloadHeader> parse_payload(Bytes payload) noexcept;

}  // namespace fle

#endif  // FLE_PAYLOAD_H_
