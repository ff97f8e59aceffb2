#ifndef FLE_QUERY_RULES_H_
#define FLE_QUERY_RULES_H_

#include <string_view>
#include <vector>

#include "fle/export.h"

namespace fle::query {

/// One row of the tables that query analysis runs on.
struct Rule {
  /// What the row is about, as a heading: "Commands", "Operators of match expressions".
  std::string_view group;
  std::string_view name;       ///< "find", "find: sort", "$eq"
  std::string_view treatment;  ///< What becomes of it, in one line.
  /// What that rests on: "test" (the specification's tests, libmongocrypt's sources or test data),
  /// "docs" (MongoDB's public documentation), "observed" (a public issue or example), or "ours": no
  /// public source says, and this is the safe side.
  std::string_view evidence;
};

/// Every command, operator, stage, accumulator, expression and projection, and what query analysis
/// does with it; docs/analysis.md shows the same. The views are of static storage. Thread-safe.
[[nodiscard]] FLE_API std::vector<Rule> rules();

}  // namespace fle::query

#endif  // FLE_QUERY_RULES_H_
