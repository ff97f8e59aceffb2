#ifndef FLE_BSON_UTF8_H_
#define FLE_BSON_UTF8_H_

#include <cstddef>
#include <string_view>

#include "fle/export.h"

// Well-formed UTF-8 (RFC 3629 section 4): no surrogates, no overlong forms, nothing beyond
// U+10FFFF. Thread-safe; neither allocates.
namespace fle::bson {

/// Whether all of `text` is; it may hold NUL.
[[nodiscard]] FLE_API bool is_utf8(std::string_view text) noexcept;
/// Bytes of the character at the start of `text`, which is not empty; 0 if there is none.
[[nodiscard]] FLE_API std::size_t utf8_length(std::string_view text) noexcept;

}  // namespace fle::bson

#endif  // FLE_BSON_UTF8_H_
