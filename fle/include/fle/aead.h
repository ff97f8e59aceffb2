#ifndef FLE_AEAD_H_
#define FLE_AEAD_H_

#include "fle/bytes.h"
#include "fle/data_key.h"
#include "fle/export.h"
#include "fle/payload.h"
#include "fle/result.h"

namespace fle {

// AEAD_AES_256_CBC_HMAC_SHA_512 on one message (draft-mcgrew-aead-aes-cbc-hmac-sha2-05, with the
// 32-byte tag and 96-byte key of CSFLE). Used to wrap data keys; fields go through batch.h.
//
// A message is sealed and opened whole: there is no streaming and no plaintext before the tag has
// been checked. Random IVs are 128 bits: keep well below 2^48 messages for one key.

/// Seals `plaintext` with a fresh random IV. Writes IV, ciphertext and tag.
///
/// @param out    at least sealed_len(plaintext.size()) bytes; may not overlap the inputs.
/// @return       bytes written, always sealed_len(plaintext.size()).
/// @retval Errc::invalid_argument  the plaintext is empty or longer than kMaxPlaintextLen, or `out`
///                                 overlaps it or the associated data; nothing is written
/// @retval Errc::buffer_too_small  nothing is written
/// @retval Errc::random_failed, Errc::key_not_inherited, Errc::crypto_failed
[[nodiscard]] FLE_API Result<std::size_t> aead_seal(MutBytes out, Bytes plaintext,
                                                    Bytes associated_data,
                                                    const DataKey& key) noexcept;

/// Opens what aead_seal wrote.
///
/// @param out    at least sealed.size() - 48 bytes; may not overlap `sealed`. Wiped on failure.
/// @return       plaintext bytes written.
/// @retval Errc::auth_failed       wrong key, changed data, wrong length or padding: all the same
/// @retval Errc::buffer_too_small, Errc::invalid_argument  too short, or they overlap: nothing is
///                                 written or wiped
/// @retval Errc::key_not_inherited, Errc::crypto_failed
[[nodiscard]] FLE_API Result<std::size_t> aead_open(MutBytes out, Bytes sealed,
                                                    Bytes associated_data,
                                                    const DataKey& key) noexcept;

}  // namespace fle

#endif  // FLE_AEAD_H_
