#ifndef FLE_BSON_LITTLE_ENDIAN_H_
#define FLE_BSON_LITTLE_ENDIAN_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// The numbers of BSON and of MongoDB's wire protocol, which are little-endian (bsonspec.org,
// version 1.1), at addresses of any alignment. Each takes or gives the bits of the number.
namespace fle::bson {
namespace internal {

template <class Word>
[[nodiscard]] Word load(const void* p) noexcept {
  Word v = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&v, p, sizeof v);
  } else {
    for (std::size_t i = sizeof v; i-- > 0;)
      v = static_cast<Word>(v << 8 | static_cast<const std::uint8_t*>(p)[i]);
  }
  return v;
}

template <class Word>
void store(void* p, Word v) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(p, &v, sizeof v);
  } else {
    for (std::size_t i = 0; i < sizeof v; ++i)
      static_cast<std::uint8_t*>(p)[i] = static_cast<std::uint8_t>(v >> 8 * i);
  }
}

}  // namespace internal

/// @param p  4 readable bytes. A length, an int32 by itself, that is negative becomes a huge one,
///           which fits nowhere.
[[nodiscard]] inline std::uint32_t load32(const void* p) noexcept {
  return internal::load<std::uint32_t>(p);
}
/// @param p  8 readable bytes.
[[nodiscard]] inline std::uint64_t load64(const void* p) noexcept {
  return internal::load<std::uint64_t>(p);
}
/// Writes 4 bytes.
inline void store32(void* p, std::uint32_t v) noexcept { internal::store(p, v); }
/// Writes 8 bytes.
inline void store64(void* p, std::uint64_t v) noexcept { internal::store(p, v); }

}  // namespace fle::bson

#endif  // FLE_BSON_LITTLE_ENDIAN_H_
