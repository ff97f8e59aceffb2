#ifndef FLE_BSON_JSON_DATES_H_
#define FLE_BSON_JSON_DATES_H_

#include <cstdint>
#include <string_view>

namespace fle::bson::internal {

/// Milliseconds since 1970, or why the text says none.
struct Date {
  std::int64_t milliseconds = 0;
  const char* fault = nullptr;
};

/// RFC 3339 section 5.6, with milliseconds at most; an offset may lack its colon.
[[nodiscard]] Date parse_date(std::string_view text) noexcept;

inline constexpr std::size_t kMaxDateText = 24;  ///< "9999-12-31T23:59:59.999Z"

/// From 1970 to 9999: what relaxed Extended JSON writes as a text.
[[nodiscard]] constexpr bool has_date_text(std::int64_t milliseconds) noexcept {
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  return milliseconds >= 0 && milliseconds < kYear10000;
}
/// Writes a date that has_date_text, with milliseconds only if there are any; the end of it.
[[nodiscard]] char* write_date(char* out, std::int64_t milliseconds) noexcept;

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_DATES_H_
