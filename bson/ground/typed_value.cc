#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "fle/bson/base64.h"
#include "fle/bson/little_endian.h"
#include "fle/bson/value.h"
#include "fle/bson/writer.h"
#include "value.h"

namespace fle::bson {
namespace {

std::array<std::uint8_t, 4> number32(std::uint32_t v) noexcept {
  std::array<std::uint8_t, 4> b{};
  store32(b.data(), v);
  return b;
}
std::array<std::uint8_t, 8> number64(std::uint64_t v) noexcept {
  std::array<std::uint8_t, 8> b{};
  store64(b.data(), v);
  return b;
}

}  // namespace

Result<ObjectId> ObjectId::parse(std::string_view text) noexcept {
  ObjectId id;
  if (!decode_hex(id.bytes.data(), id.bytes.size(), text))
    return Error{Errc::invalid_argument, "ObjectId::parse: not 24 hexadecimal digits"};
  return id;
}

std::string ObjectId::to_string() const {
  std::string s(2 * bytes.size(), '\0');
  encode_hex(s.data(), bytes.data(), bytes.size());
  return s;
}

Result<Uuid> Uuid::parse(std::string_view text) noexcept {
  Uuid id;
  if (!decode_uuid(id.bytes.data(), text))
    return Error{Errc::invalid_argument, "Uuid::parse: not 36 characters of a UUID"};
  return id;
}

std::string Uuid::to_string() const { return KeyId{bytes}.to_string(); }

Value::Value() noexcept = default;
Value::Value(const Value&) = default;
Value& Value::operator=(const Value&) = default;
Value::Value(Value&& o) noexcept
    : type_(std::exchange(o.type_, Type::null)), bytes_(std::exchange(o.bytes_, {})) {}
Value& Value::operator=(Value&& o) noexcept {
  if (this == &o) return *this;
  type_ = std::exchange(o.type_, Type::null);
  bytes_ = std::exchange(o.bytes_, {});
  return *this;
}
Value::~Value() = default;

bool Value::operator==(const Value& other) const noexcept {
  return type_ == other.type_ && bytes_ == other.bytes_;
}

Value::Value(Type type, Bytes bytes) : type_(type), bytes_(bytes.begin(), bytes.end()) {}
Value::Value(std::int32_t number)
    : Value(Type::int_, number32(static_cast<std::uint32_t>(number))) {}
Value::Value(std::int64_t number)
    : Value(Type::long_, number64(static_cast<std::uint64_t>(number))) {}
Value::Value(double number)
    : Value(Type::double_, number64(std::bit_cast<std::uint64_t>(number))) {}
Value::Value(Type type, bool truth) : type_(type), bytes_(1, std::uint8_t{truth}) {}
Value::Value(Date time)
    : Value(Type::date, number64(static_cast<std::uint64_t>(time.time_since_epoch().count()))) {}
Value::Value(const ObjectId& id) : Value(Type::object_id, id.bytes) {}
Value::Value(const Uuid& id) : Value(binary(kSubtypeUuid, id.bytes)) {}
Value::Value(const Decimal128& number) : type_(Type::decimal), bytes_(16) {
  store64(bytes_.data(), number.low);
  store64(bytes_.data() + 8, number.high);
}

Value::Value(Type type, std::string_view text) : type_(type), bytes_(4 + text.size() + 1) {
  store32(bytes_.data(), static_cast<std::uint32_t>(text.size() + 1));
  if (!text.empty()) std::memcpy(bytes_.data() + 4, text.data(), text.size());
  bytes_.back() = 0;
}

Value Value::binary(std::uint8_t subtype, Bytes content) {
  const std::size_t header =
      subtype == kSubtypeOld ? internal::kOldBinaryHeader : internal::kBinaryHeader;
  Value v;
  v.type_ = Type::bin_data;
  v.bytes_.resize(header + content.size());
  store32(v.bytes_.data(),
          static_cast<std::uint32_t>(header - internal::kBinaryHeader + content.size()));
  v.bytes_[4] = subtype;
  if (subtype == kSubtypeOld)
    store32(v.bytes_.data() + internal::kBinaryHeader, static_cast<std::uint32_t>(content.size()));
  std::ranges::copy(content, v.bytes_.begin() + static_cast<std::ptrdiff_t>(header));
  return v;
}

Outcome<Value> Value::document(Bytes document) { return of(Type::object, document); }
Outcome<Value> Value::array(Bytes array) { return of(Type::array, array); }

Outcome<Value> Value::of(Type type, Bytes bytes) {
  // Measured behind a byte, which a value of no bytes needs.
  WipedBytes room(1 + bytes.size());
  room[0] = 0;
  std::ranges::copy(bytes, room.begin() + 1);
  const internal::Shape shape = internal::kShapes[static_cast<std::uint8_t>(type)];
  if (internal::value_size(shape, room.data() + 1, bytes.size(), bytes.size()) != bytes.size())
    return Failure(Errc::malformed_bson,
                   "not one value of the BSON type " + std::string(alias(type)));
  return Value(type, bytes);
}

Value Value::of(Bytes whole, const Element& element) {
  return {element.type, value_of(whole, element)};
}

bool Value::is_encrypted() const noexcept {
  return type_ == Type::bin_data && internal::is_subtype_6(bytes_.data());
}

Done Value::check(Type type) const {
  if (type_ == type) return ok;
  return Failure(Errc::wrong_type, "the value is " + std::string(alias(type_)) + ", not " +
                                       std::string(alias(type)) +
                                       (is_encrypted() ? ": it is encrypted" : ""));
}

Outcome<std::int32_t> Value::as_int32() const {
  FLE_CHECK(check(Type::int_));
  return static_cast<std::int32_t>(load32(bytes_.data()));
}

Outcome<std::int64_t> Value::as_int64() const {
  FLE_CHECK(check(Type::long_));
  return static_cast<std::int64_t>(load64(bytes_.data()));
}

Outcome<double> Value::as_double() const {
  FLE_CHECK(check(Type::double_));
  return std::bit_cast<double>(load64(bytes_.data()));
}

Outcome<bool> Value::as_bool() const {
  FLE_CHECK(check(Type::bool_));
  return bytes_.front() != 0;
}

Outcome<Date> Value::as_date() const {
  FLE_CHECK(check(Type::date));
  return Date(Date::duration(static_cast<std::int64_t>(load64(bytes_.data()))));
}

Outcome<ObjectId> Value::as_object_id() const {
  FLE_CHECK(check(Type::object_id));
  ObjectId id;
  std::ranges::copy(bytes_, id.bytes.begin());
  return id;
}

Outcome<Uuid> Value::as_uuid() const {
  FLE_TRY(const Binary binary, as_binary());
  Uuid id;
  if (binary.subtype != kSubtypeUuid || binary.bytes.size() != id.bytes.size())
    return Failure(Errc::wrong_type, "the value is a binary of subtype " +
                                         std::to_string(binary.subtype) + " and " +
                                         std::to_string(binary.bytes.size()) +
                                         " bytes, not a UUID (subtype 4, 16 bytes)");
  std::ranges::copy(binary.bytes, id.bytes.begin());
  return id;
}

Outcome<Decimal128> Value::as_decimal128() const {
  FLE_CHECK(check(Type::decimal));
  return Decimal128{load64(bytes_.data() + 8), load64(bytes_.data())};
}

Outcome<std::string_view> Value::as_string() const& {
  FLE_CHECK(check(Type::string));
  return std::string_view(reinterpret_cast<const char*>(bytes_.data()) + 4, bytes_.size() - 5);
}

Outcome<Binary> Value::as_binary() const& {
  FLE_CHECK(check(Type::bin_data));
  const std::uint8_t subtype = bytes_[4];
  return Binary{subtype, Bytes(bytes_).subspan(subtype == kSubtypeOld ? internal::kOldBinaryHeader
                                                                      : internal::kBinaryHeader)};
}

Outcome<Bytes> Value::as_document() const& {
  FLE_CHECK(check(Type::object));
  return bytes();
}

Outcome<Bytes> Value::as_array() const& {
  FLE_CHECK(check(Type::array));
  return bytes();
}

std::optional<Value> find_value(Bytes document, std::string_view name) {
  const auto element = find(document, name);
  if (!element) return std::nullopt;
  return Value::of(document, *element);
}

Writer& Writer::add(std::string_view name, const Value& value) {
  return add(value.type(), name, value.bytes());
}

}  // namespace fle::bson
