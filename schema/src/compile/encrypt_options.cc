#include "encrypt_options.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "fle/did_you_mean.h"

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

// The readers below give nothing where a fault was kept.

using MaybeAlgorithm = std::optional<Algorithm>;
using MaybeKey = std::optional<KeySelector>;
using MaybeTypes = std::optional<bson::TypeSet>;

Outcome<MaybeAlgorithm> read_algorithm(const SchemaValue& v, const Location& place,
                                       Faults& faults) {
  if (v.kind != ValueKind::string) {
    FLE_CHECK(faults.found(Rule::algorithm_not_string,
                           std::string("'algorithm' must be a string, found ") + describe(v.kind),
                           place));
    return MaybeAlgorithm();
  }
  for (const AlgorithmName& a : kAlgorithms) {
    if (a.text == v.text) return MaybeAlgorithm(a.algorithm);
  }
  std::array<std::string_view, kAlgorithms.size()> names;
  std::ranges::transform(kAlgorithms, names.begin(), &AlgorithmName::text);
  FLE_CHECK(faults.found(Rule::algorithm_unknown,
                         "'algorithm' must be AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic or "
                         "AEAD_AES_256_CBC_HMAC_SHA_512-Random." +
                             did_you_mean(v.text, names),
                         place));
  return MaybeAlgorithm();
}

Outcome<MaybeKey> read_uuid_array(const SchemaValue& v, const Location& place, Faults& faults) {
  if (v.items.size() != 1) {
    FLE_CHECK(faults.found(
        Rule::key_not_one,
        "'keyId' must hold exactly one UUID, found " + std::to_string(v.items.size()), place));
    return MaybeKey();
  }
  const SchemaValue& item = v.items.front();
  const Location at = place.at("0", item);
  if (item.kind != ValueKind::binary) {
    FLE_CHECK(faults.found(
        Rule::key_item,
        std::string("Array elements must have type BinData, found ") + describe(item.kind), at));
    return MaybeKey();
  }
  const auto id =
      KeyId::from({reinterpret_cast<const std::uint8_t*>(item.text.data()), item.text.size()});
  if (item.subtype != bson::kSubtypeUuid || !id) {
    FLE_CHECK(faults.found(Rule::key_not_uuid,
                           "'keyId' must be a UUID: BinData of subtype 4 and 16 bytes", at));
    return MaybeKey();
  }
  return MaybeKey(*id);
}

// RFC 6901, absolute.
Outcome<MaybeKey> read_pointer(const SchemaValue& v, const Location& place, Faults& faults) {
  const std::string& text = v.text;
  const auto wrong = [&](Rule rule, const std::string& message) -> Outcome<MaybeKey> {
    FLE_CHECK(faults.found(rule, message, place));
    return MaybeKey();
  };
  if (text.empty()) return wrong(Rule::pointer_empty, "the JSON pointer in 'keyId' is empty");
  if (text.front() != '/')
    return wrong(Rule::pointer_relative, "the JSON pointer in 'keyId' must start with '/'");
  if (text.size() > kMaxPointer) {
    return wrong(Rule::pointer_long, "the JSON pointer in 'keyId' is longer than " +
                                         std::to_string(kMaxPointer) + " bytes");
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
      return wrong(Rule::pointer_escape,
                   "in the JSON pointer in 'keyId', '~' must be followed by 0 or 1");
    }
  }
  return MaybeKey(std::move(p));
}

Outcome<MaybeKey> read_key(const SchemaValue& v, const Location& place, Faults& faults) {
  if (v.kind == ValueKind::array) return read_uuid_array(v, place, faults);
  if (v.kind == ValueKind::string) return read_pointer(v, place, faults);
  FLE_CHECK(faults.found(
      Rule::key_not_array,
      std::string("'keyId' must be an array with one UUID, or a JSON pointer; found ") +
          describe(v.kind),
      place));
  return MaybeKey();
}

Outcome<MaybeTypes> read_types(const SchemaValue& v, const Location& place, Faults& faults) {
  FLE_TRY(const std::vector<std::string> names, read_type_names(v, place, "bsonType", faults));
  bson::TypeSet types;
  bool wrong = names.empty();
  for (const std::string& n : names) {
    if (const auto type = bson::type_of_alias(n)) {
      types.add(*type);
      continue;
    }
    wrong = true;
    FLE_CHECK(faults.found(Rule::type_unknown,
                           "'" + n + "' is not the name of one BSON type." + type_suggestion(n),
                           place));
  }
  return wrong ? MaybeTypes() : MaybeTypes(types);
}

/// An option that is there under another name is wrong, not missing.
void note_misspelled(EncryptOptions& o, std::string_view name) {
  const std::string_view meant = closest_name(name, kOptions);
  o.wrong_algorithm |= meant == "algorithm" && !o.algorithm;
  o.wrong_key |= meant == "keyId" && !o.key;
  o.wrong_types |= meant == "bsonType" && !o.types;
}

