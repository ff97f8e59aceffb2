#include "support/bson_values.h"

#include <algorithm>
#include <cstring>

namespace fle::test {
namespace {

using bson::Type;

void append_int32(Buf& out, std::size_t n) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(n >> shift));
}

void append(Buf& out, Bytes b) { out.insert(out.end(), b.begin(), b.end()); }

Buf random_bytes(std::size_t n, std::mt19937_64& rng) {
  Buf out(n);
  for (auto& b : out) b = static_cast<std::uint8_t>(rng());
  return out;
}

/// Lower-case letters: valid UTF-8, no NUL, and compressible for those who keep vector files.
void append_letters(Buf& out, std::size_t n, std::mt19937_64& rng) {
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<std::uint8_t>('a' + rng() % 26));
}

/// int32 length, letters, NUL: `n` letters.
void append_string(Buf& out, std::size_t n, std::mt19937_64& rng) {
  append_int32(out, n + 1);
  append_letters(out, n, rng);
  out.push_back(0);
}

constexpr std::size_t less(std::size_t a, std::size_t b) { return a > b ? a - b : 0; }

/// {"0": <string>} of `size` bytes, which is an array as well; {} below 13.
void append_document(Buf& out, std::size_t size, std::mt19937_64& rng) {
  constexpr std::size_t kEmpty = 5;
  constexpr std::size_t kWithEmptyString = kEmpty + 1 + 2 + 5;
  if (size < kWithEmptyString) {
    append_int32(out, kEmpty);
  } else {
    append_int32(out, size);
    append(out, Buf{static_cast<std::uint8_t>(Type::string), '0', 0});
    append_string(out, size - kWithEmptyString, rng);
  }
  out.push_back(0);
}

void append_binary(Buf& out, std::size_t size, std::mt19937_64& rng) {
  // Subtype 2 holds its length once more; 6 is what CSFLE itself writes and refuses.
  static constexpr std::uint8_t kSubtypes[] = {0, 1, 2, 3, 4, 5, 7, 0x80};
  std::uint8_t subtype = kSubtypes[rng() % std::size(kSubtypes)];
  if (subtype == 2 && size < 9) subtype = 0;
  const std::size_t n = less(size, 5);
  append_int32(out, n);
  out.push_back(subtype);
  if (subtype == 2) append_int32(out, n - 4);
  append(out, random_bytes(subtype == 2 ? n - 4 : n, rng));
}

void append_regex(Buf& out, std::size_t size, std::mt19937_64& rng) {
  const std::string_view options = size >= 4 && rng() % 2 == 0 ? "im" : "";
  append_letters(out, less(size, options.size() + 2), rng);
  out.push_back(0);
  for (const char c : options) out.push_back(static_cast<std::uint8_t>(c));
  out.push_back(0);
}

void append_code_with_scope(Buf& out, std::size_t size, std::mt19937_64& rng) {
  constexpr std::size_t kFixed = 4 + 5;  // total length; length and NUL of the code
  const std::size_t scope = size > 40 ? 20 : 5;
  const std::size_t code = less(size, kFixed + scope);
  append_int32(out, kFixed + code + scope);
  append_string(out, code, rng);
  append_document(out, scope, rng);
}

void append_decimal(Buf& out, std::mt19937_64& rng) {
  bson_decimal128_t d;
  const std::string text = std::to_string(static_cast<std::int64_t>(rng())) + "E-" +
                           std::to_string(rng() % 30);  // never a NaN: one has many spellings
  if (!bson_decimal128_from_string(text.c_str(), &d)) throw std::runtime_error("decimal: " + text);
  for (const std::uint64_t half : {d.low, d.high}) {
    append_int32(out, half & 0xffffffff);
    append_int32(out, half >> 32);
  }
}

}  // namespace

Buf document_with_v(const TypedValue& value) {
  Buf out;
  append_int32(out, 4 + 3 + value.bytes.size() + 1);
  append(out, Buf{static_cast<std::uint8_t>(value.type), 'v', 0});
  append(out, value.bytes);
  out.push_back(0);
  return out;
}

TypedValue only_value(Bytes document) {
  auto fields = fields_of(document);
  if (fields.size() != 1) throw std::runtime_error("not a document with one field");
  return std::move(fields[0].second);
}

TypedValue value_at(const bson_iter_t& it) {
  const std::uint8_t* const value = it.raw + it.key + bson_iter_key_len(&it) + 1;
  return {static_cast<Type>(it.raw[it.off]), Buf(value, it.raw + it.next_off)};
}

std::vector<std::pair<std::string, TypedValue>> fields_of(Bytes document) {
  const bson_t b = bson_view(document);
  std::vector<std::pair<std::string, TypedValue>> out;
  bson_iter_t it;
  if (!bson_iter_init(&it, &b)) throw std::runtime_error("not a BSON document");
  while (bson_iter_next(&it)) out.emplace_back(bson_iter_key(&it), value_at(it));
  return out;
}

