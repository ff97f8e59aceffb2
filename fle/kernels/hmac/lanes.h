#ifndef FLE_KERNELS_HMAC_LANES_H_
#define FLE_KERNELS_HMAC_LANES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel.h"

namespace fle::kernels {

inline constexpr unsigned kMaxLanes = 16;

/// SHA-512 of `lanes` messages at once (FIPS 180-4 section 6.4.2). A state stands in a row of eight
/// words; each argument has an entry for each lane. Lanes may share rows that are only read, and
/// may write to the same row if they do the same work.
struct LaneWidth {
  unsigned lanes;
  unsigned fewest;  ///< Messages from which on a step of this width beats narrower ones.
  /// Takes lane l from the state from[l] through the `n_blocks` 128-byte blocks at blocks[l], to
  /// the state to[l]; to[l] may be from[l].
  void (*compress)(std::uint64_t* const* to, const std::uint64_t* const* from,
                   const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept;
  /// The outer hash of HMAC: from the midstate outer[l] over the inner digest inner[l], a final
  /// state, to the 64 bytes of macs[l].
  void (*finish)(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                 const std::uint64_t* const* inner) noexcept;
  /// HMACs that all have `inner_blocks` blocks of inner hash, from the first byte to the last:
  /// lanes that end together need no refilling, and what is hashed twice needs no way through
  /// memory. Null where this would be no faster than the two functions above. Two lanes may have
  /// the same job.
  void (*whole)(const MacJob* const* jobs, std::size_t inner_blocks) noexcept = nullptr;
  /// Bit n: narrower steps are faster where n messages are left.
  std::uint32_t slower_at = 0;

  [[nodiscard]] constexpr bool is_worth(std::size_t messages) const noexcept {
    return fewest <= messages && (messages >= 32 || (slower_at >> messages & 1) == 0);
  }
};

/// Of widths as hmac_lanes() takes them, the one for the next step of so many messages, which may
/// be fewer than all.
[[nodiscard]] inline const LaneWidth& width_for(std::span<const LaneWidth> widths,
                                                std::size_t messages) noexcept {
  const LaneWidth* w = widths.data();
  while (!w->is_worth(messages)) ++w;  // the last is for one message
  return *w;
}

/// HMAC-SHA-512 of a batch of any lengths and keys. Messages of one number of blocks fill the lanes
/// together, as many as there are. Of all others first the inner hashes: each lane is refilled as
/// soon as its message ends, long messages go first, and the width follows the number of messages
/// that are left. Then the outer hashes, which have one block each.
///
/// @param widths  widest first, at most kMaxLanes lanes, the last of one lane.
void hmac_lanes(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_HMAC_LANES_H_
