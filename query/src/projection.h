#ifndef FLE_QUERY_SRC_PROJECTION_H_
#define FLE_QUERY_SRC_PROJECTION_H_

#include "context.h"

namespace fle::query {

/// The projection of find, and `fields` of findAndModify.
[[nodiscard]] Done projection(Context& context, const Element& e, const View& view);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_PROJECTION_H_
