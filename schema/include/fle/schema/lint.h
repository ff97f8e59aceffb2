#ifndef FLE_SCHEMA_LINT_H_
#define FLE_SCHEMA_LINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "fle/budget.h"
#include "fle/errc.h"
#include "fle/export.h"
#include "fle/schema/compile.h"

namespace fle::schema {

/// One thing that is to be said about a schema.
struct LintFinding {
  bool warning = false;      ///< Else a broken rule: the schema does not compile.
  const char* rule = "";     ///< Stable id, "encrypt.sibling": docs/schema.md lists them.
  Errc code{};               ///< Of a broken rule: what compiling fails with.
  std::string message{};     ///< One line; names fields and types, never values.
  const char* repair = "";   ///< What to do about it.
  std::string path{};        ///< JSON pointer into the text as given; "" where it has none.
  std::uint32_t line = 0;    ///< From 1; 0: none.
  std::uint32_t column = 0;  ///< From 1, in bytes; 0: none.
};

struct LintReport {
  std::vector<LintFinding> findings;  ///< In the order of the text.
  std::size_t n_broken = 0;           ///< Of them: broken rules.
};

/// Everything that is wrong with a schema, in one pass, and what it gives away where nothing is: as
/// compile_wrapped_json, which stops at the first broken rule. A fault that follows from another
/// one is not told; where the text cannot be read at all, or the budget is spent, what stands
/// behind is not looked at. At most 1,000 broken rules and 1,000 warnings are kept.
///
/// Of a schema map with several schemas all are looked at, where `ns` is empty: paths begin with
/// the collection. Else compiling succeeds exactly where no rule is broken. Warnings do not depend
/// on the data: they are about what deterministic encryption shows of any.
///
/// @throws std::bad_alloc
///
/// Thread-safe.
[[nodiscard]] FLE_API LintReport lint_wrapped_json(std::string_view text,
                                                   Origin origin = Origin::local,
                                                   std::string_view ns = {},
                                                   const Budget& budget = {});

/// A rule that lint_wrapped_json knows.
struct LintRule {
  const char* id;
  bool warning;
  Errc code;  ///< Of one that can be broken.
  const char* repair;
};
/// All of them. Thread-safe.
[[nodiscard]] FLE_API std::vector<LintRule> lint_rules();

}  // namespace fle::schema

#endif  // FLE_SCHEMA_LINT_H_
