#ifndef FLE_TYPES_H_
#define FLE_TYPES_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fle/bytes.h"

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

  [[nodiscard]] static std::optional<KeyId> from(Bytes b) noexcept {
    if (b.size() != 16) return std::nullopt;
    KeyId id;
    std::copy(b.begin(), b.end(), id.bytes.begin());
    return id;
  }
};

/// RFC 4122 text form, lower case, 36 characters.
[[nodiscard]] inline std::string to_uuid_string(const KeyId& id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string s;
  s.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) s += '-';
    s += kHex[id.bytes[i] >> 4];
    s += kHex[id.bytes[i] & 15];
  }
  return s;
}

}  // namespace fle

template <>
struct std::hash<fle::KeyId> {
  std::size_t operator()(const fle::KeyId& id) const noexcept {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::memcpy(&a, id.bytes.data(), 8);
    std::memcpy(&b, id.bytes.data() + 8, 8);
    // Ids may come from outside, so equal halves must not cancel out.
    return static_cast<std::size_t>((a ^ (a >> 29)) * 0x9e3779b97f4a7c15ULL +
                                    b * 0xc2b2ae3d27d4eb4fULL);
  }
};

#endif  // FLE_TYPES_H_
