#ifndef FLE_BSON_WALK_SRC_VALUE_H_
#define FLE_BSON_WALK_SRC_VALUE_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "fle/schema/bson_type.h"

// The bytes of one BSON value (bsonspec.org, version 1.1): how long it is, and whether it is well
// formed by itself. Knows nothing of names, nesting or plans.
namespace fle::bson::internal {

inline constexpr std::size_t kMinDocument = 5;  // int32 length, terminating NUL
inline constexpr std::size_t kMaxDocument = std::numeric_limits<std::int32_t>::max();
inline constexpr std::size_t kBinaryHeader = 5;  // int32 length, subtype
inline constexpr std::uint8_t kSubtypeOld = 2;
inline constexpr std::uint8_t kSubtypeEncrypted = 6;

/// An int32 as unsigned: negative lengths become huge ones, which fit nowhere.
[[nodiscard]] inline std::uint32_t load32(const std::uint8_t* p) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint32_t v = 0;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
         std::uint32_t{p[3]} << 24;
}

inline void store32(std::uint8_t* p, std::uint32_t v) noexcept {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(v >> (8 * i));
}

/// The first NUL at or after `p`. The caller knows that there is one before `end`; no byte at or
/// after `end` is read.
[[nodiscard]] inline const std::uint8_t* find_nul(const std::uint8_t* p,
                                                  const std::uint8_t* end) noexcept {
#if defined(__SSE2__)
  for (; end - p >= 16; p += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const int zeros = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_setzero_si128()));
    if (zeros != 0) return p + std::countr_zero(static_cast<unsigned>(zeros));
  }
#else
  // Hacker's Delight, section 6-1: the lowest set bit marks the first zero byte. Exact for the
  // first one only, hence little-endian only.
  for (; std::endian::native == std::endian::little && end - p >= 8; p += 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, p, sizeof block);
    const std::uint64_t zeros = (block - 0x0101010101010101ULL) & ~block & 0x8080808080808080ULL;
    if (zeros != 0) return p + std::countr_zero(zeros) / 8;
  }
#endif
  while (*p != 0) ++p;
  return p;
}

enum class Rule : std::uint8_t {
  unknown,  // not a type of BSON 1.1
  fixed,
  boolean,
  string,
  document,
  binary,
  regex,
  db_pointer,
  scoped_code,
};

/// How to measure a value of one type.
struct Shape {
  Rule rule = Rule::unknown;
  std::uint8_t bytes = 0;  // of Rule::fixed
};

inline constexpr auto kShapes = [] {
  std::array<Shape, 256> t{};
  const auto set = [&t](Type type, Rule rule, std::uint8_t bytes = 0) {
    t[static_cast<std::uint8_t>(type)] = {rule, bytes};
  };
  set(Type::double_, Rule::fixed, 8);
  set(Type::string, Rule::string);
  set(Type::object, Rule::document);
  set(Type::array, Rule::document);
  set(Type::bin_data, Rule::binary);
  set(Type::undefined, Rule::fixed, 0);
  set(Type::object_id, Rule::fixed, 12);
  set(Type::bool_, Rule::boolean);
  set(Type::date, Rule::fixed, 8);
  set(Type::null, Rule::fixed, 0);
  set(Type::regex, Rule::regex);
  set(Type::db_pointer, Rule::db_pointer);
  set(Type::javascript, Rule::string);
  set(Type::symbol, Rule::string);
  set(Type::javascript_with_scope, Rule::scoped_code);
  set(Type::int_, Rule::fixed, 4);
  set(Type::timestamp, Rule::fixed, 8);
  set(Type::long_, Rule::fixed, 8);
  set(Type::decimal, Rule::fixed, 16);
  set(Type::max_key, Rule::fixed, 0);
  set(Type::min_key, Rule::fixed, 0);
  return t;
}();

inline constexpr std::size_t kMalformed = std::numeric_limits<std::size_t>::max();

/// Bytes of the string at `p`: int32 length, which counts the terminating NUL, and that many bytes.
[[nodiscard]] inline std::size_t string_size(const std::uint8_t* p, std::size_t avail) noexcept {
  if (avail < 5) return kMalformed;
  const std::size_t n = load32(p);
  if (n < 1 || n > avail - 4 || p[4 + n - 1] != 0) return kMalformed;
  return 4 + n;
}

/// Bytes of the document at `p`. Looks at its length and its last byte only.
[[nodiscard]] inline std::size_t shallow_document_size(const std::uint8_t* p,
                                                       std::size_t avail) noexcept {
  if (avail < kMinDocument) return kMalformed;
  const std::size_t n = load32(p);
  if (n < kMinDocument || n > avail || p[n - 1] != 0) return kMalformed;
  return n;
}

[[nodiscard]] inline std::size_t binary_size(const std::uint8_t* p, std::size_t avail) noexcept {
  if (avail < kBinaryHeader) return kMalformed;
  const std::size_t n = load32(p);
  if (n > avail - kBinaryHeader) return kMalformed;
  // Subtype 2 repeats the length of its content inside.
  if (p[4] == kSubtypeOld && (n < 4 || load32(p + kBinaryHeader) != n - 4)) return kMalformed;
  return kBinaryHeader + n;
}

/// The types that are rare enough for a call. As value_size.
[[nodiscard]] std::size_t rare_value_size(Rule rule, const std::uint8_t* p,
                                          std::size_t avail) noexcept;

/// Bytes of the value at `p`, all its own lengths and terminators checked against `avail`. What
/// stands inside documents, arrays and scopes is not looked at.
/// @return  more than `avail` when the value is malformed or does not fit
[[nodiscard]] inline std::size_t value_size(std::uint8_t type, const std::uint8_t* p,
                                            std::size_t avail) noexcept {
  const Shape shape = kShapes[type];
  switch (shape.rule) {
    case Rule::fixed:
      return shape.bytes;
    case Rule::boolean:
      return avail >= 1 && p[0] <= 1 ? 1 : kMalformed;
    case Rule::string:
      return string_size(p, avail);
    case Rule::document:
      return shallow_document_size(p, avail);
    case Rule::binary:
      return binary_size(p, avail);
    default:
      return rare_value_size(shape.rule, p, avail);
  }
}

}  // namespace fle::bson::internal

#endif  // FLE_BSON_WALK_SRC_VALUE_H_
