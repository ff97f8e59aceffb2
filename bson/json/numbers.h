#ifndef FLE_BSON_JSON_NUMBERS_H_
#define FLE_BSON_JSON_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace fle::bson::internal {

/// A number as its text says it, or why there is none.
struct Number {
  enum class Kind : std::uint8_t {
    integer,       ///< Of 64 bits.
    real,          ///< Finite.
    not_a_number,  ///< Not the grammar of RFC 8259 section 6.
    out_of_range,  ///< A double would be infinite, or zero where the text is not.
  };
  Kind kind = Kind::not_a_number;
  std::int64_t integer = 0;
  double real = 0;
};

/// Extended JSON, "Special rules for parsing JSON numbers": without fraction and exponent it is an
/// integer if 64 bits hold it, all else is a double, the nearest one.
[[nodiscard]] Number parse_number(std::string_view text) noexcept;

/// An integer without fraction and exponent.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;
/// What $numberDouble may hold: a number, Infinity, -Infinity, NaN. Kind is never integer.
[[nodiscard]] Number parse_double(std::string_view text) noexcept;

inline constexpr std::size_t kMaxNumberText = 48;  ///< Of any number written below.

/// Each writes at most kMaxNumberText characters and returns the end of them.
[[nodiscard]] char* write_integer(char* out, std::int64_t value) noexcept;
/// The shortest text that reads back as `value`, with a fraction or an exponent in any case;
/// Infinity, -Infinity, NaN.
[[nodiscard]] char* write_double(char* out, double value) noexcept;

inline constexpr std::size_t kDecimalLen = 16;

/// Decimal128 (specification: bson-decimal128, "From String Representation").
/// @param out  16 bytes; may be in front of the text.
/// @return false if the text is no decimal, or one that 34 digits or the exponent cannot hold
///         exactly.
[[nodiscard]] bool parse_decimal(void* out, std::string_view text);
[[nodiscard]] char* write_decimal(char* out, const void* value) noexcept;

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_NUMBERS_H_
