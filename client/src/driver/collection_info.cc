#include "collection_info.h"

#include <optional>
#include <string>
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "fle/bson_walk/walk.h"

namespace fle::client {
namespace {

using bson::Element;
using bson::Type;

Failure bad_answer(std::string_view name, const char* what) {
  return {Errc::server_bad_answer,
          "listCollections told of a collection whose " + std::string(name) + what};
}

/// The field `name` of the document at `at`. A server keeps two `$jsonSchema` and goes by both: the
/// first one must not pass for all that there is.
Outcome<std::optional<Element>> find_once(Bytes document, std::string_view name,
                                          std::uint32_t at = 0) {
  std::optional<Element> found;
  for (bson::Cursor c(document, at); c.next();) {
    if (c.element().name != name) continue;
    if (found) return bad_answer(name, " appears twice");
    found = c.element();
  }
  return found;
}

/// The document at the end of a path of documents; empty where it ends before. Something else on
/// the way is no answer of a server, and must not pass for a collection without a schema.
Outcome<Bytes> find_document(Bytes document, std::initializer_list<std::string_view> path) {
  std::uint32_t at = 0;
  Bytes found;
  for (const std::string_view name : path) {
    FLE_TRY(const std::optional<Element> e, find_once(document, name, at));
    if (!e) return Bytes();
    if (e->type != Type::object) return bad_answer(name, " is no document");
    at = e->value_offset;
    found = value_of(document, *e);
  }
  return found;
}

}  // namespace

Outcome<CollectionInfo> parse_collection_info(Bytes document) {
  FLE_CHECK(bson::check_value(Type::object, document));
  FLE_TRY(const std::optional<Element> name, find_once(document, "name"));
  if (!name || name->type != Type::string)
    return Failure(Errc::malformed_bson, "listCollections told of a collection without a name");
  CollectionInfo info;
  info.name = text_of(document, *name);
  FLE_TRY(const std::optional<Element> type, find_once(document, "type"));
  info.is_view = type && type->type == Type::string && text_of(document, *type) == "view";
  FLE_TRY(const Bytes encrypted_fields, find_document(document, {"options", "encryptedFields"}));
  info.has_encrypted_fields = !encrypted_fields.empty();
  FLE_TRY(info.schema, find_document(document, {"options", "validator", "$jsonSchema"}));
  return info;
}

std::vector<std::uint8_t> name_filter(const std::vector<std::string_view>& names) {
  bson::Writer filter;
  if (names.size() == 1) {
    filter.add_string("name", names.front());
  } else {
    filter.begin_document("name").begin_array("$in");
    for (const std::string_view name : names) filter.add_string({}, name);
  }
  return std::move(filter).take();
}

}  // namespace fle::client
