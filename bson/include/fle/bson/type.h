#ifndef FLE_BSON_TYPE_H_
#define FLE_BSON_TYPE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "fle/export.h"
#include "fle/types.h"

namespace fle::bson {

/// BSON element types (bsonspec.org, version 1.1).
enum class Type : std::uint8_t {
  double_ = 0x01,
  string = 0x02,
  object = 0x03,
  array = 0x04,
  bin_data = 0x05,
  undefined = 0x06,
  object_id = 0x07,
  bool_ = 0x08,
  date = 0x09,
  null = 0x0a,
  regex = 0x0b,
  db_pointer = 0x0c,
  javascript = 0x0d,
  symbol = 0x0e,
  javascript_with_scope = 0x0f,
  int_ = 0x10,
  timestamp = 0x11,
  long_ = 0x12,
  decimal = 0x13,
  max_key = 0x7f,
  min_key = 0xff,
};

/// Subtypes of bin_data (bsonspec.org, version 1.1).
inline constexpr std::uint8_t kSubtypeOld = 2;  ///< Repeats the length of its content inside.
inline constexpr std::uint8_t kSubtypeUuid = 4;
inline constexpr std::uint8_t kSubtypeEncrypted = 6;  ///< Its first byte says how; fle/payload.h.

/// The alias that MongoDB's $type and bsonType use, e.g. "objectId"; "unknown" for other bytes.
[[nodiscard]] FLE_API std::string_view alias(Type type) noexcept;
/// The type of an alias; "number" is not one.
[[nodiscard]] FLE_API std::optional<Type> type_of_alias(std::string_view alias) noexcept;

/// Whether CSFLE may encrypt values of `type` under `algorithm` (reference: CSFLE corpus).
/// Subtype 6 of binData is refused elsewhere: it is a property of the value.
[[nodiscard]] FLE_API bool encryptable(Type type, Algorithm algorithm) noexcept;

/// A set of BSON types.
class TypeSet {
 public:
  constexpr TypeSet() noexcept = default;
  constexpr void add(Type t) noexcept { bits_ |= bit(t); }
  [[nodiscard]] constexpr bool contains(Type t) const noexcept { return (bits_ & bit(t)) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  friend constexpr bool operator==(TypeSet, TypeSet) noexcept = default;

 private:
  static constexpr std::uint32_t bit(Type t) noexcept {
    const auto v = static_cast<std::uint8_t>(t);
    return v <= 0x13 ? 1U << v : v == 0x7f ? 1U << 20 : v == 0xff ? 1U << 21 : 0;
  }
  std::uint32_t bits_ = 0;
};

}  // namespace fle::bson

#endif  // FLE_BSON_TYPE_H_
