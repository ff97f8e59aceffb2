#ifndef FLE_DID_YOU_MEAN_H_
#define FLE_DID_YOU_MEAN_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fle {

/// Levenshtein distance, with letters of either case alike and '_' and '-' as nothing: a slip in
/// them is the smallest of all.
[[nodiscard]] inline std::size_t name_distance(std::string_view a, std::string_view b) {
  const auto plain = [](std::string_view text) {
    std::string s;
    for (const char c : text) {
      if (c == '_' || c == '-') continue;
      s += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return s;
  };
  const std::string from = plain(a);
  const std::string to = plain(b);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t above = row[j];
      row[j] =
          std::min({above + 1, row[j - 1] + 1, diagonal + (from[i - 1] == to[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[to.size()];
}

/// " Did you mean 'x'?" when one of `known` is close to `name`, which is none of them. Nothing for
/// a name that is known: it is wrong for another reason, and to propose it would help nobody. For
/// the texts of errors; costs as much as both words are long. Thread-safe.
[[nodiscard]] inline std::string did_you_mean(std::string_view name,
                                              std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 40;  // longer names are no typing slip
  if (name.size() > kLongest || std::ranges::find(known, name) != known.end()) return {};
  std::string_view best;
  // Of a short word less than half may be wrong, or any word would be close to it.
  std::size_t least = std::min(std::max<std::size_t>(2, name.size() / 3), name.size() / 2) + 1;
  for (const std::string_view k : known) {
    if (const std::size_t d = name_distance(name, k); d < least) {
      least = d;
      best = k;
    }
  }
  return best.empty() ? std::string{} : " Did you mean '" + std::string(best) + "'?";
}

/// "a, b and c".
[[nodiscard]] inline std::string listed(std::span<const std::string_view> names) {
  std::string s;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) s += i + 1 < names.size() ? ", " : " and ";
    s += names[i];
  }
  return s;
}

}  // namespace fle

#endif  // FLE_DID_YOU_MEAN_H_
