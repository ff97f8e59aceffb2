#ifndef FLE_KERNELS_AES_CBC_VAES_AVX2_H_
#define FLE_KERNELS_AES_CBC_VAES_AVX2_H_

#include <cstddef>

#include "kernels/kernel.h"

namespace fle::kernels {

// Members of a Kernel; each cleans up registers and dead stack behind itself. Need: kAesNi | kAvx2
// | kVaes.
bool cbc_encrypt_vaes_avx2(const CbcEncryptJob* jobs, std::size_t n) noexcept;
bool cbc_decrypt_vaes_avx2(const CbcDecryptJob* jobs, std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_VAES_AVX2_H_
