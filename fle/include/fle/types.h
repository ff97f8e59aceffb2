#ifndef FLE_TYPES_H_
#define FLE_TYPES_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/result.h"

namespace fle {

/// The two algorithms of CSFLE. The number is the first byte of the payload
/// (specification: bson-binary-encrypted, "Types 1 and 2").
enum class Algorithm : std::uint8_t {
  deterministic = 1,  ///< AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic: equal values look equal.
  random = 2,         ///< AEAD_AES_256_CBC_HMAC_SHA_512-Random: nothing can be compared.
};

/// Identifies a data key: the 16 bytes of its UUID in stored order (BSON binary subtype 4).
struct KeyId {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const KeyId&, const KeyId&) = default;

  [[nodiscard]] static constexpr std::optional<KeyId> from(Bytes b) noexcept {
    if (b.size() != 16) return std::nullopt;
    KeyId id;
    for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = b[i];
    return id;
  }
  /// A UUID (RFC 4122 section 3: 36 characters), its 32 hexadecimal digits alone, or base64 of the
  /// 16 bytes (RFC 4648 section 4: 24 characters, padding included). Digits are of either case. The
  /// command takes the same. An id has one text of each form: what else is in a text is refused.
  /// @retval Errc::invalid_argument
  [[nodiscard]] static constexpr Result<KeyId> parse(std::string_view text) noexcept;

  /// The UUID: lower case, 36 characters.
  [[nodiscard]] std::string to_string() const;
  /// 24 characters, as Extended JSON and drivers' tools print ids.
  [[nodiscard]] std::string to_base64() const;
};

namespace internal {

inline constexpr char kHexDigits[] = "0123456789abcdef";
inline constexpr char kBase64Digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Where `c` stands among `digits`; what is no digit gives a number that has none.
[[nodiscard]] constexpr std::uint32_t digit(std::string_view digits, char c) noexcept {
  return static_cast<std::uint32_t>(digits.find(c));
}

}  // namespace internal

constexpr Result<KeyId> KeyId::parse(std::string_view text) noexcept {
  constexpr Error kRefused{Errc::invalid_argument, "KeyId::parse: no UUID, hexadecimal or base64"};
  KeyId id;
  const bool base64 = text.size() == 24;
  const bool hyphens = text.size() == 36;
  if (!base64 && !hyphens && text.size() != 32) return kRefused;
  if (base64) {
    if (text[22] != '=' || text[23] != '=') return kRefused;
    text.remove_suffix(2);
  }
  const std::uint32_t bits_of_digit = base64 ? 6 : 4;
  std::uint32_t bits = 0;
  std::uint32_t n_bits = 0;
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return kRefused;
      continue;
    }
    const char c = !base64 && text[i] >= 'A' && text[i] <= 'F'
                       ? static_cast<char>(text[i] - 'A' + 'a')
                       : text[i];
    const std::uint32_t digit = base64 ? internal::digit({internal::kBase64Digits, 64}, c)
                                       : internal::digit({internal::kHexDigits, 16}, c);
    if (digit >> bits_of_digit != 0) return kRefused;
    bits = bits << bits_of_digit | digit;
    n_bits += bits_of_digit;
    if (n_bits < 8) continue;
    n_bits -= 8;
    id.bytes[n++] = static_cast<std::uint8_t>(bits >> n_bits);
    bits &= (1U << n_bits) - 1;
  }
  if (bits != 0) return kRefused;  // of base64 the last four bits
  return id;
}

inline std::string KeyId::to_string() const {
  std::string s;
  s.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) s += '-';
    s += internal::kHexDigits[bytes[i] >> 4];
    s += internal::kHexDigits[bytes[i] & 15];
  }
  return s;
}

inline std::string KeyId::to_base64() const {
  std::string s;
  s.reserve(24);
  for (std::size_t i = 0; i < 18; i += 3) {
    const auto byte = [&](std::size_t k) { return k < 16 ? std::uint32_t{bytes[k]} : 0U; };
    const std::uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (std::uint32_t shift = 24; shift != 0;)
      s += internal::kBase64Digits[bits >> (shift -= 6) & 63];
  }
  s.replace(22, 2, "==");
  return s;
}

}  // namespace fle

template <>
struct std::hash<fle::KeyId> {
  std::size_t operator()(const fle::KeyId& id) const noexcept {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    __builtin_memcpy(&a, id.bytes.data(), 8);
    __builtin_memcpy(&b, id.bytes.data() + 8, 8);
    // Ids may come from outside, so equal halves must not cancel out.
    return static_cast<std::size_t>((a ^ (a >> 29)) * 0x9e3779b97f4a7c15ULL +
                                    b * 0xc2b2ae3d27d4eb4fULL);
  }
};

#endif  // FLE_TYPES_H_
