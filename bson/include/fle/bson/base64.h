#ifndef FLE_BSON_BASE64_H_
#define FLE_BSON_BASE64_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fle/export.h"

// The text forms of bytes that Extended JSON has. Not for secrets: time and addresses depend on
// what is read. All of these write where they are told to, which may be in front of what they read,
// as long as it does not lie behind it. Thread-safe; none allocates.
namespace fle::bson {

/// Standard base64 with padding (RFC 4648 section 4), whose unused bits are zero: one byte string
/// has one text.
/// @return bytes written, at most 3/4 of the text; nothing if the text is not base64.
[[nodiscard]] FLE_API std::optional<std::size_t> decode_base64(std::uint8_t* out,
                                                               std::string_view text) noexcept;
[[nodiscard]] constexpr std::size_t base64_size(std::size_t n) noexcept { return (n + 2) / 3 * 4; }
/// Writes base64_size(n) characters.
FLE_API void encode_base64(char* out, const std::uint8_t* in, std::size_t n) noexcept;

/// Hexadecimal digits of either case, two for each byte.
/// @return false if `text` is anything else than `n` bytes.
[[nodiscard]] FLE_API bool decode_hex(std::uint8_t* out, std::size_t n,
                                      std::string_view text) noexcept;
FLE_API void encode_hex(char* out, const std::uint8_t* in, std::size_t n) noexcept;
/// One or two digits.
[[nodiscard]] FLE_API std::optional<std::uint8_t> parse_hex_byte(std::string_view text) noexcept;
/// The 36 characters of RFC 4122 section 3; writes 16 bytes.
[[nodiscard]] FLE_API bool decode_uuid(std::uint8_t* out, std::string_view text) noexcept;

}  // namespace fle::bson

#endif  // FLE_BSON_BASE64_H_
