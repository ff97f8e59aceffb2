#ifndef FLE_KERNELS_HMAC_EQUAL_H_
#define FLE_KERNELS_HMAC_EQUAL_H_

#include <cstddef>
#include <span>

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

inline constexpr std::size_t kEqualStack = 320;  // bytes

/// HMAC-SHA-512 of messages of one number of blocks: those that fill the lanes together start and
/// end side by side, so there is nothing to schedule. The caller wipes its stack, of which it takes
/// no more than kEqualStack and what the widest step takes.
///
/// @param widths  as for hmac_lanes()
/// @return        false, with nothing done, where they differ in length, or some are better served
///                by widths that have no LaneWidth::whole
[[nodiscard]] bool hmac_equal(std::span<const LaneWidth> widths, const MacJob* jobs,
                              std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_HMAC_EQUAL_H_
