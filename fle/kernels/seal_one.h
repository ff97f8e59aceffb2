#ifndef FLE_KERNELS_STITCHED_H_
#define FLE_KERNELS_STITCHED_H_

#include <cstddef>
#include <cstdint>

#include "kernels/kernel.h"

namespace fle::kernels {

/// Encrypts and authenticates one message: its IV first, if `iv` is not null (a job that writes the
/// IV of `encrypt`), then the ciphertext, then the tag. A long one whose ciphertext lies in the
/// body of `tag` is encrypted and hashed in one pass. Need: kAesNi | kAvx2.
bool seal_one(const MacJob* iv, const CbcEncryptJob& encrypt, const MacJob& tag) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_STITCHED_H_
