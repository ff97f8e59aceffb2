#ifndef FLE_QUERY_SRC_STAGE_H_
#define FLE_QUERY_SRC_STAGE_H_

#include <span>

#include "ground/rule.h"
#include "pipeline.h"

namespace fle::query {

/// One stage of a pipeline: its name, and what it does with the documents that flow through it.
struct Stage {
  RuleText text;
  /// From the view that comes in (`scope.match.view`) to the one that goes out. Null: refused
  /// wherever something is encrypted.
  Outcome<View> (*rule)(Context&, const Element&, const PipelineScope& scope) = nullptr;
};

/// The stages, one row for each.
[[nodiscard]] std::span<const Stage> stages() noexcept;

// Rules, in the files that group them.
Outcome<View> group_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> bucket_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> bucket_auto_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> sort_by_count_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> set_window_fields_stage(Context& context, const Element& e,
                                      const PipelineScope& scope);
Outcome<View> lookup_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> graph_lookup_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> facet_stage(Context& context, const Element& e, const PipelineScope& scope);
Outcome<View> union_with_stage(Context& context, const Element& e, const PipelineScope& scope);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_STAGE_H_
