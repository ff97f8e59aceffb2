#ifndef FLE_BATCH_H_
#define FLE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "fle/bytes.h"
#include "fle/data_key.h"
#include "fle/export.h"
#include "fle/payload.h"
#include "fle/result.h"
#include "fle/types.h"

namespace fle {

// The one way fields are encrypted and decrypted: everything above calls these two functions with
// all fields it has, of one document or of thousands, of any lengths, under any keys. The engine
// fills the lanes of the fastest kernel. Neither function allocates for each field or takes a lock.
// Thread-safe: several threads may run batches with the same keys.

/// One field to encrypt.
struct SealJob {
  const DataKey* key = nullptr;
  KeyId key_id;  ///< Written into the payload.
  Algorithm algorithm = Algorithm::random;
  std::uint8_t bson_type = 0;  ///< 1..0x13; written into the payload.
  BorrowedBytes plaintext;     ///< The bare BSON value, 1..kMaxPlaintextLen bytes.
  MutBytes out;                ///< Exactly payload_len(plaintext.size()) bytes.
};

/// One field to decrypt.
struct OpenJob {
  const DataKey* key = nullptr;
  BorrowedBytes payload;  ///< Whole content of the binary, header included.
  MutBytes out;  ///< At least open_capacity(payload.size()) bytes. May not overlap any payload.
  std::size_t plaintext_len = 0;  ///< Set by open_batch: bytes of `out` that are plaintext.
  bool opened = false;            ///< Set by open_batch.
};

/// Bytes that OpenJob::out must have for a payload of `n` bytes.
[[nodiscard]] constexpr std::size_t open_capacity(std::size_t n) noexcept {
  constexpr std::size_t kFixed = kPayloadHeaderLen + kIvLen + kTagLen;
  return n > kFixed ? n - kFixed : 0;
}

/// Why a batch stopped, and at which job (index into the span).
struct BatchError {
  Errc code;
  std::size_t index;
};
using BatchStatus = Result<std::monostate, BatchError>;

/// Encrypts every job. All or nothing: on an error no output may be used (all are wiped).
///
/// Outputs may not overlap each other or any input. Deterministic payloads depend only on key,
/// key_id, bson_type and plaintext.
///
/// @retval Errc::invalid_argument   a job breaks a rule above (missing key, empty plaintext, type
/// 0)
/// @retval Errc::buffer_too_small   `out` has the wrong size
/// @retval Errc::random_failed, Errc::key_not_inherited, Errc::crypto_failed
[[nodiscard]] FLE_API BatchStatus seal_batch(std::span<const SealJob> jobs) noexcept;

/// Decrypts every job that authenticates. All tags are checked, in constant time, before the first
/// block is decrypted; padding is looked at only once the tag has verified.
///
/// `opened` and `plaintext_len` are set for every job; `out` of a job that failed is wiped. When
/// any job failed the first failure is returned, and the others are still opened (so that a caller
/// may keep going); a caller that wants all or nothing wipes all outputs.
///
/// @retval Errc::auth_failed       wrong key, changed data, wrong length or padding: all the same
/// @retval Errc::malformed_payload the header is not one of type 1 or 2
/// @retval Errc::invalid_argument  a job has no key
/// @retval Errc::buffer_too_small  `out` is shorter than open_capacity
/// @retval Errc::key_not_inherited, Errc::crypto_failed
[[nodiscard]] FLE_API BatchStatus open_batch(std::span<OpenJob> jobs) noexcept;

/// Whether a payload opens to a value that is at hand, without memory for what it opens to: for
/// values of many MiB that are to be verified. Takes as much stack as a batch, and 8 KiB.
///
/// The tag is checked before the first block is decrypted. How long the comparison takes depends on
/// the two lengths alone. No plaintext is left behind. Thread-safe.
///
/// @param payload    the whole content of the binary, header included
/// @param plaintext  the bare BSON value, of any size
/// @return           false where it opens, and to something else
/// @retval Errc::auth_failed, Errc::malformed_payload, Errc::key_not_inherited,
/// Errc::crypto_failed  as open_batch
[[nodiscard]] FLE_API Result<bool> opens_to(const DataKey& key, Bytes payload,
                                            Bytes plaintext) noexcept;

}  // namespace fle

#endif  // FLE_BATCH_H_
