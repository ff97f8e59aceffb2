#ifndef FLE_QUERY_SRC_ROLL_OVER_H_
#define FLE_QUERY_SRC_ROLL_OVER_H_

#include "fle/query/analysis.h"

namespace fle::query {

/// Whether values of such fields may be stored under an older key too.
[[nodiscard]] inline bool rolls(const Analysis& analysis, const schema::Leaf& leaf) {
  if (analysis.previous_keys == nullptr || leaf.algorithm != Algorithm::deterministic) return false;
  const auto* id = std::get_if<KeyId>(&leaf.key);
  if (id == nullptr) return false;
  const auto previous = analysis.previous_keys->find(*id);
  return previous != analysis.previous_keys->end() && !previous->second.empty();
}

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_ROLL_OVER_H_
