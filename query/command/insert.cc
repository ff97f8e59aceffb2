#include "commands.h"

namespace fle::query {

Done insert_documents(Context& context, const Element& documents, const Scope& scope) {
  if (documents.type != Type::array) return wrong_type(context, documents, Type::array);
  Context::Inside inside(context, documents);
  Cursor c = context.cursor(documents);
  while (c.next()) {
    if (c.element().type != Type::object)
      return context.refuse(kMalformed, c.element(), {}, "insert");
    FLE_CHECK(context.encrypt_fields(c.element(), scope.view, true, true, "insert.document"));
  }
  if (c.malformed())
    return Failure(Errc::malformed_bson, "malformed element", context.path_of(documents));
  return ok;
}

}  // namespace fle::query
