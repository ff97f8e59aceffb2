#ifndef FLE_QUERY_SRC_EXPRESSION_H_
#define FLE_QUERY_SRC_EXPRESSION_H_

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "ground/context.h"
#include "ground/rule.h"
#include "match_scope.h"

namespace fle::query {

/// User variables in force ($let, $lookup's let, $map ...): one link for each construct that binds
/// some. A variable that nobody binds here comes from the command's own `let`: a plain value, since
/// it cannot read fields.
class Variables {
 public:
  explicit Variables(const Variables* outer = nullptr) noexcept
      : outer_(outer), reach_(outer == nullptr ? Reach::nothing : outer->reach_) {}

  /// False when this construct has bound that name before.
  [[nodiscard]] bool bind(std::string_view name, const View& view) {
    reach_ = std::max(reach_, query::reach(view));
    return own_.emplace(name, view).second;
  }
  /// Null when none of the links has it.
  [[nodiscard]] const View* find(std::string_view name, Work& work) const noexcept;
  /// What the worst of all that are in force holds.
  [[nodiscard]] Reach reach() const noexcept { return reach_; }

 private:
  const Variables* outer_;
  std::map<std::string_view, View> own_;
  Reach reach_;
};

/// Analyzes one aggregation expression: constants that are compared with an encrypted field are
/// encrypted, all else stays.
/// @param e      the expression; an element of the innermost document.
/// @param scope  `view` is of $$ROOT.
/// @return       what is known of its result.
[[nodiscard]] Outcome<View> expression(Context& context, const Element& e, const MatchScope& scope);

/// $redact's: where it may descend, its fields are those of each object on the way.
[[nodiscard]] Done redact_expression(Context& context, const Element& e, const MatchScope& scope);

/// An expression whose result is compared with the field `with` ($graphLookup.startWith).
[[nodiscard]] Done expression_compared(Context& context, const Element& e, const View& with,
                                       const MatchScope& scope);

/// $expr in a filter.
[[nodiscard]] Done match_expr(Context& context, const Element& e, const MatchScope& scope);

/// Whether two fields can be compared by their ciphertexts, or hold none; refuses where not.
/// @param e  shown in the error.
[[nodiscard]] Done fields_comparable(Context& context, const Element& e, const View& a,
                                     const View& b, const MatchScope& scope,
                                     std::string_view operation);

/// Why a view that is more than plain cannot be read as a value.
[[nodiscard]] const Refusal& refusal_of(const View& view) noexcept;

/// The expression operators, for docs/analysis.md.
[[nodiscard]] std::span<const RuleText> expression_rules() noexcept;

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_EXPRESSION_H_
