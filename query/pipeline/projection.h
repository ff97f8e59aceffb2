#ifndef FLE_QUERY_SRC_PROJECTION_H_
#define FLE_QUERY_SRC_PROJECTION_H_

#include <span>

#include "match/match.h"

namespace fle::query {

/// The projection of find, and `fields` of findAndModify.
/// @param scope  `view` is of the documents that are projected.
[[nodiscard]] Done projection(Context& context, const Element& e, const MatchScope& scope);

/// $project.
/// @return  the view of the documents that come out.
[[nodiscard]] Outcome<View> project(Context& context, const Element& e, const MatchScope& scope);
/// $addFields.
[[nodiscard]] Outcome<View> add_fields(Context& context, const Element& e, const MatchScope& scope);
/// $unset: a path, or an array of paths.
[[nodiscard]] Outcome<View> unset_fields(Context& context, const Element& e, const View& view);

/// A stage writes `value` at a dotted path of every document.
/// @param e  says so; shown in errors.
/// @return   the view of the documents with it; refused where the path leads into an encrypted
///           value.
[[nodiscard]] Outcome<View> with_field(Context& context, const Element& e, const View& view,
                                       std::string_view path, const View& value);

/// Whether `value` may be stored at a path of documents that are as `stored` says: nothing computed
/// in place of what is encrypted, and nothing encrypted anywhere else. Refuses what may not.
[[nodiscard]] Done need_storable(Context& context, const Element& e, const View& stored,
                                 std::string_view path, const View& value);

/// What may stand at a path of a projection, for docs/analysis.md.
[[nodiscard]] std::span<const RuleText> projection_rules() noexcept;

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_PROJECTION_H_
