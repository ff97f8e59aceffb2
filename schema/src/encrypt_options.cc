#include "encrypt_options.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "fle/did_you_mean.h"
#include "keywords.h"

namespace fle::schema {
namespace {

using bson::Type;

constexpr auto kAllTypes =
    std::to_array<Type>({Type::double_,    Type::string,    Type::object,
                         Type::array,      Type::bin_data,  Type::undefined,
                         Type::object_id,  Type::bool_,     Type::date,
                         Type::null,       Type::regex,     Type::db_pointer,
                         Type::javascript, Type::symbol,    Type::javascript_with_scope,
                         Type::int_,       Type::timestamp, Type::long_,
                         Type::decimal,    Type::max_key,   Type::min_key});

constexpr std::string_view kOptions[] = {"algorithm", "keyId", "bsonType"};

struct AlgorithmName {
  std::string_view text;
  Algorithm algorithm;
};
constexpr auto kAlgorithms = std::to_array<AlgorithmName>({
    {"AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic", Algorithm::deterministic},
    {"AEAD_AES_256_CBC_HMAC_SHA_512-Random", Algorithm::random},
});

/// Every field has the pointer that it inherits.
constexpr std::size_t kMaxPointer = 1024;

Outcome<Algorithm> read_algorithm(const SchemaValue& v, const Location& place) {
  if (v.kind != ValueKind::string) {
    return fail(Errc::schema_type_mismatch,
                std::string("'algorithm' must be a string, found ") + describe(v.kind), place);
  }
  for (const AlgorithmName& a : kAlgorithms) {
    if (a.text == v.text) return a.algorithm;
  }
  std::array<std::string_view, kAlgorithms.size()> names;
  std::ranges::transform(kAlgorithms, names.begin(), &AlgorithmName::text);
  return fail(Errc::schema_bad_value,
              "'algorithm' must be AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic or "
              "AEAD_AES_256_CBC_HMAC_SHA_512-Random." +
                  did_you_mean(v.text, names),
              place);
}

Outcome<KeySelector> read_uuid_array(const SchemaValue& v, const Location& place) {
  if (v.items.size() != 1) {
    return fail(ErrorDetail::key_id_not_one,
                "'keyId' must hold exactly one UUID, found " + std::to_string(v.items.size()),
                place);
  }
  const SchemaValue& item = v.items.front();
  const Location at = place.at("0", item);
  if (item.kind != ValueKind::binary) {
    return fail(ErrorDetail::key_id_item_not_binary,
                std::string("Array elements must have type BinData, found ") + describe(item.kind),
                at);
  }
  const auto id =
      KeyId::from({reinterpret_cast<const std::uint8_t*>(item.text.data()), item.text.size()});
  if (item.subtype != bson::kSubtypeUuid || !id) {
    return fail(ErrorDetail::key_id_not_a_uuid,
                "'keyId' must be a UUID: BinData of subtype 4 and 16 bytes", at);
  }
  return KeySelector(*id);
}

// RFC 6901, absolute.
Outcome<KeySelector> read_pointer(const SchemaValue& v, const Location& place) {
  const std::string& text = v.text;
  if (text.empty())
    return fail(ErrorDetail::pointer_empty, "the JSON pointer in 'keyId' is empty", place);
  if (text.front() != '/') {
    return fail(ErrorDetail::pointer_without_slash,
                "the JSON pointer in 'keyId' must start with '/'", place);
  }
  if (text.size() > kMaxPointer) {
    return fail(
        Errc::schema_bad_pointer,
        "the JSON pointer in 'keyId' is longer than " + std::to_string(kMaxPointer) + " bytes",
        place);
  }
  KeyPointer p{text, {}};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      p.tokens.emplace_back();
    } else if (text[i] != '~') {
      p.tokens.back() += text[i];
    } else if (++i < text.size() && (text[i] == '0' || text[i] == '1')) {
      p.tokens.back() += text[i] == '0' ? '~' : '/';
    } else {
      return fail(ErrorDetail::pointer_bad_escape,
                  "in the JSON pointer in 'keyId', '~' must be followed by 0 or 1", place);
    }
  }
  return KeySelector(std::move(p));
}

Outcome<KeySelector> read_key(const SchemaValue& v, const Location& place) {
  if (v.kind == ValueKind::array) return read_uuid_array(v, place);
  if (v.kind == ValueKind::string) return read_pointer(v, place);
  return fail(ErrorDetail::key_id_not_an_array,
              std::string("'keyId' must be an array with one UUID, or a JSON pointer; found ") +
                  describe(v.kind),
              place);
}

Outcome<bson::TypeSet> read_types(const SchemaValue& v, const Location& place) {
  FLE_TRY(const std::vector<std::string> names, read_type_names(v, place, "bsonType"));
  bson::TypeSet types;
  for (const std::string& n : names) {
    const auto type = bson::type_of_alias(n);
    if (!type) {
      return fail(Errc::schema_bad_value,
                  "'" + n + "' is not the name of one BSON type." + type_suggestion(n), place);
    }
    types.add(*type);
  }
  return types;
}

Done check_types(const EncryptOptions& o, Algorithm algorithm, const Location& place) {
  if (algorithm == Algorithm::deterministic && o.n_types != 1) {
    return fail(o.types ? Errc::schema_bad_value : Errc::schema_incomplete,
                "the deterministic algorithm needs exactly one 'bsonType'",
                o.types ? o.types->place : place);
  }
  for (const Type t : kAllTypes) {
    if (!o.types || !o.types->value.contains(t) || bson::encryptable(t, algorithm)) continue;
    return fail(
        ErrorDetail::type_not_encryptable,
        "Cannot encrypt element of type: " + std::string(bson::alias(t)) +
            (algorithm == Algorithm::deterministic ? " with the deterministic algorithm" : ""),
        o.types->place);
  }
  return ok;
}

}  // namespace

