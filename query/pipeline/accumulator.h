#ifndef FLE_QUERY_SRC_ACCUMULATOR_H_
#define FLE_QUERY_SRC_ACCUMULATOR_H_

#include <span>

#include "match/match.h"

namespace fle::query {

/// One field of $group, or of the `output` of $bucket: {$sum: expression}.
/// @return  the view of the field.
[[nodiscard]] Outcome<View> accumulator(Context& context, const Element& e,
                                        const MatchScope& scope);

/// The operator itself, `op`, an element of the innermost document.
[[nodiscard]] Outcome<View> accumulate(Context& context, const Element& op,
                                       const MatchScope& scope);

/// Whether the server can tell equal values from others by what it sees: plain ones, and those of
/// deterministic fields under one key. Refuses others.
/// @param e  has that view; shown in errors.
[[nodiscard]] Done need_groupable(Context& context, const Element& e, const View& view,
                                  const MatchScope& scope, std::string_view operation);

/// An operator of $setWindowFields, which has some more than $group.
[[nodiscard]] Outcome<View> window_operator(Context& context, const Element& op,
                                            const MatchScope& scope);

/// For docs/analysis.md.
[[nodiscard]] std::span<const RuleText> accumulator_rules() noexcept;
[[nodiscard]] std::span<const RuleText> window_operator_rules() noexcept;

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_ACCUMULATOR_H_
