#ifndef FLE_BSON_GROUND_VALUE_H_
#define FLE_BSON_GROUND_VALUE_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "fle/bson/little_endian.h"
#include "fle/bson/type.h"
#include "fle/export.h"

// The bytes of one BSON value (bsonspec.org, version 1.1): how long it is, and whether it is well
// formed by itself. Knows nothing of names, nesting or plans.
namespace fle::bson::internal {

/// Deeper than this no document may be: it bounds the stack of the walker, which has 32 bytes for
/// each level, and of what reads and writes Extended JSON.
inline constexpr std::uint32_t kMaxDepth = 1024;

inline constexpr std::size_t kMinDocument = 5;  // int32 length, terminating NUL
inline constexpr std::size_t kMaxDocument = std::numeric_limits<std::int32_t>::max();
inline constexpr std::size_t kBinaryHeader = 5;  // int32 length, subtype
// Of the Old subtype: and int32 length of what follows.
inline constexpr std::size_t kOldBinaryHeader = kBinaryHeader + 4;
inline constexpr std::size_t kObjectIdLen = 12;

/// Whether what stands in the place of an element's type may be a character of text, as behind a
/// length or a type that was wrong: then what follows is no name that may be told.
[[nodiscard]] constexpr bool may_be_text(std::uint8_t type) noexcept {
  return type >= ' ' || (type >= '\t' && type <= '\r');
}

/// Whether a binary, header and all, has subtype 6.
[[nodiscard]] inline bool is_subtype_6(const std::uint8_t* value) noexcept {
  return value[4] == kSubtypeEncrypted;
}
/// Whether one of subtype 6 is for us to decrypt: type 1 or 2. Others are placeholders or belong to
/// Queryable Encryption.
[[nodiscard]] inline bool is_ciphertext(const std::uint8_t* value, std::size_t size) noexcept {
  return size > kBinaryHeader && (value[kBinaryHeader] == 1 || value[kBinaryHeader] == 2);
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
  plain,     // the numbers of its Shape say all
  document,  // and a document is inside
  binary,    // and subtype 2 has a length of its own
  regex,
  db_pointer,
  scoped_code,
  unknown,  // not a type of BSON 1.1
};

/// How to measure a value of one type, with arithmetic instead of branches: types follow each other
/// at random, and a branch for each would be mispredicted for each.
///
/// The size is base + (int32 at the start & length_mask), at least `min`; in its last byte, the
/// bits of `last_mask` are zero (the NUL of a string or document, the upper bits of a boolean).
struct Shape {
  std::uint32_t length_mask = 0;
  std::uint8_t base = 0;
  std::uint8_t min = 0;
  std::uint8_t last_mask = 0;
  Rule rule = Rule::unknown;
};

inline constexpr auto kShapes = [] {
  constexpr std::uint32_t kPrefixed = 0xffffffff;
  constexpr Shape kString{kPrefixed, 4, 5, 0xff, Rule::plain};
  constexpr Shape kDocument{kPrefixed, 0, kMinDocument, 0xff, Rule::document};
  constexpr auto kFixed = [](std::uint8_t bytes) { return Shape{0, bytes, 0, 0, Rule::plain}; };
  std::array<Shape, 256> t{};
  const auto set = [&t](Type type, Shape s) { t[static_cast<std::uint8_t>(type)] = s; };
  set(Type::double_, kFixed(8));
  set(Type::string, kString);
  set(Type::object, kDocument);
  set(Type::array, kDocument);
  set(Type::bin_data, {kPrefixed, kBinaryHeader, kBinaryHeader, 0, Rule::binary});
  set(Type::undefined, kFixed(0));
  set(Type::object_id, kFixed(kObjectIdLen));
  set(Type::bool_, {0, 1, 1, 0xfe, Rule::plain});
  set(Type::date, kFixed(8));
  set(Type::null, kFixed(0));
  set(Type::regex, {0, 0, 0, 0, Rule::regex});
  set(Type::db_pointer, {0, 0, 0, 0, Rule::db_pointer});
  set(Type::javascript, kString);
  set(Type::symbol, kString);
  set(Type::javascript_with_scope, {0, 0, 0, 0, Rule::scoped_code});
  set(Type::int_, kFixed(4));
  set(Type::timestamp, kFixed(8));
  set(Type::long_, kFixed(8));
  set(Type::decimal, kFixed(16));
  set(Type::max_key, kFixed(0));
  set(Type::min_key, kFixed(0));
  return t;
}();

inline constexpr std::size_t kMalformed = std::numeric_limits<std::size_t>::max();

/// Bytes of the document at `p`. Looks at its length and its last byte only.
[[nodiscard]] inline std::size_t shallow_document_size(const std::uint8_t* p,
                                                       std::size_t avail) noexcept {
  if (avail < kMinDocument) return kMalformed;
  const std::size_t n = load32(p);
  return n < kMinDocument || n > avail || p[n - 1] != 0 ? kMalformed : n;
}

/// Subtype 2 repeats the length of its content inside.
[[nodiscard]] inline bool inner_length_agrees(const std::uint8_t* p, std::size_t size) noexcept {
  if (p[4] != kSubtypeOld) return true;
  const std::size_t n = size - kBinaryHeader;
  return n >= 4 && load32(p + kBinaryHeader) == n - 4;
}

/// The types that are rare enough for a call. As value_size.
[[nodiscard]] FLE_API std::size_t rare_value_size(Rule rule, const std::uint8_t* p,
                                                  std::size_t avail) noexcept;

/// Bytes of the value at `p`, all its own lengths and terminators checked against `avail`. What
/// stands inside documents, arrays and scopes is not looked at.
///
/// @param p         the byte before it is readable too
/// @param avail     bytes that the value may have
/// @param readable  bytes that may be read, `avail` or more
/// @return          more than `avail` when the value is malformed or does not fit
[[nodiscard]] inline std::size_t value_size(Shape shape, const std::uint8_t* p, std::size_t avail,
                                            std::size_t readable) noexcept {
  if (shape.rule >= Rule::regex) return rare_value_size(shape.rule, p, avail);
  const std::uint32_t length = readable >= 4 ? load32(p) : 0;
  const std::size_t size = shape.base + std::size_t{length & shape.length_mask};
  if (size > avail || size < shape.min) return kMalformed;
  // Of an empty value this is the byte before, under a mask of no bits.
  if ((*(p + size - 1) & shape.last_mask) != 0) return kMalformed;
  if (shape.rule == Rule::binary && !inner_length_agrees(p, size)) return kMalformed;
  return size;
}

}  // namespace fle::bson::internal

#endif  // FLE_BSON_GROUND_VALUE_H_
