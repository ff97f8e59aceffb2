#include "commands.h"

namespace fle::query {

Done insert_documents(Context& context, const Element& documents, const Scope& scope) {
  Context::Inside inside(context, documents);
  Cursor c = context.cursor(documents);
  while (c.next()) {
    if (c.element().type != Type::object) return wrong_type(context, c.element(), Type::object);
    FLE_CHECK(context.encrypt_fields(c.element(), scope.view, true, true, "insert.document"));
  }
  if (c.malformed())
    return Failure(Errc::malformed_bson, "malformed element", context.path_of(documents));
  return ok;
}

}  // namespace fle::query
