#ifndef FLE_KERNELS_AES_CBC_VAES_H_
#define FLE_KERNELS_AES_CBC_VAES_H_

#include "kernels/kernel.h"

namespace fle::kernels {

/// The two CBC functions of a Kernel. Need: kAesNi | kAvx512 | kVaes.
bool cbc_encrypt_vaes(const CbcEncryptJob* jobs, std::size_t n) noexcept;
bool cbc_decrypt_vaes(const CbcDecryptJob* jobs, std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_VAES_H_
