#ifndef FLE_BSON_VALUE_H_
#define FLE_BSON_VALUE_H_

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "fle/bson/cursor.h"
#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/wiped.h"

namespace fle::bson {

/// 12 bytes in stored order.
struct FLE_API ObjectId {
  std::array<std::uint8_t, 12> bytes{};
  friend auto operator<=>(const ObjectId&, const ObjectId&) = default;

  /// 24 hexadecimal digits of either case.
  /// @retval Errc::invalid_argument
  [[nodiscard]] static Result<ObjectId> parse(std::string_view text) noexcept;
  /// 24 digits, lower case.
  [[nodiscard]] std::string to_string() const;
};

/// Binary of subtype 4: 16 bytes in stored order. A KeyId is one: Uuid{id.bytes}.
struct FLE_API Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;

  /// The 36 characters of RFC 4122 section 3, digits of either case.
  /// @retval Errc::invalid_argument
  [[nodiscard]] static Result<Uuid> parse(std::string_view text) noexcept;
  /// 36 characters, lower case.
  [[nodiscard]] std::string to_string() const;
};

/// IEEE 754-2008 decimal128, in the binary encoding: the two halves of its 128 bits.
struct FLE_API Decimal128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  /// Of the bits, not of the numbers: 1.0 and 1.00 differ, as they do for deterministic encryption.
  friend bool operator==(const Decimal128&, const Decimal128&) = default;

  /// The text form of the BSON specification (bson-decimal128): "1.50", "-4E+7", "NaN", "Infinity".
  /// @retval Errc::invalid_argument  no decimal, or one that 34 digits or the exponent cannot hold
  ///                                 exactly
  [[nodiscard]] static Result<Decimal128> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

/// Milliseconds since 1970, UTC.
using Date = std::chrono::sys_time<std::chrono::milliseconds>;

/// The content of a binary; a view.
struct Binary {
  std::uint8_t subtype;
  Bytes bytes;  ///< Of subtype 2 without the length that it repeats.
};

/// One BSON value with its type, in memory of its own that is wiped: what is encrypted, and what
/// comes back. A value after moving from it is null.
///
///   const Value ssn = 241014209;  // int32; 5.0 is a double, "text" a string, std::int64_t a long
///   const auto number = ssn.as_int32();
///   if (!number) return number.error();  // "the value is ..., not int"
///   Writer document;
///   document.add("ssn", ssn).add("since", Date(std::chrono::milliseconds(0)));
///
/// Every accessor fails with Errc::wrong_type where the value has another type: none converts, for
/// an int and a long of one number are other values to deterministic encryption. What views into
/// the value cannot be had of a temporary.
///
/// Making one may throw std::bad_alloc. Thread safety: as a value.
class FLE_API Value {
 public:
  /// null
  Value() noexcept;
  Value(std::int32_t number);  // NOLINT(google-explicit-constructor), as all of these
  Value(std::int64_t number);
  template <std::same_as<long long> T>
  requires(!std::is_same_v<T, std::int64_t>) Value(T number) : Value(std::int64_t{number}) {}
  Value(double number);
  /// Of nothing that merely converts to bool.
  template <std::same_as<bool> T>
  Value(T truth) : Value(Type::bool_, truth) {}
  /// @param text  may hold NUL; must be UTF-8, which is not looked at.
  template <class T>
  requires(std::is_convertible_v<const T&, std::string_view>) Value(const T& text)
      : Value(Type::string, static_cast<std::string_view>(text)) {}
  Value(std::nullptr_t) = delete;
  Value(Date time);
  Value(const ObjectId& id);
  Value(const Uuid& id);
  Value(const Decimal128& number);
  /// @param subtype  of 2, too, `content` is without the length that is repeated inside.
  [[nodiscard]] static Value binary(std::uint8_t subtype, Bytes content);
  /// @param document  one BSON document. What is inside is looked at where it is encrypted.
  /// @retval Errc::malformed_bson  its length or its end is wrong
  [[nodiscard]] static Outcome<Value> document(Bytes document);
  /// @param array  a document whose names are "0", "1", ...
  /// @retval Errc::malformed_bson
  [[nodiscard]] static Outcome<Value> array(Bytes array);
  /// A value of any type.
  /// @param bytes  as it stands in a document: without type byte and name.
  /// @retval Errc::malformed_bson  not exactly one value of `type`; what is inside of documents is
  ///                               not looked at
  [[nodiscard]] static Outcome<Value> of(Type type, Bytes bytes);
  /// The value of an element that a Cursor or find() gave.
  [[nodiscard]] static Value of(Bytes whole, const Element& element);

  Value(const Value&);
  Value& operator=(const Value&);
  Value(Value&& o) noexcept;
  Value& operator=(Value&& o) noexcept;
  ~Value();

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] bool is_null() const noexcept { return type_ == Type::null; }
  /// Whether it is a binary of subtype 6: what encrypting gives.
  [[nodiscard]] bool is_encrypted() const noexcept;
  /// The value as it stands in a document: without type byte and name.
  [[nodiscard]] Bytes bytes() const& noexcept { return bytes_; }
  [[nodiscard]] Bytes bytes() const&& = delete;

  [[nodiscard]] Outcome<std::int32_t> as_int32() const;
  [[nodiscard]] Outcome<std::int64_t> as_int64() const;
  [[nodiscard]] Outcome<double> as_double() const;
  [[nodiscard]] Outcome<bool> as_bool() const;
  [[nodiscard]] Outcome<Date> as_date() const;
  [[nodiscard]] Outcome<ObjectId> as_object_id() const;
  /// @retval Errc::wrong_type  also a binary of another subtype, or of another length
  [[nodiscard]] Outcome<Uuid> as_uuid() const;
  [[nodiscard]] Outcome<Decimal128> as_decimal128() const;
  [[nodiscard]] Outcome<std::string_view> as_string() const&;
  [[nodiscard]] Outcome<std::string_view> as_string() const&& = delete;
  [[nodiscard]] Outcome<Binary> as_binary() const&;
  [[nodiscard]] Outcome<Binary> as_binary() const&& = delete;
  [[nodiscard]] Outcome<Bytes> as_document() const&;
  [[nodiscard]] Outcome<Bytes> as_document() const&& = delete;
  [[nodiscard]] Outcome<Bytes> as_array() const&;
  [[nodiscard]] Outcome<Bytes> as_array() const&& = delete;

  /// The same type and the same bytes.
  [[nodiscard]] bool operator==(const Value& other) const noexcept;

 private:
  Value(Type type, Bytes bytes);
  Value(Type type, bool truth);
  Value(Type type, std::string_view text);
  [[nodiscard]] Done check(Type type) const;

  Type type_ = Type::null;
  WipedBytes bytes_;
};

/// The value of the first element called `name` of a document; none if there is none before the end
/// or before what is malformed.
[[nodiscard]] FLE_API std::optional<Value> find_value(Bytes document, std::string_view name);

}  // namespace fle::bson

#endif  // FLE_BSON_VALUE_H_
