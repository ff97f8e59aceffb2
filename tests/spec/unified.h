#ifndef FLE_TESTS_SPEC_UNIFIED_H_
#define FLE_TESTS_SPEC_UNIFIED_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scene.h"

namespace fle::test {

/// A file of the unified test format (specification: unified-test-format), read as the legacy files
/// are: entities become the options of one client and the names of its collection, initial data the
/// collection and the key vault, expectEvents expectations.
class UnifiedFile {
 public:
  explicit UnifiedFile(Buf file) : file_(std::move(file)) {
    for (const Buf& entity : items_of(find_value(file_, {"createEntities"})))
      for (const auto& [kind, options] : test::fields_of(entity))
        entities_.emplace(text(options.bytes, "id").value(), Entity{kind, options.bytes});
  }

  /// One test, with a legacy file around it: one client and one collection are all that it has.
  struct Legacy {
    Buf file;
    Buf test;
    int elsewhere = 0;  ///< Operations of clients that do not encrypt, or of no client.
  };
  [[nodiscard]] std::vector<Legacy> tests() const {
    std::vector<Legacy> out;
    for (const Buf& t : items_of(find_value(file_, {"tests"}))) out.push_back(legacy(t));
    return out;
  }

 private:
  struct Entity {
    std::string kind;  // "client", "database", "collection", "clientEncryption"
    Buf options;
  };
  using Fields = std::vector<std::pair<std::string, std::optional<TypedValue>>>;

  static Buf document(const Fields& fields) {
    const BsonDocument b;
    for (const auto& [name, value] : fields)
      if (value) append_value(b.get(), name, *value);
    return b.bytes();
  }
  static TypedValue object(const Fields& fields) { return {bson::Type::object, document(fields)}; }
  static TypedValue array(const std::vector<Buf>& documents) {
    Fields items;
    for (std::size_t i = 0; i < documents.size(); ++i)
      items.emplace_back(std::to_string(i), TypedValue{bson::Type::object, documents[i]});
    return {bson::Type::array, document(items)};
  }
  static TypedValue text_value(const std::string& text) {
    const BsonDocument b;
    bson_append_utf8(b.get(), "v", -1, text.c_str(), -1);
    return only_value(b.bytes());
  }
  static TypedValue false_value() { return {bson::Type::bool_, {0}}; }
  static std::optional<std::string> text(const Buf& doc, std::string_view name) {
    const auto value = find_value(doc, {name});
    return value ? std::optional(text_of(*value)) : std::nullopt;
  }

  /// The entity that an operation is on; null for the test runner.
  [[nodiscard]] const Entity* entity_of(const Buf& op) const {
    const auto it = entities_.find(text(op, "object").value());
    return it == entities_.end() ? nullptr : &it->second;
  }
  /// From a collection or database up to its client's id; empty for other entities.
  [[nodiscard]] std::string client_of(const Entity* e) const {
    while (e != nullptr && e->kind == "collection")
      e = &entities_.at(text(e->options, "database").value());
    return e != nullptr && e->kind == "database" ? text(e->options, "client").value() : "";
  }
  [[nodiscard]] std::optional<TypedValue> auto_encryption(const std::string& client) const {
    return client.empty() ? std::nullopt
                          : find_value(entities_.at(client).options, {"autoEncryptOpts"});
  }

  [[nodiscard]] Legacy legacy(const Buf& t) const {
    Legacy out;
    std::string client;
    std::string collection = "default";
    std::string database = "default";
    std::vector<Buf> operations;
    for (const Buf& op : items_of(find_value(t, {"operations"}))) {
      const Entity* e = entity_of(op);
      const std::string its = client_of(e);
      if (!auto_encryption(its)) {
        ++out.elsewhere;
        continue;
      }
      if (!client.empty() && client != its) throw std::runtime_error("two clients that encrypt");
      client = its;
      if (e->kind == "collection") {
        collection = text(e->options, "collectionName").value();
        e = &entities_.at(text(e->options, "database").value());
        operations.push_back(operation(op, "collection"));
      } else {
        operations.push_back(operation(op, "database"));
      }
      database = text(e->options, "databaseName").value();
    }
    out.file = file_around(database, collection);
    out.test = document(
        {{"description", find_value(t, {"description"})},
         {"skipReason", find_value(t, {"skipReason"})},
         {"clientOptions",
          object({{"autoEncryptOpts", client.empty() ? object({}) : auto_encryption(client)}})},
         {"operations", array(operations)},
         {"expectations", array(expectations(t, client))}});
    return out;
  }

  static Buf operation(const Buf& op, const std::string& object_kind) {
    const auto expected = find_value(op, {"expectError"});
    // An error of which nothing is said, is any.
    const std::optional<TypedValue> result =
        expected ? std::optional(
                       object({{"errorContains",
                                text_value(text(expected->bytes, "errorContains").value_or(""))}}))
                 : find_value(op, {"expectResult"});
    return document({{"name", find_value(op, {"name"})},
                     {"object", text_value(object_kind)},
                     {"arguments", arguments(op)},
                     {"result", result}});
  }

  /// {requests: [{insertOne: {document}}]} as [{name: "insertOne", arguments: {document}}].
  static std::optional<TypedValue> arguments(const Buf& op) {
    const auto given = find_value(op, {"arguments"});
    const auto requests = find_value(op, {"arguments", "requests"});
    if (given && !requests) return request_of(text(op, "name").value(), *given);
    if (!requests) return given;
    std::vector<Buf> named;
    for (const Buf& request : items_of(requests))
      for (const auto& [name, value] : test::fields_of(request))
        named.push_back(
            document({{"name", text_value(name)}, {"arguments", request_of(name, value)}}));
    return object({{"requests", array(named)}});
  }
  /// Drivers say of an update what it is not.
  static TypedValue request_of(const std::string& name, const TypedValue& given) {
    Fields fields;
    for (const auto& [option, value] : test::fields_of(given.bytes))
      fields.emplace_back(option, value);
    if (name == "updateOne")
      for (const char* option : {"multi", "upsert"})
        if (!find_value(given.bytes, {option})) fields.emplace_back(option, false_value());
    return object(fields);
  }

  [[nodiscard]] Buf file_around(const std::string& database, const std::string& collection) const {
    std::optional<TypedValue> data;
    std::optional<TypedValue> keys;
    std::optional<TypedValue> schema;
    for (const Buf& part : items_of(find_value(file_, {"initialData"}))) {
      const auto documents = find_value(part, {"documents"});
      if (text(part, "databaseName") == "keyvault") keys = documents;
      if (text(part, "databaseName") != database || text(part, "collectionName") != collection)
        continue;
      data = documents;
      schema = find_value(part, {"createOptions", "validator", "$jsonSchema"});
    }
    return document({{"database_name", text_value(database)},
                     {"collection_name", text_value(collection)},
                     {"data", data},
                     {"json_schema", schema},
                     {"key_vault_data", keys}});
  }

  /// The commands that a client was seen to send, in order.
  static std::vector<Buf> expectations(const Buf& t, const std::string& client) {
    std::vector<Buf> out;
    for (const Buf& of : items_of(find_value(t, {"expectEvents"}))) {
      if (text(of, "client") != client) continue;
      for (const Buf& event : items_of(find_value(of, {"events"})))
        if (const auto command = find_value(event, {"commandStartedEvent", "command"}))
          out.push_back(document({{"command_started_event", object({{"command", command}})}}));
    }
    return out;
  }

  Buf file_;
  std::map<std::string, Entity> entities_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_SPEC_UNIFIED_H_
