#ifndef FLE_KERNELS_AES_CBC_AESNI_H_
#define FLE_KERNELS_AES_CBC_AESNI_H_

#include <cstddef>
#include <cstdint>

#include "kernels/kernel.h"

// AES-256 on AES-NI. Need: kAesNi.
namespace fle::kernels {

// Members of a Kernel; each cleans up registers and dead stack behind itself.
bool expand_aesni(KeyState& out, const std::uint8_t* key) noexcept;
bool cbc_encrypt_aesni(const CbcEncryptJob* jobs, std::size_t n) noexcept;
bool cbc_decrypt_aesni(const CbcDecryptJob* jobs, std::size_t n) noexcept;
bool ctr_fill_aesni(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t* key) noexcept;

// CBC of one message, to build on: neither cleans up behind itself, its caller does.

/// All of a message, padding included.
void cbc_encrypt_one(const CbcEncryptJob& job) noexcept;
/// Whole blocks, without padding.
/// @param iv  the ciphertext block before, 16 bytes
void cbc_encrypt_blocks(const KeyState& key, const std::uint8_t* iv, const std::uint8_t* in,
                        std::uint8_t* out, std::size_t n_blocks) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_AESNI_H_
