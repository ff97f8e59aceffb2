#ifndef FLE_KERNELS_SHA512_AVX2_H_
#define FLE_KERNELS_SHA512_AVX2_H_

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

/// Widest first. Need: kAvx2.
extern const LaneWidth kSha512Avx2[2];

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_AVX2_H_
