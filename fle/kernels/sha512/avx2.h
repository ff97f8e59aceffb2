#ifndef FLE_KERNELS_SHA512_AVX2_H_
#define FLE_KERNELS_SHA512_AVX2_H_

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

/// Widest first. Need: kAvx2.
extern const LaneWidth kSha512Avx2[2];
/// The same, with five messages at once. Need: kAvx2; faster with kFourVectorPorts.
extern const LaneWidth kSha512Avx2Five[3];

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_AVX2_H_
