#ifndef FLE_SCHEMA_SRC_BASE64_H_
#define FLE_SCHEMA_SRC_BASE64_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The text forms of bytes that Extended JSON uses. None of what is read here is secret.
namespace fle::schema {

/// Standard base64 with padding (RFC 4648 section 4); nothing else is accepted.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);
/// One or two hexadecimal digits.
[[nodiscard]] std::optional<std::uint8_t> parse_hex_byte(std::string_view text);
/// The 36-character form of RFC 4122.
[[nodiscard]] std::optional<std::string> parse_uuid(std::string_view text);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_BASE64_H_
