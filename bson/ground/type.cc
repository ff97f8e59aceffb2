#include "fle/bson/type.h"

#include <array>

namespace fle::bson {
namespace {

struct Row {
  Type type;
  std::string_view alias;
  bool random;         // Algorithm::random may encrypt it
  bool deterministic;  // and so may Algorithm::deterministic
};

// Which types may be encrypted: CSFLE specification, corpus test.
constexpr std::array<Row, 21> kRows = {{
    {Type::double_, "double", true, false},
    {Type::string, "string", true, true},
    {Type::object, "object", true, false},
    {Type::array, "array", true, false},
    {Type::bin_data, "binData", true, true},
    {Type::undefined, "undefined", false, false},
    {Type::object_id, "objectId", true, true},
    {Type::bool_, "bool", true, false},
    {Type::date, "date", true, true},
    {Type::null, "null", false, false},
    {Type::regex, "regex", true, true},
    {Type::db_pointer, "dbPointer", true, true},
    {Type::javascript, "javascript", true, true},
    {Type::symbol, "symbol", true, true},
    {Type::javascript_with_scope, "javascriptWithScope", true, false},
    {Type::int_, "int", true, true},
    {Type::timestamp, "timestamp", true, true},
    {Type::long_, "long", true, true},
    {Type::decimal, "decimal", true, false},
    {Type::max_key, "maxKey", false, false},
    {Type::min_key, "minKey", false, false},
}};

/// The same for each byte: this is asked for each field that is encrypted.
struct Encryptable {
  bool random = false;
  bool deterministic = false;
};
constexpr auto kEncryptable = [] {
  std::array<Encryptable, 256> table{};
  for (const Row& r : kRows) table[static_cast<std::uint8_t>(r.type)] = {r.random, r.deterministic};
  return table;
}();

const Row* find(Type type) noexcept {
  for (const Row& r : kRows) {
    if (r.type == type) return &r;
  }
  return nullptr;
}

}  // namespace

std::string_view alias(Type type) noexcept {
  const Row* r = find(type);
  return r != nullptr ? r->alias : "unknown";
}

std::optional<Type> type_of_alias(std::string_view alias) noexcept {
  for (const Row& r : kRows) {
    if (r.alias == alias) return r.type;
  }
  return std::nullopt;
}

bool encryptable(Type type, Algorithm algorithm) noexcept {
  const Encryptable e = kEncryptable[static_cast<std::uint8_t>(type)];
  return algorithm == Algorithm::random ? e.random : e.deterministic;
}

}  // namespace fle::bson
