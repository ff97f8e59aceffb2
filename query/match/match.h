#ifndef FLE_QUERY_SRC_MATCH_H_
#define FLE_QUERY_SRC_MATCH_H_

#include <span>

#include "ground/context.h"
#include "ground/rule.h"
#include "match_scope.h"

namespace fle::query {

/// Analyzes one filter: `filter`, an element whose value is a document. Implicit equalities are
/// written with $eq where something in the filter is encrypted; else it stays byte for byte.
[[nodiscard]] Done match(Context& context, const Element& filter, const MatchScope& scope);

/// Checks what a path is given that leads to nothing encrypted: no operator in it is unknown, or
/// stands where it could ask for another field.
[[nodiscard]] Done match_plain_value(Context& context, const Element& condition);
/// The same of a condition on the items of an array, as $elemMatch has it.
[[nodiscard]] Done match_plain_items(Context& context, const Element& condition);

/// A value that is compared for equality with a field in an expression: encrypted, or refused by
/// the rules for filters.
/// @param operation  "$eq"; shown in errors.
[[nodiscard]] Done compare(Context& context, const Element& value, const schema::Leaf& leaf,
                           const MatchScope& scope, std::string_view operation, const char* rule);

/// Whether a value is an array without items.
[[nodiscard]] bool is_empty_array(const Context& context, const Element& value) noexcept;
/// Whether a value is a document, or an array with one at any depth of arrays.
[[nodiscard]] bool holds_document(const Context& context, const Element& value);

/// For documents whose keys are paths that the server must be able to read (sort, min, max, keys of
/// a time series): refuses those that meet an encrypted field.
[[nodiscard]] Done refuse_encrypted_paths(Context& context, const Element& document,
                                          const View& view, const Refusal& why,
                                          std::string_view operation);

/// Whether what paths are sorted by is a direction, or a score ({$meta: "textScore"}): the server
/// takes nothing else, and what else is there would be sent.
[[nodiscard]] Done need_directions(Context& context, const Element& document);

/// Why a place that is neither plain nor one encrypted field cannot be used.
[[nodiscard]] const Refusal& refusal_of(Place::Kind kind) noexcept;

/// The operators that stand in place of a path, and those that follow one; for docs/analysis.md.
[[nodiscard]] std::span<const RuleText> match_logical_rules() noexcept;
[[nodiscard]] std::span<const RuleText> match_operator_rules() noexcept;

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_MATCH_H_
