#ifndef FLE_BSON_JSON_WRAPPERS_H_
#define FLE_BSON_JSON_WRAPPERS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "ground/value.h"

// The objects by which Extended JSON says what JSON cannot: {"$oid": "..."} and the like. A reader
// writes each of them down as the document that it looks like, and then has it made into its value,
// where it stands. So the order of names does not matter, and one place knows every rule.
namespace fle::bson::internal {

/// Names that make an object a wrapper, or that stand in one.
enum class Key : std::uint8_t {
  oid,
  symbol,
  number_int,
  number_long,
  number_double,
  number_decimal,
  binary,
  uuid,
  code,
  scope,
  timestamp,
  regular_expression,
  db_pointer,
  date,
  min_key,
  max_key,
  undefined,
  // From here on names that operators have, too: alone they mean nothing.
  regex,
  options,
  type,
  none,
};

/// Key::none for all but the names above.
[[nodiscard]] Key key_of(std::string_view name) noexcept;

/// A set of Key. KeySet{} is empty; without braces it is uninitialized, as an integer is.
class KeySet {
 public:
  constexpr KeySet() noexcept = default;
  constexpr KeySet(std::initializer_list<Key> keys) noexcept : bits_(0) {
    for (const Key k : keys) add(k);
  }
  constexpr void add(Key k) noexcept {
    bits_ |= k == Key::none ? 0 : 1U << static_cast<unsigned>(k);
  }
  [[nodiscard]] constexpr bool contains(Key k) const noexcept {
    return (bits_ & 1U << static_cast<unsigned>(k)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  /// Whether an object with these names must be a wrapper.
  [[nodiscard]] constexpr bool wraps() const noexcept {
    return (bits_ & ((1U << static_cast<unsigned>(Key::regex)) - 1)) != 0;
  }
  friend constexpr bool operator==(KeySet, KeySet) noexcept = default;

 private:
  std::uint32_t bits_;
};

/// More fields than this no wrapper has.
inline constexpr std::uint32_t kMostFields = 2;

/// What has become of a document.
struct Unwrapped {
  enum class Result : std::uint8_t { document, value, fault };
  Result result = Result::document;
  Type tag = Type::object;   // of the value
  char* end = nullptr;       // of the value, which starts where the document did
  std::string_view name{};   // of the wrapper at fault
  std::string_view fault{};  // static text
};

/// Makes the value of a wrapper.
///
/// @param document   a document of at most kMostFields fields, complete but for its length; its
///                   value takes its place.
/// @param keys       the names in it.
/// @param wrapped    whether a value inside was a wrapper.
[[nodiscard]] Unwrapped unwrap(char* document, KeySet keys, bool wrapped);

/// The same for a wrapper that has one field, a string.
///
/// @param out     where the value goes: in front of the string, by 32 bytes or more.
/// @param key     its name; one that makes a wrapper, and not that of $binary.
/// @param string  as in BSON: length, text, NUL.
[[nodiscard]] Unwrapped unwrap_string(char* out, Key key, char* string);

/// The same for the two texts of $binary.
///
/// @param out  where the value goes, 9 bytes and 3/4 of the base64 at most: in front of these, or
///             in other memory.
[[nodiscard]] Unwrapped unwrap_binary(char* out, std::string_view base64, std::string_view subtype);

/// "$oid: must stand alone, as in {"$oid": "..."}"
[[nodiscard]] std::string fault_text(std::string_view name, std::string_view fault);
/// The text for a wrapper that has too many fields.
[[nodiscard]] std::string crowded_text(KeySet keys);

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_WRAPPERS_H_
