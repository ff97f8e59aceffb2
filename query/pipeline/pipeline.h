#ifndef FLE_QUERY_SRC_PIPELINE_H_
#define FLE_QUERY_SRC_PIPELINE_H_

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "match/match.h"

namespace fle::query {

/// What a stage, or a pipeline, starts from.
struct PipelineScope {
  MatchScope match;             ///< `view` is of the documents that come in.
  std::string_view collection;  ///< Where the pipeline began.
};

/// Analyzes a pipeline.
/// @param stages  an element that must be an array of stages.
/// @return        the view of the documents that come out.
[[nodiscard]] Outcome<View> pipeline(Context& context, const Element& stages,
                                     const PipelineScope& scope);

/// The collections that a command names, each once, in a list that is the caller's. Bounded, for
/// each needs a schema.
class CollectionNames {
 public:
  /// @param names      those that are known already; the new ones are added.
  /// @param elsewhere  the same for those that are named with their database.
  CollectionNames(std::vector<std::string_view>& names,
                  std::vector<CollectionName>& elsewhere) noexcept
      : names_(names), elsewhere_(elsewhere) {}
  /// @retval Errc::stage_not_allowed  too many
  [[nodiscard]] Done add(std::string_view name);
  [[nodiscard]] Done add(const CollectionName& name);

 private:
  std::vector<std::string_view>& names_;
  std::vector<CollectionName>& elsewhere_;
  std::set<std::string_view> seen_;  // all of names_, once they are many
  std::set<CollectionName> seen_elsewhere_;
};

/// Collects the collections that a pipeline names ($lookup, $graphLookup, $unionWith, $out, $merge,
/// those inside their pipelines and $facet's, and those anywhere in a stage that is not known). The
/// command is not checked yet: what has not the right shape is looked through as well, for where
/// nothing encrypts nobody else looks at it.
///
/// @param pipeline  an element of `command`.
/// @retval Errc::malformed_bson, nesting_too_deep
/// @retval Errc::stage_not_allowed  a document that is no {db, coll}, or too many
[[nodiscard]] Done find_collections(Bytes command, const Element& pipeline, CollectionNames& names,
                                    Work& work);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_PIPELINE_H_