std::optional<TypedValue> find_value(Bytes document, std::initializer_list<std::string_view> path) {
  TypedValue at{Type::object, {document.begin(), document.end()}};
  for (const std::string_view name : path) {
    if (at.type != Type::object && at.type != Type::array) return std::nullopt;
    auto fields = fields_of(at.bytes);
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& field) { return field.first == name; });
    if (found == fields.end()) return std::nullopt;
    at = std::move(found->second);
  }
  return at;
}

std::string text_of(const TypedValue& value) {
  if (value.type != Type::string || value.bytes.size() < 5)
    throw std::runtime_error("not a string");
  return {value.bytes.begin() + 4, value.bytes.end() - 1};
}

std::optional<Buf> payload_of(const TypedValue& value) {
  constexpr std::size_t kHeader = 5;  // int32 length, subtype
  if (value.type != Type::bin_data || value.bytes.size() < kHeader || value.bytes[4] != 6)
    return std::nullopt;
  return Buf(value.bytes.begin() + kHeader, value.bytes.end());
}

void append_value(bson_t* to, const std::string& name, const TypedValue& value) {
  const Buf wrapped = document_with_v(value);
  const bson_t view = bson_view(wrapped);
  bson_iter_t v;
  if (!bson_iter_init_find(&v, &view, "v") ||
      !bson_append_iter(to, name.data(), static_cast<int>(name.size()), &v)) {
    throw std::runtime_error("libbson cannot append " + std::string(bson::alias(value.type)));
  }
}

TypedValue binary(std::uint8_t subtype, Bytes content) {
  TypedValue v{Type::bin_data, {}};
  append_int32(v.bytes, content.size());
  v.bytes.push_back(subtype);
  append(v.bytes, content);
  return v;
}

Buf from_base64(std::string_view text) {
  const Buf d =
      bson_of(R"({"b": {"$binary": {"base64": ")" + std::string(text) + R"(", "subType": "00"}}})");
  const TypedValue v = only_value(d);
  return {v.bytes.begin() + 5, v.bytes.end()};
}

Buf bson_of(std::string_view json) {
  bson_error_t error;
  bson_t* const b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                       static_cast<ssize_t>(json.size()), &error);
  if (b == nullptr)
    throw std::runtime_error(std::string(error.message) + " in " + std::string(json));
  return BsonDocument(b).bytes();
}

std::string json_of(Bytes document) {
  const bson_t b = bson_view(document);
  char* const text = bson_as_canonical_extended_json(&b, nullptr);
  if (text == nullptr) throw std::runtime_error("not BSON inside");
  std::string out = text;
  bson_free(text);
  return out;
}

const std::vector<Type>& encryptable_types() {
  static const std::vector<Type> types = {Type::double_,
                                          Type::string,
                                          Type::object,
                                          Type::array,
                                          Type::bin_data,
                                          Type::object_id,
                                          Type::bool_,
                                          Type::date,
                                          Type::regex,
                                          Type::db_pointer,
                                          Type::javascript,
                                          Type::symbol,
                                          Type::javascript_with_scope,
                                          Type::int_,
                                          Type::timestamp,
                                          Type::long_,
                                          Type::decimal};
  return types;
}

const std::vector<Type>& refused_types() {
  static const std::vector<Type> types = {Type::undefined, Type::null, Type::max_key,
                                          Type::min_key};
  return types;
}

TypedValue make_value(Type type, std::size_t size, std::mt19937_64& rng) {
  TypedValue v{type, {}};
  switch (type) {
    case Type::double_: {
      // Whole numbers: never a NaN, which libbson's comparisons would not find equal to itself.
      const auto d = static_cast<double>(static_cast<std::int32_t>(rng()));
      v.bytes.resize(sizeof d);
      std::memcpy(v.bytes.data(), &d, sizeof d);
      break;
    }
    case Type::string:
    case Type::javascript:
    case Type::symbol:
      append_string(v.bytes, less(size, 5), rng);
      break;
    case Type::object:
    case Type::array:
      append_document(v.bytes, size, rng);
      break;
    case Type::bin_data:
      append_binary(v.bytes, size, rng);
      break;
    case Type::object_id:
      v.bytes = random_bytes(12, rng);
      break;
    case Type::bool_:
      v.bytes = {static_cast<std::uint8_t>(rng() % 2)};
      break;
    case Type::regex:
      append_regex(v.bytes, size, rng);
      break;
    case Type::db_pointer:
      append_string(v.bytes, less(size, 17), rng);
      append(v.bytes, random_bytes(12, rng));
      break;
    case Type::javascript_with_scope:
      append_code_with_scope(v.bytes, size, rng);
      break;
    case Type::int_:
      v.bytes = random_bytes(4, rng);
      break;
    case Type::date:
    case Type::timestamp:
    case Type::long_:
      v.bytes = random_bytes(8, rng);
      break;
    case Type::decimal:
      append_decimal(v.bytes, rng);
      break;
    case Type::undefined:
    case Type::null:
    case Type::max_key:
    case Type::min_key:
      break;
  }
  return v;
}

bool has_variable_size(Type type) {
  std::mt19937_64 rng(1);
  return make_value(type, 100, rng).bytes.size() == 100;
}

}  // namespace fle::test
