#include "projection.h"

namespace fle::query {

Done projection(Context& context, const Element& e, const View& view) {
  if (reach(view) == Reach::nothing) return ok;
  return context.refuse(kUnknown, e, {}, e.name);
}

}  // namespace fle::query
