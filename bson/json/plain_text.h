#ifndef FLE_BSON_JSON_PLAIN_TEXT_H_
#define FLE_BSON_JSON_PLAIN_TEXT_H_

#include <bit>
#include <cstddef>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fle::bson::internal {

/// Copies the characters of a JSON string that stand for themselves, up to the first that does not:
/// a quote, a backslash, a control character, or the end of the text. May write 15 bytes more than
/// it copies.
/// @param limit      how far may be read: `end`, or beyond.
/// @param non_ascii  set where a character of several bytes was copied.
/// @return  how many
[[nodiscard]] inline std::size_t copy_plain(char* out, const char* p, const char* end,
                                            [[maybe_unused]] const char* limit,
                                            bool& non_ascii) noexcept {
  const char* const start = p;
#if defined(__SSE2__)
  for (; p < end && limit - p >= 16; p += 16, out += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                                      _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))),
                                         _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), block);
    auto stops = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (end - p < 16) stops |= 1U << static_cast<unsigned>(end - p);
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(block));
    if (stops == 0) {
      non_ascii |= high != 0;
      continue;
    }
    const unsigned stop = static_cast<unsigned>(std::countr_zero(stops));
    non_ascii |= (high & ((1U << stop) - 1)) != 0;
    return static_cast<std::size_t>(p - start) + stop;
  }
#endif
  for (; p != end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20; ++p) {
    non_ascii |= static_cast<unsigned char>(*p) >= 0x80;
    *out++ = *p;
  }
  return static_cast<std::size_t>(p - start);
}

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_PLAIN_TEXT_H_
