#ifndef FLE_SAME_TEXT_H_
#define FLE_SAME_TEXT_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace fle {

/// a == b, for names: they are short, and a call of memcmp costs more than to compare them.
[[nodiscard]] inline bool same_text(std::string_view a, std::string_view b) noexcept {
  const auto differ_at = [&](auto word, std::size_t at) noexcept {
    auto other = word;
    std::memcpy(&word, a.data() + at, sizeof word);
    std::memcpy(&other, b.data() + at, sizeof other);
    return (word ^ other) != 0;
  };
  const std::size_t n = a.size();
  if (n != b.size()) return false;
  if (n < 4) {
    for (std::size_t i = 0; i < n; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }
  // The last word of each may overlap the one before it.
  if (n < 8) return !differ_at(std::uint32_t{}, 0) && !differ_at(std::uint32_t{}, n - 4);
  for (std::size_t i = 0; i + 8 < n; i += 8)
    if (differ_at(std::uint64_t{}, i)) return false;
  return !differ_at(std::uint64_t{}, n - 8);
}

}  // namespace fle

#endif  // FLE_SAME_TEXT_H_
