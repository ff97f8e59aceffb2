#ifndef FLE_QUERY_SRC_PROPOSAL_H_
#define FLE_QUERY_SRC_PROPOSAL_H_

#include <string>
#include <string_view>
#include <vector>

#include "fle/did_you_mean.h"

namespace fle::query {

/// "Did you mean '$set'?" for a name that no row of rule tables has: one of the tables' own names.
/// Empty for a name that stands in a row, which is refused for another reason, and where none is
/// close. For one refusal, not for each name of a command: it looks at every row.
template <class... Tables>
[[nodiscard]] std::string proposal(std::string_view name, const Tables&... tables) {
  std::vector<std::string_view> names;
  const auto add = [&names](const auto& table) {
    for (const auto& row : table) {
      // "any other" is a row's name, but not one that can be typed.
      const std::string_view known = row.text.name;
      if (known.find(' ') == std::string_view::npos) names.push_back(known);
    }
  };
  (add(tables), ...);
  const std::string text = did_you_mean(name, names);
  return text.empty() ? text : text.substr(1);
}

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_PROPOSAL_H_
