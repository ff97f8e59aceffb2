#include "wrappers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "dates.h"
#include "fle/bson/base64.h"
#include "fle/same_text.h"
#include "numbers.h"

namespace fle::bson::internal {
namespace {

constexpr std::string_view kAlone = "no other field may stand beside it";
constexpr std::string_view kString = "expected a string";

/// A field of a document that we have written ourselves.
struct Field {
  std::string_view name;
  Type tag = Type::null;
  char* value = nullptr;
  std::size_t size = 0;

  [[nodiscard]] bool is_string() const noexcept { return tag == Type::string; }
  /// Of a string, without its NUL.
  [[nodiscard]] std::string_view text() const noexcept { return {value + 4, size - 5}; }
};

std::size_t size_of(Type tag, const char* value) noexcept {
  switch (tag) {
    case Type::double_:
    case Type::date:
    case Type::timestamp:
    case Type::long_:
      return 8;
    case Type::string:
    case Type::javascript:
    case Type::symbol:
      return 4 + std::size_t{load32(value)};
    case Type::object:
    case Type::array:
    case Type::javascript_with_scope:
      return load32(value);
    case Type::bin_data:
      return 5 + std::size_t{load32(value)};
    case Type::object_id:
      return kObjectIdLen;
    case Type::bool_:
      return 1;
    case Type::regex: {
      const std::size_t pattern = std::strlen(value) + 1;
      return pattern + std::strlen(value + pattern) + 1;
    }
    case Type::db_pointer:
      return 4 + std::size_t{load32(value)} + kObjectIdLen;
    case Type::int_:
      return 4;
    case Type::decimal:
      return kDecimalLen;
    case Type::undefined:
    case Type::null:
    case Type::max_key:
    case Type::min_key:
      break;
  }
  return 0;
}

/// The fields of a document, as far as there is room for them; how many there are, or one more than
/// there is room for.
template <std::size_t N>
std::size_t read_fields(char* document, std::array<Field, N>& out) noexcept {
  char* p = document + 4;
  for (std::size_t n = 0;; ++n) {
    if (*p == 0) return n;
    if (n == N) return N + 1;
    Field& f = out[n];
    f.tag = static_cast<Type>(*p);
    f.name = p + 1;
    f.value = p + f.name.size() + 2;
    f.size = size_of(f.tag, f.value);
    p = f.value + f.size;
  }
}
using Fields = std::array<Field, kMostFields>;

/// The two fields of these names, in this order of names; false if they are not what is there.
bool exactly(Fields& fields, std::size_t n, std::string_view first, std::string_view second) {
  if (n != 2) return false;
  if (fields[0].name != first) std::swap(fields[0], fields[1]);
  return fields[0].name == first && fields[1].name == second;
}

Unwrapped fault(std::string_view text) {
  Unwrapped u;
  u.result = Unwrapped::Result::fault;
  u.fault = text;
  return u;
}

Unwrapped value(Type tag, char* end) {
  Unwrapped u;
  u.result = Unwrapped::Result::value;
  u.tag = tag;
  u.end = end;
  return u;
}

/// Puts the values of two fields one behind the other, wherever they were.
char* join(char* out, const Field& first, const Field& second) {
  const char* from = second.value;
  if (first.value > second.value) {
    std::rotate(second.value, first.value, first.value + first.size);
    std::memmove(out, second.value, first.size);
    from = second.value + first.size;
  } else {
    std::memmove(out, first.value, first.size);
  }
  std::memmove(out + first.size, from, second.size);
  return out + first.size + second.size;
}

// ---- One function for each wrapper. `out` is where the value goes: in front of the field.

Unwrapped object_id(char* out, const Field& f, bool) {
  constexpr std::string_view kExpected = "expected a string of 24 hexadecimal digits";
  if (!f.is_string() || !decode_hex(reinterpret_cast<std::uint8_t*>(out), kObjectIdLen, f.text()))
    return fault(kExpected);
  return value(Type::object_id, out + kObjectIdLen);
}

Unwrapped same_string(char* out, const Field& f, Type tag) {
  if (!f.is_string()) return fault(kString);
  std::memmove(out, f.value, f.size);
  return value(tag, out + f.size);
}
Unwrapped symbol(char* out, const Field& f, bool) { return same_string(out, f, Type::symbol); }
Unwrapped code(char* out, const Field& f, bool) { return same_string(out, f, Type::javascript); }

Unwrapped number_int(char* out, const Field& f, bool) {
  using Limits = std::numeric_limits<std::int32_t>;
  if (!f.is_string()) return fault(kString);
  const auto n = parse_integer(f.text());
  if (!n || *n < Limits::min() || *n > Limits::max())
    return fault("expected a whole number of 32 bits");
  store32(out, static_cast<std::uint32_t>(*n));
  return value(Type::int_, out + 4);
}

Unwrapped number_long(char* out, const Field& f, bool) {
  if (!f.is_string()) return fault(kString);
  const auto n = parse_integer(f.text());
  if (!n) return fault("expected a whole number of 64 bits");
  store64(out, static_cast<std::uint64_t>(*n));
  return value(Type::long_, out + 8);
}

Unwrapped number_double(char* out, const Field& f, bool) {
  if (!f.is_string()) return fault(kString);
  const Number n = parse_double(f.text());
  if (n.kind == Number::Kind::out_of_range) return fault("a double cannot hold this number");
  if (n.kind != Number::Kind::real) return fault("expected a number, Infinity, -Infinity or NaN");
  store64(out, std::bit_cast<std::uint64_t>(n.real));
  return value(Type::double_, out + 8);
}

Unwrapped number_decimal(char* out, const Field& f, bool) {
  if (!f.is_string()) return fault(kString);
  if (!parse_decimal(out, f.text()))
    return fault("expected a decimal that Decimal128 holds exactly: 34 digits, exponent to 6,111");
  return value(Type::decimal, out + kDecimalLen);
}

Unwrapped binary(char* out, const Field& f, bool) {
  constexpr std::string_view kExpected = "expected the strings base64 and subType";
  Fields inner;
  if (f.tag != Type::object || !exactly(inner, read_fields(f.value, inner), "base64", "subType") ||
      !inner[0].is_string() || !inner[1].is_string())
    return fault(kExpected);
  return unwrap_binary(out, inner[0].text(), inner[1].text());
}

Unwrapped uuid(char* out, const Field& f, bool) {
  constexpr std::size_t kUuidLen = 16;
  if (!f.is_string() || !decode_uuid(reinterpret_cast<std::uint8_t*>(out) + 5, f.text()))
    return fault("expected a string of 32 hexadecimal digits and four hyphens");
  store32(out, kUuidLen);
  out[4] = static_cast<char>(kSubtypeUuid);
  return value(Type::bin_data, out + 5 + kUuidLen);
}

Unwrapped lonely_scope(char*, const Field&, bool) { return fault("expected $code beside it"); }

std::optional<std::uint32_t> unsigned32(const Field& f) {
  if (f.tag != Type::int_ && f.tag != Type::long_) return std::nullopt;
  const std::int64_t n = f.tag == Type::int_ ? static_cast<std::int32_t>(load32(f.value))
                                             : static_cast<std::int64_t>(load64(f.value));
  if (n < 0 || n > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(n);
}

Unwrapped timestamp(char* out, const Field& f, bool wrapped) {
  Fields inner;
  if (f.tag != Type::object || wrapped || !exactly(inner, read_fields(f.value, inner), "t", "i"))
    return fault("expected the whole numbers t and i");
  const auto t = unsigned32(inner[0]);
  const auto i = unsigned32(inner[1]);
  if (!t || !i) return fault("expected whole numbers from 0 to 4294967295 in t and i");
  store32(out, *i);
  store32(out + 4, *t);
  return value(Type::timestamp, out + 8);
}

/// Two C strings, the options in alphabetical order, as BSON wants them.
Unwrapped regex_of(char* out, const Field& pattern, const Field& options) {
  if (!pattern.is_string() || !options.is_string())
    return fault("expected the strings pattern and options");
  for (const Field* f : {&pattern, &options})
    if (f->text().find('\0') != std::string_view::npos)
      return fault("a regular expression may not contain U+0000");
  char* const letters = options.value + 4;
  char* const end = letters + options.text().size();
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(letters, end, is_ascii)) std::sort(letters, end);
  const auto text_of = [](const Field& f) { return Field{f.name, f.tag, f.value + 4, f.size - 4}; };
  return value(Type::regex, join(out, text_of(pattern), text_of(options)));
}

Unwrapped regular_expression(char* out, const Field& f, bool) {
  Fields inner;
  if (f.tag != Type::object || !exactly(inner, read_fields(f.value, inner), "pattern", "options"))
    return fault("expected the strings pattern and options");
  return regex_of(out, inner[0], inner[1]);
}

Unwrapped db_pointer(char* out, const Field& f, bool) {
  Fields inner;
  if (f.tag != Type::object || !exactly(inner, read_fields(f.value, inner), "$ref", "$id") ||
      !inner[0].is_string() || inner[1].tag != Type::object_id)
    return fault("expected a string in $ref and an ObjectId in $id");
  return value(Type::db_pointer, join(out, inner[0], inner[1]));
}

Unwrapped date(char* out, const Field& f, bool wrapped) {
  std::int64_t milliseconds = 0;
  if (f.tag == Type::long_ && wrapped) {
    milliseconds = static_cast<std::int64_t>(load64(f.value));
  } else if (f.is_string()) {
    const Date d = parse_date(f.text());
    if (d.fault != nullptr) return fault(d.fault);
    milliseconds = d.milliseconds;
  } else {
    return fault("expected a string or a $numberLong of milliseconds");
  }
  store64(out, static_cast<std::uint64_t>(milliseconds));
  return value(Type::date, out + 8);
}

Unwrapped key_of_one(char* out, const Field& f, bool wrapped, Type tag) {
  if (f.tag != Type::int_ || wrapped || load32(f.value) != 1) return fault("expected the number 1");
  return value(tag, out);
}
Unwrapped min_key(char* out, const Field& f, bool wrapped) {
  return key_of_one(out, f, wrapped, Type::min_key);
}
Unwrapped max_key(char* out, const Field& f, bool wrapped) {
  return key_of_one(out, f, wrapped, Type::max_key);
}

Unwrapped undefined(char* out, const Field& f, bool) {
  if (f.tag != Type::bool_ || *f.value == 0) return fault("expected true");
  return value(Type::undefined, out);
}

// ---- Wrappers of two names

Unwrapped code_with_scope(char* out, Fields& f) {
  (void)exactly(f, 2, "$code", "$scope");
  if (!f[0].is_string()) return fault(kString);
  if (f[1].tag != Type::object) return fault("expected a document in $scope");
  char* const end = join(out + 4, f[0], f[1]);
  store32(out, static_cast<std::uint32_t>(end - out));
  return value(Type::javascript_with_scope, end);
}

Unwrapped legacy_binary(char* out, Fields& f) {
  (void)exactly(f, 2, "$binary", "$type");
  if (!f[0].is_string() || !f[1].is_string())
    return fault("expected strings in $binary and $type beside each other");
  return unwrap_binary(out, f[0].text(), f[1].text());
}

/// Of other types it is an operator.
Unwrapped legacy_regex(char* out, Fields& f) {
  (void)exactly(f, 2, "$regex", "$options");
  return f[0].is_string() && f[1].is_string() ? regex_of(out, f[0], f[1]) : Unwrapped();
}

// ---- The tables

using One = Unwrapped (*)(char* out, const Field& f, bool wrapped);
struct Row {
  std::string_view name;
  std::string_view example;
  One make = nullptr;  // from a document with this field alone
};

/// In the order of Key.
constexpr Row kRows[] = {
    {"$oid", R"({"$oid": "507f1f77bcf86cd799439011"})", object_id},
    {"$symbol", R"({"$symbol": "a"})", symbol},
    {"$numberInt", R"({"$numberInt": "5"})", number_int},
    {"$numberLong", R"({"$numberLong": "5"})", number_long},
    {"$numberDouble", R"({"$numberDouble": "1.5"})", number_double},
    {"$numberDecimal", R"({"$numberDecimal": "1.10"})", number_decimal},
    {"$binary", R"({"$binary": {"base64": "AQID", "subType": "00"}})", binary},
    {"$uuid", R"({"$uuid": "00112233-4455-6677-8899-aabbccddeeff"})", uuid},
    {"$code", R"({"$code": "f", "$scope": {}})", code},
    {"$scope", R"({"$code": "f", "$scope": {}})", lonely_scope},
    {"$timestamp", R"({"$timestamp": {"t": 1, "i": 2}})", timestamp},
    {"$regularExpression", R"({"$regularExpression": {"pattern": "^a", "options": "i"}})",
     regular_expression},
    {"$dbPointer", R"({"$dbPointer": {"$ref": "c", "$id": {"$oid": "507f1f77bcf86cd799439011"}}})",
     db_pointer},
    {"$date", R"({"$date": {"$numberLong": "1356351330501"}})", date},
    {"$minKey", R"({"$minKey": 1})", min_key},
    {"$maxKey", R"({"$maxKey": 1})", max_key},
    {"$undefined", R"({"$undefined": true})", undefined},
    {"$regex", {}, nullptr},
    {"$options", {}, nullptr},
    {"$type", {}, nullptr}};
static_assert(std::size(kRows) == static_cast<std::size_t>(Key::none));

struct Pair {
  KeySet keys;
  Unwrapped (*make)(char* out, Fields& f);
};
constexpr Pair kPairs[] = {{{Key::code, Key::scope}, code_with_scope},
                           {{Key::binary, Key::type}, legacy_binary},
                           {{Key::regex, Key::options}, legacy_regex}};

/// The first row that a document with these names is held against.
const Row& row_of(KeySet keys) noexcept {
  std::size_t i = 0;
  while (i + 1 < std::size(kRows) && !keys.contains(static_cast<Key>(i))) ++i;
  return kRows[i];
}

/// For each length of a name the rows that have it, in one list.
struct Lengths {
  static constexpr std::size_t kLongest = 18;
  std::array<std::uint8_t, std::size(kRows)> rows{};
  std::array<std::uint8_t, kLongest + 2> first{};
};
constexpr Lengths kLengths = [] {
  Lengths l;
  std::uint8_t n = 0;
  for (std::size_t length = 0; length <= Lengths::kLongest; ++length) {
    l.first[length] = n;
    for (std::size_t i = 0; i < std::size(kRows); ++i)
      if (kRows[i].name.size() == length) l.rows[n++] = static_cast<std::uint8_t>(i);
  }
  l.first[Lengths::kLongest + 1] = n;
  return l;
}();

}  // namespace

Key key_of(std::string_view name) noexcept {
  if (name.size() > Lengths::kLongest) return Key::none;
  for (std::size_t i = kLengths.first[name.size()]; i < kLengths.first[name.size() + 1]; ++i)
    if (same_text(kRows[kLengths.rows[i]].name, name)) return static_cast<Key>(kLengths.rows[i]);
  return Key::none;
}

Unwrapped unwrap(char* document, KeySet keys, bool wrapped) {
  Fields fields;
  const std::size_t n = read_fields(document, fields);
  Unwrapped u;
  const auto* const pair = std::ranges::find(kPairs, keys, &Pair::keys);
  if (pair != std::end(kPairs) && n == 2) {
    u = pair->make(document, fields);
  } else if (!keys.wraps()) {
    return u;
  } else {
    u = n == 1 ? row_of(keys).make(document, fields[0], wrapped) : fault(kAlone);
  }
  u.name = row_of(keys).name;
  return u;
}

Unwrapped unwrap_binary(char* out, std::string_view base64, std::string_view subtype) {
  const auto type = parse_hex_byte(subtype);
  if (!type) return fault("expected one or two hexadecimal digits in subType");
  const std::size_t header = *type == kSubtypeOld ? 9 : 5;
  // The subtype's text may stand on either side of what this overwrites.
  const auto n = decode_base64(reinterpret_cast<std::uint8_t*>(out) + header, base64);
  if (!n) return fault("expected base64 with padding");
  store32(out, static_cast<std::uint32_t>(*n + header - 5));
  out[4] = static_cast<char>(*type);
  if (*type == kSubtypeOld) store32(out + 5, static_cast<std::uint32_t>(*n));
  return value(Type::bin_data, out + header + *n);
}

Unwrapped unwrap_string(char* out, Key key, char* string) {
  const Row& row = kRows[static_cast<std::size_t>(key)];
  const Field field{row.name, Type::string, string, size_of(Type::string, string)};
  return row.make(out, field, false);
}

std::string fault_text(std::string_view name, std::string_view fault) {
  const auto* const row = std::ranges::find(kRows, name, &Row::name);
  std::string text = std::string(name) + ": " + std::string(fault);
  if (row != std::end(kRows) && !row->example.empty())
    text += ", as in " + std::string(row->example);
  return text;
}

std::string crowded_text(KeySet keys) { return fault_text(row_of(keys).name, kAlone); }

}  // namespace fle::bson::internal
