#ifndef FLE_BSON_JSON_UTF8_H_
#define FLE_BSON_JSON_UTF8_H_

#include <string_view>

namespace fle::bson::internal {

/// Well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_UTF8_H_
