#include "plain.h"

#include <array>

#include "ground/value.h"

namespace fle::bson::internal {

PlainWalk walk_plain(const std::uint8_t* value, std::size_t size, const std::uint8_t* doc_end,
                     std::uint32_t max_depth) noexcept {
  constexpr std::uint32_t kDeepest = 64;           // deeper ones are rare, and Walker's
  std::array<const std::uint8_t*, kDeepest> ends;  // of the levels around the innermost
  if (max_depth > kDeepest) max_depth = kDeepest;
  std::uint32_t depth = 0;
  std::uint64_t n_elements = 0;
  const std::uint8_t* p = value + 4;
  const std::uint8_t* end = value + size - 1;  // of the innermost level: its terminating NUL
  for (;;) {
    const std::uint8_t type = *p;
    if (type == 0) {
      if (p != end) return {p, n_elements};
      if (depth == 0) return {nullptr, n_elements};
      end = ends[--depth];
      ++p;
      continue;
    }
    // As in Walker::run.
    const std::uint8_t* const nul = find_nul(p + 1, doc_end);
    if (nul == end) return {p, n_elements};
    const std::uint8_t* const v = nul + 1;
    const auto avail = static_cast<std::size_t>(end - v);
    const Shape shape = kShapes[type];
    const std::size_t n = value_size(shape, v, avail, static_cast<std::size_t>(doc_end - v));
    if (n > avail) return {p, n_elements};
    ++n_elements;
    if (shape.rule == Rule::plain) {
      p = v + n;
    } else if (shape.rule == Rule::document) {
      if (depth == max_depth) return {p, n_elements};
      ends[depth++] = end;
      end = v + n - 1;
      p = v + 4;
    } else if (shape.rule == Rule::scoped_code || (shape.rule == Rule::binary && is_subtype_6(v))) {
      return {p, n_elements};
    } else {
      p = v + n;
    }
  }
}

}  // namespace fle::bson::internal
