#ifndef FLE_TOOLS_CRYPTD_LITTLE_ENDIAN_H_
#define FLE_TOOLS_CRYPTD_LITTLE_ENDIAN_H_

#include <cstdint>

namespace fle::cryptd {

/// 4 bytes at `p`, of any alignment.
[[nodiscard]] inline std::uint32_t load_u32(const std::uint8_t* p) noexcept {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
         static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}
inline void store_u32(std::uint8_t* p, std::uint32_t v) noexcept {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(v >> (8 * i));
}

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_LITTLE_ENDIAN_H_