std::string Location::pointer() const {
  std::vector<const Step*> steps;
  for (const Step* s = step_.get(); s != nullptr; s = s->outer.get()) steps.push_back(s);
  std::string text;
  std::for_each(steps.rbegin(), steps.rend(),
                [&](const Step* s) { text += pointer_step(s->name); });
  return text.empty() ? "/" : text;
}

Failure fail(ErrorCode code, const std::string& message, const Location& place) {
  Failure f(code, printable(message), place.pointer());
  f.column = static_cast<std::uint32_t>(place.offset);
  return f;
}

std::string type_suggestion(std::string_view name) {
  // What other languages and JSON Schema call them.
  static constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
      {"integer", "int"},        {"int32", "int"},      {"int64", "long"},   {"boolean", "bool"},
      {"float", "double"},       {"number", "double"},  {"text", "string"},  {"datetime", "date"},
      {"decimal128", "decimal"}, {"binary", "binData"}, {"uuid", "binData"}, {"oid", "objectId"}};
  for (const auto& [other, ours] : kElsewhere)
    if (name_distance(name, other) == 0) return " Did you mean '" + std::string(ours) + "'?";
  std::array<std::string_view, kAllTypes.size()> names;
  std::ranges::transform(kAllTypes, names.begin(), bson::alias);
  return did_you_mean(name, names);
}

bool is_encrypt_option(std::string_view name) noexcept {
  return std::ranges::find(kOptions, name) != std::end(kOptions);
}

Outcome<std::vector<std::string>> read_type_names(const SchemaValue& value, const Location& place,
                                                  std::string_view keyword) {
  const auto mismatch = [&](const SchemaValue& v, const Location& at) {
    return fail(Errc::schema_type_mismatch,
                "'" + std::string(keyword) + "' must be a string or an array of strings, found " +
                    describe(v.kind),
                at);
  };
  if (value.kind == ValueKind::string) return std::vector<std::string>{value.text};
  if (value.kind != ValueKind::array) return mismatch(value, place);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const SchemaValue& item = value.items[i];
    if (item.kind != ValueKind::string) return mismatch(item, place.at(std::to_string(i), item));
    names.push_back(item.text);
  }
  if (names.empty()) {
    return fail(Errc::schema_bad_value, "'" + std::string(keyword) + "' names no type", place);
  }
  return names;
}

Outcome<EncryptOptions> read_options(const SchemaValue& value, const Location& place,
                                     bool with_types, const EncryptOptions& inherited) {
  const std::span<const std::string_view> names(kOptions, with_types ? 3 : 2);
  const std::string keyword = with_types ? "encrypt" : "encryptMetadata";
  if (value.kind != ValueKind::object) {
    return fail(Errc::schema_type_mismatch,
                "'" + keyword + "' must be an object, found " + describe(value.kind), place);
  }
  EncryptOptions o;
  o.algorithm = inherited.algorithm;
  o.key = inherited.key;
  for (const Member& m : value.members) {
    const Location at = place.at(m.name, m.value);
    if (m.name == "algorithm") {
      FLE_TRY(const Algorithm a, read_algorithm(m.value, at));
      o.algorithm = {a, at};
    } else if (m.name == "keyId") {
      FLE_TRY(KeySelector k, read_key(m.value, at));
      o.key = {std::move(k), at};
    } else if (m.name == "bsonType" && with_types) {
      FLE_TRY(const bson::TypeSet t, read_types(m.value, at));
      o.types = {t, at};
      o.n_types = m.value.kind == ValueKind::array ? m.value.items.size() : 1;
    } else {
      return fail(ErrorDetail::schema_unknown_option,
                  "'" + keyword + "' has no option '" + m.name + "'" +
                      (name_distance(m.name, "bsonType") == 0 && !with_types
                           ? ": 'bsonType' is never inherited, give it in each 'encrypt'"
                           : "." + did_you_mean(m.name, names)),
                  place.at(m.name, m.offset));
    }
  }
  if (!with_types && value.members.empty()) {
    return fail(ErrorDetail::metadata_empty,
                "'encryptMetadata' must give 'algorithm', 'keyId' or both", place);
  }
  return o;
}

Outcome<Leaf> make_leaf(const EncryptOptions& o, std::string path, const Location& place) {
  if (!o.algorithm || !o.key) {
    return fail(Errc::schema_incomplete,
                std::string("the field has no '") + (!o.algorithm ? "algorithm" : "keyId") +
                    "': give it in 'encrypt', or in 'encryptMetadata' of an object around it",
                place);
  }
  const Algorithm algorithm = o.algorithm->value;
  FLE_CHECK(check_types(o, algorithm, place));
  if (algorithm == Algorithm::deterministic && std::holds_alternative<KeyPointer>(o.key->value)) {
    return fail(Errc::schema_bad_pointer,
                "the deterministic algorithm needs 'keyId' to be a UUID: with a key from the "
                "document, equal values would not look equal",
                o.key->place);
  }
  return Leaf{std::move(path), algorithm, o.key->value, o.types ? o.types->value : bson::TypeSet{}};
}

}  // namespace fle::schema
