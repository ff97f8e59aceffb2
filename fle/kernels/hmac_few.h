#ifndef FLE_KERNELS_HMAC_FEW_H_
#define FLE_KERNELS_HMAC_FEW_H_

#include <cstddef>
#include <span>

#include "kernels/hmac_lanes.h"

namespace fle::kernels {

/// HMAC-SHA-512 of a few messages of one number of blocks: they start and end side by side, so
/// there is nothing to schedule, and no more stack to wipe than the width takes that they fill.
///
/// @param widths  as for hmac_lanes()
/// @return        false, with nothing done, where they are too many, differ in length, or are
///                better served by widths that have no LaneWidth::whole
[[nodiscard]] bool hmac_few(std::span<const LaneWidth> widths, const MacJob* jobs,
                            std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_HMAC_FEW_H_
