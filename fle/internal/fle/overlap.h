#ifndef FLE_OVERLAP_H_
#define FLE_OVERLAP_H_

#include <functional>

#include "fle/bytes.h"

namespace fle {

/// Whether two pieces of memory have a byte in common. What is encrypted where it stands comes out
/// as something else, and authenticates.
[[nodiscard]] inline bool overlap(Bytes a, Bytes b) noexcept {
  constexpr std::less<const std::uint8_t*> before{};
  return !a.empty() && !b.empty() && before(a.data(), b.data() + b.size()) &&
         before(b.data(), a.data() + a.size());
}

}  // namespace fle

#endif  // FLE_OVERLAP_H_
