#include "numbers.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include <bson/bson.h>

#include "fle/bson/little_endian.h"
#include "fle/wiped.h"

namespace fle::bson::internal {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What the grammar says of a text.
struct Form {
  bool valid = false;
  bool integer = true;  // neither fraction nor exponent
  bool zero = true;     // whatever the exponent
};

Form form_of(std::string_view text) noexcept {
  Form form;
  const char* p = text.data();
  const char* const end = p + text.size();
  const auto digits = [&](bool significant) {
    const char* const from = p;
    for (; p != end && is_digit(*p); ++p) form.zero = form.zero && (!significant || *p == '0');
    return p - from;
  };
  if (p != end && *p == '-') ++p;
  const char* const first = p;
  const auto n = digits(true);
  if (n == 0 || (n > 1 && *first == '0')) return form;
  if (p != end && *p == '.') {
    ++p;
    form.integer = false;
    if (digits(true) == 0) return form;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    form.integer = false;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (digits(false) == 0) return form;
  }
  form.valid = p == end;
  return form;
}

Number real_number(std::string_view text, bool zero) noexcept {
  Number n;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n.real);
  if (zero) {  // 0e999 is a zero, too
    n.real = text.front() == '-' ? -0.0 : 0.0;
  } else if (error != std::errc() || !std::isfinite(n.real) || n.real == 0) {
    n.kind = Number::Kind::out_of_range;
    return n;
  }
  n.kind = Number::Kind::real;
  return n;
}

/// Up to 18 digits, the usual case, without the general machinery.
std::optional<std::int64_t> short_integer(std::string_view text) noexcept {
  constexpr std::size_t kShort = 18;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kShort || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

std::optional<std::int64_t> long_integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

Number parse_number(std::string_view text) noexcept {
  auto integer = short_integer(text);
  if (!integer) {
    const Form form = form_of(text);
    if (!form.valid) return {};
    if (form.integer) integer = long_integer(text);
    if (!integer) return real_number(text, form.zero);
  }
  return {Number::Kind::integer, *integer, 0};
}

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  if (const auto integer = short_integer(text)) return integer;
  const Form form = form_of(text);
  return form.valid && form.integer ? long_integer(text) : std::nullopt;
}

Number parse_double(std::string_view text) noexcept {
  using Limits = std::numeric_limits<double>;
  constexpr struct {
    std::string_view text;
    double value;
  } kSpecial[] = {{"NaN", Limits::quiet_NaN()},
                  {"Infinity", Limits::infinity()},
                  {"-Infinity", -Limits::infinity()}};
  for (const auto& s : kSpecial)
    if (text == s.text) return {Number::Kind::real, 0, s.value};
  const Form form = form_of(text);
  return form.valid ? real_number(text, form.zero) : Number();
}

char* write_integer(char* out, std::int64_t value) noexcept {
  return std::to_chars(out, out + kMaxNumberText, value).ptr;
}

char* write_double(char* out, double value) noexcept {
  const auto literal = [out](std::string_view s) {
    std::memcpy(out, s.data(), s.size());
    return out + s.size();
  };
  if (std::isnan(value)) return literal("NaN");
  if (std::isinf(value)) return literal(value < 0 ? "-Infinity" : "Infinity");
  char* end = std::to_chars(out, out + kMaxNumberText, value).ptr;
  for (const char* p = out; p != end; ++p)
    if (*p == '.' || *p == 'e') return end;
  *end++ = '.';
  *end++ = '0';
  return end;
}

bool parse_decimal(void* out, std::string_view text) {
  // libbson reads up to a NUL where it looks for "Infinity", and counts in int.
  constexpr std::size_t kMost = 64UL * 1024;
  if (text.size() > kMost || text.find('\0') != std::string_view::npos) return false;
  WipedChars copy(text.begin(), text.end());
  copy.push_back(0);
  bson_decimal128_t value;
  if (!bson_decimal128_from_string_w_len(copy.data(), static_cast<int>(text.size()), &value))
    return false;
  store64(out, value.low);
  store64(static_cast<char*>(out) + 8, value.high);
  return true;
}

char* write_decimal(char* out, const void* value) noexcept {
  static_assert(BSON_DECIMAL128_STRING <= kMaxNumberText);
  bson_decimal128_t decimal;
  decimal.low = load64(value);
  decimal.high = load64(static_cast<const char*>(value) + 8);
  // A coefficient of more than 34 digits means zero (IEEE 754-2008, 3.5.2); libbson writes 35.
  constexpr std::uint64_t kCoefficient = (std::uint64_t{1} << 49) - 1;
  constexpr std::uint64_t kMostHigh = 0x1ed09bead87c0;  // 10^34 - 1
  constexpr std::uint64_t kMostLow = 0x378d8e63ffffffff;
  const bool has_coefficient = decimal.high >> 61 != 3 && decimal.high >> 61 != 7;
  const std::uint64_t high = decimal.high & kCoefficient;
  if (has_coefficient && (high > kMostHigh || (high == kMostHigh && decimal.low > kMostLow))) {
    decimal.high &= ~kCoefficient;
    decimal.low = 0;
  }
  bson_decimal128_to_string(&decimal, out);
  return out + std::strlen(out);
}

}  // namespace fle::bson::internal
