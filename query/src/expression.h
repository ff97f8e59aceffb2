#ifndef FLE_QUERY_SRC_EXPRESSION_H_
#define FLE_QUERY_SRC_EXPRESSION_H_

#include "match.h"

namespace fle::query {

/// $expr in a filter.
[[nodiscard]] Done match_expr(Context& context, const Element& e, const MatchScope& scope);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_EXPRESSION_H_
