#include "kernels/hmac_few.h"

#include <algorithm>

#include "kernels/hmac_message.h"
#include "kernels/scrub.h"

namespace fle::kernels {
namespace {

/// The width for all of them at once, or null.
const LaneWidth* width_for(std::span<const LaneWidth> widths, std::size_t n) noexcept {
  const auto takes = [n](const LaneWidth& w) noexcept {
    return w.fewest <= n && n <= w.lanes && w.whole != nullptr;
  };
  const auto found = std::find_if(widths.begin(), widths.end(), takes);
  return found == widths.end() ? nullptr : &*found;
}

/// More than the frames of LaneWidth::whole for that many lanes, from either compiler.
void scrub(unsigned lanes) noexcept {
  if (lanes <= 4) {
    scrub_stack<2560>();
  } else if (lanes <= 8) {
    scrub_stack<3584>();
  } else {
    scrub_stack<9216>();
  }
}

}  // namespace

bool hmac_few(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept {
  const LaneWidth* const width = width_for(widths, n);
  if (width == nullptr) return false;
  const std::size_t blocks = inner_blocks(jobs[0]);
  const auto as_long = [blocks](const MacJob& j) noexcept { return inner_blocks(j) == blocks; };
  if (!std::all_of(jobs + 1, jobs + n, as_long)) return false;
  const MacJob* lanes[kMaxLanes];
  for (std::size_t l = 0; l < width->lanes; ++l) lanes[l] = jobs + (l < n ? l : 0);
  width->whole(lanes, blocks);
  scrub(width->lanes);
  return true;
}

}  // namespace fle::kernels
