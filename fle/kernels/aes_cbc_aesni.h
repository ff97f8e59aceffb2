#ifndef FLE_KERNELS_AESNI_H_
#define FLE_KERNELS_AESNI_H_

#include <cstddef>
#include <cstdint>

#include "kernels/kernel.h"

// AES-256-CBC of one message on AES-NI, for other kernels to build on. Neither function cleans up
// registers or dead stack behind itself: its caller does. Need: kAesNi.
namespace fle::kernels {

/// All of a message, padding included.
void cbc_encrypt_one(const CbcEncryptJob& job) noexcept;
/// Whole blocks, without padding.
/// @param iv  the ciphertext block before, 16 bytes
void cbc_encrypt_blocks(const KeyState& key, const std::uint8_t* iv, const std::uint8_t* in,
                        std::uint8_t* out, std::size_t n_blocks) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AESNI_H_
