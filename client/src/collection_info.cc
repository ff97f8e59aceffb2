#include "collection_info.h"

#include <optional>
#include <string>

#include <bson/bson.h>

#include "fle/bson_walk/editor.h"

namespace fle::client {
namespace {

using bson::Element;
using bson::Type;

std::optional<Element> find(Bytes document, std::uint32_t at, std::string_view name) {
  for (bson::Cursor c(document, at); c.next();)
    if (c.element().name == name) return c.element();
  return std::nullopt;
}

std::string_view text(Bytes document, const Element& e) {
  return {reinterpret_cast<const char*>(document.data()) + e.value_offset + 4, e.value_size - 5};
}

/// The document at the end of a path of documents.
Bytes find_document(Bytes document, std::initializer_list<std::string_view> path) {
  std::uint32_t at = 0;
  Bytes found;
  for (const std::string_view name : path) {
    const std::optional<Element> e = find(document, at, name);
    if (!e || e->type != Type::object) return {};
    at = e->value_offset;
    found = document.subspan(e->value_offset, e->value_size);
  }
  return found;
}

}  // namespace

Outcome<CollectionInfo> parse_collection_info(Bytes document) {
  FLE_CHECK(bson::check_value(Type::object, document));
  const std::optional<Element> name = find(document, 0, "name");
  if (!name || name->type != Type::string)
    return Failure(Errc::malformed_bson, "listCollections told of a collection without a name");
  CollectionInfo info;
  info.name = text(document, *name);
  const std::optional<Element> type = find(document, 0, "type");
  info.is_view = type && type->type == Type::string && text(document, *type) == "view";
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
