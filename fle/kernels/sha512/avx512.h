#ifndef FLE_KERNELS_SHA512_AVX512_H_
#define FLE_KERNELS_SHA512_AVX512_H_

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

/// Widest first. Need: kAvx512.
extern const LaneWidth kSha512Avx512[5];

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_AVX512_H_
