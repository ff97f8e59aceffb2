#ifndef FLE_LONGEST_H_
#define FLE_LONGEST_H_

#include <algorithm>
#include <chrono>

namespace fle {

/// A duration that a caller has set, as it can be added to the time of a clock: one that is longer
/// stands for a century. milliseconds::max(), for "without end", is more nanoseconds than an
/// integer holds, and would come out as none.
[[nodiscard]] constexpr std::chrono::milliseconds at_longest_a_century(
    std::chrono::milliseconds set) noexcept {
  constexpr std::chrono::hours kCentury{24 * 365 * 100};
  return std::clamp<std::chrono::milliseconds>(set, -kCentury, kCentury);
}

}  // namespace fle

#endif  // FLE_LONGEST_H_
