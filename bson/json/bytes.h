#ifndef FLE_BSON_SRC_BYTES_H_
#define FLE_BSON_SRC_BYTES_H_

#include <bit>
#include <cstdint>
#include <cstring>

namespace fle::bson::internal {

/// The type byte of an element (bsonspec.org, version 1.1).
enum class Tag : std::uint8_t {
  double_ = 0x01,
  string = 0x02,
  object = 0x03,
  array = 0x04,
  binary = 0x05,
  undefined = 0x06,
  object_id = 0x07,
  bool_ = 0x08,
  date = 0x09,
  null = 0x0a,
  regex = 0x0b,
  db_pointer = 0x0c,
  code = 0x0d,
  symbol = 0x0e,
  code_with_scope = 0x0f,
  int_ = 0x10,
  timestamp = 0x11,
  long_ = 0x12,
  decimal = 0x13,
  max_key = 0x7f,
  min_key = 0xff,
};

inline constexpr std::size_t kObjectIdLen = 12;
inline constexpr std::uint8_t kSubtypeOld = 2;  // repeats the length of its content inside
inline constexpr std::uint8_t kSubtypeUuid = 4;
/// Deeper than this no document may be: as bson_walk, whose walker this bounds, too.
inline constexpr std::uint32_t kMaxDepth = 1024;

template <class Word>
[[nodiscard]] Word load_little(const void* p) noexcept {
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
void store_little(void* p, Word v) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(p, &v, sizeof v);
  } else {
    for (std::size_t i = 0; i < sizeof v; ++i)
      static_cast<std::uint8_t*>(p)[i] = static_cast<std::uint8_t>(v >> 8 * i);
  }
}

[[nodiscard]] inline std::uint32_t load32(const void* p) noexcept {
  return load_little<std::uint32_t>(p);
}
[[nodiscard]] inline std::uint64_t load64(const void* p) noexcept {
  return load_little<std::uint64_t>(p);
}
inline void store32(void* p, std::uint32_t v) noexcept { store_little(p, v); }
inline void store64(void* p, std::uint64_t v) noexcept { store_little(p, v); }

}  // namespace fle::bson::internal

#endif  // FLE_BSON_SRC_BYTES_H_
