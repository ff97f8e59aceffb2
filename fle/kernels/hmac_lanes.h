#ifndef FLE_KERNELS_HMAC_LANES_H_
#define FLE_KERNELS_HMAC_LANES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel.h"

namespace fle::kernels {

inline constexpr unsigned kMaxLanes = 8;

/// SHA-512 compression of `lanes` independent states at once (FIPS 180-4 section 6.4.2).
struct LaneWidth {
  unsigned lanes;
  /// @param state   word w of lane l at state[w * lanes + l]; 64-byte aligned
  /// @param blocks  one 128-byte block for each lane
  void (*compress)(std::uint64_t* state, const std::uint8_t* const* blocks) noexcept;
};

/// HMAC-SHA-512 of a batch of any lengths and keys: each lane is refilled as soon as its message
/// ends, long messages go first, and the width shrinks with the messages that are left. The last
/// message alone goes to the single-stream code of the portable kernel.
///
/// @param widths  widest first, at most kMaxLanes lanes.
bool hmac_lanes(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_HMAC_LANES_H_
