#include "expression.h"

namespace fle::query {

Done match_expr(Context& context, const Element& e, const MatchScope& scope) {
  if (reach(scope.view) == Reach::nothing) return ok;
  return context.refuse(kUnknown, e, {}, e.name);
}

}  // namespace fle::query
