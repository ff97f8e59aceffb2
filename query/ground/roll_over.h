#ifndef FLE_QUERY_SRC_ROLL_OVER_H_
#define FLE_QUERY_SRC_ROLL_OVER_H_

#include "fle/query/analysis.h"

namespace fle::query {

/// Whether values of such fields may be stored under an older key too.
[[nodiscard]] inline bool rolls(const AnalysisOptions& options, const schema::Leaf& leaf) {
  if (options.previous_keys == nullptr || leaf.algorithm != Algorithm::deterministic) return false;
  const auto* id = std::get_if<KeyId>(&leaf.key);
  if (id == nullptr) return false;
  const auto previous = options.previous_keys->find(*id);
  return previous != options.previous_keys->end() && !previous->second.empty();
}

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_ROLL_OVER_H_
