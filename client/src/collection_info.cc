#include "collection_info.h"

#include <optional>
#include <string>

#include <bson/bson.h>

#include "fle/bson/cursor.h"
#include "fle/bson_walk/walk.h"

namespace fle::client {
namespace {

using bson::Element;
using bson::Type;

/// The document at the end of a path of documents.
Bytes find_document(Bytes document, std::initializer_list<std::string_view> path) {
  std::uint32_t at = 0;
  Bytes found;
  for (const std::string_view name : path) {
    const std::optional<Element> e = bson::find(document, name, at);
    if (!e || e->type != Type::object) return {};
    at = e->value_offset;
    found = value_of(document, *e);
  }
  return found;
}

}  // namespace

Outcome<CollectionInfo> parse_collection_info(Bytes document) {
  FLE_CHECK(bson::check_value(Type::object, document));
  const std::optional<Element> name = bson::find(document, "name");
  if (!name || name->type != Type::string)
    return Failure(Errc::malformed_bson, "listCollections told of a collection without a name");
  CollectionInfo info;
  info.name = text_of(document, *name);
  const std::optional<Element> type = bson::find(document, "type");
  info.is_view = type && type->type == Type::string && text_of(document, *type) == "view";
  info.has_encrypted_fields = !find_document(document, {"options", "encryptedFields"}).empty();
  info.schema = find_document(document, {"options", "validator", "$jsonSchema"});
  return info;
}

std::vector<std::uint8_t> name_filter(const std::vector<std::string_view>& names) {
  const auto append = [](bson_t* to, std::string_view key, std::string_view value) {
    bson_append_utf8(to, key.data(), static_cast<int>(key.size()), value.data(),
                     static_cast<int>(value.size()));
  };
  bson_t filter = BSON_INITIALIZER;
  if (names.size() == 1) {
    append(&filter, "name", names.front());
  } else {
    bson_t operators;
    bson_t list;
    bson_append_document_begin(&filter, "name", -1, &operators);
    bson_append_array_begin(&operators, "$in", -1, &list);
    for (std::size_t i = 0; i < names.size(); ++i) append(&list, std::to_string(i), names[i]);
    bson_append_array_end(&operators, &list);
    bson_append_document_end(&filter, &operators);
  }
  std::vector<std::uint8_t> out(bson_get_data(&filter), bson_get_data(&filter) + filter.len);
  bson_destroy(&filter);
  return out;
}

}  // namespace fle::client
