#include "commands.h"
#include "fle/bson_walk/alike.h"
#include "update/update.h"

namespace fle::query {

Done insert_documents(Context& context, const Element& documents, const Scope& scope) {
  constexpr const char* kRule = "insert.document";
  Context::Inside inside(context, documents);
  const std::uint32_t end = documents.value_offset + documents.value_size - 1;
  bson::AlikeDocuments alike;
  Cursor c = context.cursor(documents);
  for (bool is_first = true; c.next(); is_first = false) {
    const Element& e = c.element();
    if (e.type != Type::object) return wrong_type(context, e, Type::object);
    FLE_CHECK(need_no_update(context, e));
    const bool is_last = e.value_offset + e.value_size == end;
    FLE_CHECK(is_first && is_last ? context.encrypt_fields(e, scope.view, true, true, kRule)
                                  : context.encrypt_stored(e, scope.view, kRule, alike, is_last));
  }
  if (c.malformed())
    return Failure(Errc::malformed_bson, "malformed element", context.path_of(documents));
  return ok;
}

}  // namespace fle::query
