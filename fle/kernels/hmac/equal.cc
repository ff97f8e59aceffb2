#include "kernels/hmac/equal.h"

#include <algorithm>

#include "kernels/hmac/message.h"

namespace fle::kernels {
namespace {

/// Whether steps of these widths hash `n` messages as wholes, to the last of them.
bool all_whole(std::span<const LaneWidth> widths, std::size_t n) noexcept {
  while (n != 0) {
    const LaneWidth& w = width_for(widths, n);
    if (w.whole == nullptr) return false;
    n -= std::min<std::size_t>(n, w.lanes);
  }
  return true;
}

}  // namespace

[[gnu::noinline]] bool hmac_equal(std::span<const LaneWidth> widths, const MacJob* jobs,
                                  std::size_t n) noexcept {
  const std::size_t blocks = inner_blocks(jobs[0]);
  const auto as_long = [blocks](const MacJob& j) noexcept { return inner_blocks(j) == blocks; };
  if (!all_whole(widths, n) || !std::all_of(jobs + 1, jobs + n, as_long)) return false;
  while (n != 0) {
    const LaneWidth& width = width_for(widths, n);
    const std::size_t busy = std::min<std::size_t>(n, width.lanes);
    const MacJob* lanes[kMaxLanes];
    for (std::size_t l = 0; l < width.lanes; ++l) lanes[l] = jobs + (l < busy ? l : 0);
    width.whole(lanes, blocks);
    jobs += busy;
    n -= busy;
  }
  return true;
}

}  // namespace fle::kernels
