#include "queryable.h"

#include "document.h"
#include "fle/bson/cursor.h"
#include "fle/bson_walk/walk.h"

namespace fle::mongocrypt {
namespace {

using bson::Cursor;
using bson::Type;

constexpr std::chrono::seconds kLifetime{60};
/// Names come from a program's commands.
constexpr std::size_t kMost = 10'000;

}  // namespace

Done check_encrypted_field_map(Bytes map) {
  Cursor cursor(map);
  while (cursor.next())
    if (cursor.element().type != Type::object)
      return Failure(Errc::schema_bad_value,
                     "the encryptedFields of a collection must be a document",
                     std::string(cursor.element().name));
  if (!is_document(map))
    return Failure(Errc::malformed_bson, "encryptedFieldsMap is not one document");
  return ok;
}

QueryableCollections::QueryableCollections(Bytes map, Bytes schema_map) {
  for (Cursor c(map); c.next();) of_map_.emplace(c.element().name);
  for (Cursor c(schema_map); c.next();) of_schema_map_.emplace(c.element().name);
}

bool QueryableCollections::contains(std::string_view ns) {
  if (of_map_.contains(ns)) return true;
  const std::lock_guard lock(mutex_);
  const auto found = learned_.find(ns);
  return found != learned_.end() && Clock::now() < found->second;
}

bool QueryableCollections::learn(std::string_view db, Bytes collection_info) {
  const auto name = bson::find(collection_info, "name");
  const auto options = bson::find(collection_info, "options");
  if (!name || name->type != Type::string || !options || options->type != Type::object ||
      !bson::find(collection_info, "encryptedFields", options->value_offset))
    return false;
  std::string ns(db);
  ns.append(1, '.').append(bson::text_of(collection_info, *name));
  if (of_schema_map_.contains(ns)) return false;
  const std::lock_guard lock(mutex_);
  if (learned_.size() >= kMost) learned_.clear();
  learned_.insert_or_assign(std::move(ns), Clock::now() + kLifetime);
  return true;
}

bool holds_queryable(Bytes document) {
  bson::Edits edits;
  return bson::find_ciphertexts(document, edits, {200, bson::kMaxMessageSize}) &&
         edits.unmarked().foreign != 0;
}

}  // namespace fle::mongocrypt
