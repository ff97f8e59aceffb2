#ifndef FLE_QUERY_SRC_UPDATE_H_
#define FLE_QUERY_SRC_UPDATE_H_

#include <optional>
#include <span>

#include "ground/context.h"
#include "ground/rule.h"

namespace fle::query {

/// What an update is applied to.
struct UpdateScope {
  View view;
  bool upsert = false;
  /// Its filter, where it has one: the equalities of it become fields of a document that is
  /// inserted.
  std::optional<Element> filter;
  bool collation = false;  ///< As MatchScope's.
};

/// Analyzes the update of one statement: operators, a replacement document, or a pipeline.
[[nodiscard]] Done update(Context& context, const Element& u, const UpdateScope& scope);

/// Analyzes `filters`, the array filters of an update: the items that they choose are not encrypted
/// (update() sees to that), so what they say of the identifiers in its paths may be sent. Anything
/// else would be values that nobody asks for.
/// @param u  the update, where there is one.
[[nodiscard]] Done array_filters(Context& context, const Element& filters,
                                 const std::optional<Element>& u);

/// The update `u`, a pipeline. What it reads goes by the rules for expressions; what it leaves
/// behind must fit the schema: what is encrypted stays what it was, or goes.
/// @return  the view of the document that is stored.
[[nodiscard]] Outcome<View> update_pipeline(Context& context, const Element& u,
                                            const UpdateScope& scope);

/// Whether an update is a whole document.
[[nodiscard]] bool is_replacement(const Context& context, const Element& u);
/// Refuses a document that is inserted and begins with an update operator, behind its _id or
/// without one: servers from 5.0 on would store it, and the schema says nothing of what is in it.
[[nodiscard]] Done need_no_update(Context& context, const Element& document);
/// Whether the schema encrypts _id, or something in it.
[[nodiscard]] bool encrypts_id(const Context& context, const View& view) noexcept;

/// The update operators, for docs/analysis.md.
[[nodiscard]] std::span<const RuleText> update_operator_rules() noexcept;

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_UPDATE_H_
