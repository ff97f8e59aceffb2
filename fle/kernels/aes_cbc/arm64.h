#ifndef FLE_KERNELS_AES_CBC_ARM64_H_
#define FLE_KERNELS_AES_CBC_ARM64_H_

#include <cstddef>
#include <cstdint>

#include "kernels/kernel.h"

// AES-256 on the AES instructions of ARMv8. Need: kArmAes. Members of a Kernel; each cleans up
// registers and dead stack behind itself.
namespace fle::kernels {

bool expand_arm64(KeyState& out, const std::uint8_t* key) noexcept;
bool cbc_encrypt_arm64(const CbcEncryptJob* jobs, std::size_t n) noexcept;
bool cbc_decrypt_arm64(const CbcDecryptJob* jobs, std::size_t n) noexcept;
bool ctr_fill_arm64(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t* key) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_ARM64_H_