/// Whether the types fit the algorithm.
Outcome<bool> check_types(const EncryptOptions& o, Algorithm algorithm, const Location& place,
                          Faults& faults) {
  bool fit = !o.wrong_types;
  if (algorithm == Algorithm::deterministic && o.n_types != 1 && !o.wrong_types) {
    fit = false;
    FLE_CHECK(faults.found(o.types ? Rule::deterministic_types : Rule::deterministic_no_type,
                           "the deterministic algorithm needs exactly one 'bsonType'",
                           o.types ? o.types->place : place));
  }
  for (const Type t : kAllTypes) {
    if (!o.types || !o.types->value.contains(t) || bson::encryptable(t, algorithm)) continue;
    fit = false;
    FLE_CHECK(faults.found(
        Rule::type_not_encryptable,
        "Cannot encrypt element of type: " + std::string(bson::alias(t)) +
            (algorithm == Algorithm::deterministic ? " with the deterministic algorithm" : ""),
        o.types->place));
  }
  return fit;
}

}  // namespace

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
                                                  std::string_view keyword, Faults& faults) {
  const auto mismatch = [&](const SchemaValue& v,
                            const Location& at) -> Outcome<std::vector<std::string>> {
    FLE_CHECK(faults.found(Rule::type_not_string,
                           "'" + std::string(keyword) +
                               "' must be a string or an array of strings, found " +
                               describe(v.kind),
                           at));
    return std::vector<std::string>();
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
    FLE_CHECK(faults.found(Rule::type_none, "'" + std::string(keyword) + "' names no type", place));
  }
  return names;
}

Outcome<EncryptOptions> read_options(const SchemaValue& value, const Location& place,
                                     bool with_types, const EncryptOptions& inherited,
                                     Faults& faults) {
  const std::span<const std::string_view> names(kOptions, with_types ? 3 : 2);
  const std::string keyword = with_types ? "encrypt" : "encryptMetadata";
  EncryptOptions o = inherited;
  o.types.reset();
  o.wrong_types = false;
  if (value.kind != ValueKind::object) {
    FLE_CHECK(faults.found(Rule::encrypt_not_object,
                           "'" + keyword + "' must be an object, found " + describe(value.kind),
                           place));
    o.wrong_algorithm = o.wrong_key = o.wrong_types = true;
    return o;
  }
  const auto take = [](auto& option, bool& wrong, auto&& read, const Location& at) {
    option.reset();
    wrong = !read;
    if (read) option = {std::move(*read), at};
  };
  for (const Member& m : value.members) {
    const Location at = place.at(m.name, m.value);
    if (m.name == "algorithm") {
      FLE_TRY(auto algorithm, read_algorithm(m.value, at, faults));
      take(o.algorithm, o.wrong_algorithm, std::move(algorithm), at);
    } else if (m.name == "keyId") {
      FLE_TRY(auto key, read_key(m.value, at, faults));
      take(o.key, o.wrong_key, std::move(key), at);
    } else if (m.name == "bsonType" && with_types) {
      FLE_TRY(auto types, read_types(m.value, at, faults));
      take(o.types, o.wrong_types, std::move(types), at);
      o.n_types = m.value.kind == ValueKind::array ? m.value.items.size() : 1;
    } else {
      FLE_CHECK(faults.found(Rule::option_unknown,
                             "'" + keyword + "' has no option '" + m.name + "'" +
                                 (name_distance(m.name, "bsonType") == 0 && !with_types
                                      ? ": 'bsonType' is never inherited, give it in each 'encrypt'"
                                      : "." + did_you_mean(m.name, names)),
                             place.at(m.name, m.offset)));
      note_misspelled(o, m.name);
    }
  }
  if (!with_types && value.members.empty()) {
    FLE_CHECK(faults.found(Rule::metadata_empty,
                           "'encryptMetadata' must give 'algorithm', 'keyId' or both", place));
  }
  return o;
}

Outcome<std::optional<Leaf>> make_leaf(const EncryptOptions& o, std::string path,
                                       const Location& place, Faults& faults) {
  const auto missing = [&](Rule rule, const char* option) {
    return faults.found(rule,
                        std::string("the field has no '") + option +
                            "': give it in 'encrypt', or in 'encryptMetadata' of an object "
                            "around it",
                        place);
  };
  if (!o.algorithm && !o.wrong_algorithm) FLE_CHECK(missing(Rule::algorithm_missing, "algorithm"));
  if (!o.key && !o.wrong_key) FLE_CHECK(missing(Rule::key_missing, "keyId"));
  if (!o.algorithm) return std::optional<Leaf>();
  const Algorithm algorithm = o.algorithm->value;
  FLE_TRY(bool fit, check_types(o, algorithm, place, faults));
  if (o.key && algorithm == Algorithm::deterministic &&
      std::holds_alternative<KeyPointer>(o.key->value)) {
    fit = false;
    FLE_CHECK(
        faults.found(Rule::pointer_deterministic,
                     "the deterministic algorithm needs 'keyId' to be a UUID: with a key from the "
                     "document, equal values would not look equal",
                     o.key->place));
  }
  if (!fit || !o.key || o.any_wrong()) return std::optional<Leaf>();
  return std::optional<Leaf>(
      Leaf{std::move(path), algorithm, o.key->value, o.types ? o.types->value : bson::TypeSet{}});
}

}  // namespace fle::schema
