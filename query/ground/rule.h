#ifndef FLE_QUERY_SRC_RULE_H_
#define FLE_QUERY_SRC_RULE_H_

#include <string_view>

namespace fle::query {

/// How sure a rule is: the tags of the table in docs/analysis.md.
enum class Evidence : unsigned char {
  test,  ///< The specification's tests want it, or libmongocrypt's sources or test data show it.
  docs,  ///< MongoDB's public documentation says it.
  observed,    ///< A public issue or example shows it.
  fail_closed  ///< No public source says: our choice, on the safe side.
};

/// What a row of any rule table says about itself; docs/analysis.md is made from these.
struct RuleText {
  std::string_view name;  ///< "$eq"
  const char* treatment;  ///< One line.
  Evidence evidence = Evidence::fail_closed;
};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_RULE_H_
