#include "schema_map.h"

#include "document.h"
#include "fle/bson/cursor.h"
#include "fle/schema/compile.h"

namespace fle::mongocrypt {

Outcome<std::unique_ptr<SchemaMap>> SchemaMap::from_bson(Bytes document) {
  auto made = std::make_unique<SchemaMap>();
  bson::Cursor cursor(document);
  while (cursor.next()) {
    const bson::Element& e = cursor.element();
    const std::string ns(e.name);
    if (e.type != bson::Type::object)
      return Failure(Errc::schema_bad_value, "the schema of a collection must be a document", ns);
    const Bytes schema = bson::value_of(document, e);
    if (!made->entries_.try_emplace(ns, Entry{{schema.begin(), schema.end()}, {}}).second)
      return Failure(Errc::schema_bad_value, "this collection stands twice in the schema map", ns);
  }
  if (!is_document(document))
    return Failure(Errc::malformed_bson, "the schema map is not one document");
  return made;
}

Outcome<std::shared_ptr<const schema::Plan>> SchemaMap::find(std::string_view ns) {
  const auto found = entries_.find(ns);
  if (found == entries_.end()) return std::shared_ptr<const schema::Plan>();
  Entry& entry = found->second;
  {
    const std::shared_lock lock(mutex_);
    if (entry.compiled) return *entry.compiled;
  }
  // Two threads may both compile it: neither waits for the other.
  auto compiled = schema::compile_bson(entry.schema, schema::Origin::local);
  const std::unique_lock lock(mutex_);
  if (!entry.compiled) entry.compiled.emplace(std::move(compiled));
  return *entry.compiled;
}

}  // namespace fle::mongocrypt
