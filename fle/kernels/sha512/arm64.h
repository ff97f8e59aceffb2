#ifndef FLE_KERNELS_SHA512_ARM64_H_
#define FLE_KERNELS_SHA512_ARM64_H_

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

/// Widest first. Need: kArmSha512.
extern const LaneWidth kSha512Arm64[2];

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_ARM64_H_
