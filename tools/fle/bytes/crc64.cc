#include "crc64.h"

#include <array>

#include "fle/bson/little_endian.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fle::tools {
namespace {

// The bits of a byte stand for powers that fall: x^7 is its lowest one (a reflected CRC).
constexpr std::uint64_t kPolynomial = 0xc96c'5795'd787'0f42;
constexpr std::uint64_t times_x(std::uint64_t c) noexcept {
  return (c >> 1) ^ ((c & 1) != 0 ? kPolynomial : 0);
}

// Eight bytes in one step: kTables[k] takes a byte that k others follow.
using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = times_x(c);
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < t.size(); ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}
constexpr Tables kTables = make_tables();

std::uint64_t add_bytes(std::uint64_t c, const std::uint8_t* p, std::size_t n) noexcept {
  for (; n >= 8; n -= 8, p += 8) {
    c ^= bson::load64(p);
    c = kTables[7][c & 0xff] ^ kTables[6][c >> 8 & 0xff] ^ kTables[5][c >> 16 & 0xff] ^
        kTables[4][c >> 24 & 0xff] ^ kTables[3][c >> 32 & 0xff] ^ kTables[2][c >> 40 & 0xff] ^
        kTables[1][c >> 48 & 0xff] ^ kTables[0][c >> 56];
  }
  for (; n != 0; --n, ++p) c = (c >> 8) ^ kTables[0][(c ^ *p) & 0xff];
  return c;
}

/// The product of two polynomials modulo ours.
constexpr std::uint64_t product(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t c = 0;
  for (; a != 0; a <<= 1) {
    if ((a >> 63) != 0) c ^= b;
    b = times_x(b);
  }
  return c;
}

constexpr std::uint64_t kX = std::uint64_t{1} << 62;

// x, x^2, x^4, x^8 ...
constexpr std::array<std::uint64_t, 64> make_squares() {
  std::array<std::uint64_t, 64> s{kX};
  for (std::size_t i = 1; i < s.size(); ++i) s[i] = product(s[i - 1], s[i - 1]);
  return s;
}
constexpr std::array<std::uint64_t, 64> kSquares = make_squares();

/// x^n modulo the polynomial.
constexpr std::uint64_t power(std::uint64_t n) noexcept {
  std::uint64_t c = std::uint64_t{1} << 63;
  for (std::size_t i = 0; n != 0; n >>= 1, ++i)
    if ((n & 1) != 0) c = product(kSquares[i], c);
  return c;
}

#if defined(__x86_64__)

// Blocks of 16 bytes are multiplied to where a later block stands, without a carry, and added to it
// (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction",
// Intel 2009): four blocks side by side, for each product is waited for.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kSideBySide = 4 * kBlock;

/// What both halves of a block are multiplied by to move it on by `bytes`. The product of two
/// reflected words is one bit off, so the powers are one less.
struct Distance {
  explicit constexpr Distance(unsigned bytes)
      : first(power(8 * bytes + 63)), second(power(8 * bytes - 1)) {}
  std::uint64_t first;
  std::uint64_t second;
};
constexpr Distance kOneOn{kBlock};
constexpr Distance kFourOn{kSideBySide};
constexpr Distance kSixteenOn{4 * kSideBySide};

[[gnu::target("pclmul")]] inline __m128i moved(__m128i block, __m128i distance) noexcept {
  return _mm_xor_si128(_mm_clmulepi64_si128(block, distance, 0x00),
                       _mm_clmulepi64_si128(block, distance, 0x11));
}
[[gnu::target("pclmul")]] inline __m128i load(const std::uint8_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
[[gnu::target("pclmul")]] inline __m128i constants(const Distance& d) noexcept {
  return _mm_set_epi64x(static_cast<long long>(d.second), static_cast<long long>(d.first));
}

/// What is left of a checksum: a block, and bytes behind it.
[[gnu::target("pclmul")]] inline std::uint64_t finish(__m128i block, const std::uint8_t* p,
                                                      std::size_t n) noexcept {
  const __m128i one_on = constants(kOneOn);
  for (; n >= kBlock; p += kBlock, n -= kBlock)
    block = _mm_xor_si128(moved(block, one_on), load(p));
  std::array<std::uint8_t, kBlock> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), block);
  return add_bytes(add_bytes(0, last.data(), last.size()), p, n);
}

/// @param n  kSideBySide at least
[[gnu::target("pclmul")]] std::uint64_t add_multiplied(std::uint64_t c, const std::uint8_t* p,
                                                       std::size_t n) noexcept {
  const __m128i one_on = constants(kOneOn);
  const __m128i four_on = constants(kFourOn);
  __m128i a = _mm_xor_si128(load(p), _mm_cvtsi64_si128(static_cast<long long>(c)));
  __m128i b = load(p + kBlock);
  __m128i d = load(p + 2 * kBlock);
  __m128i e = load(p + 3 * kBlock);
  for (p += kSideBySide, n -= kSideBySide; n >= kSideBySide; p += kSideBySide, n -= kSideBySide) {
    a = _mm_xor_si128(moved(a, four_on), load(p));
    b = _mm_xor_si128(moved(b, four_on), load(p + kBlock));
    d = _mm_xor_si128(moved(d, four_on), load(p + 2 * kBlock));
    e = _mm_xor_si128(moved(e, four_on), load(p + 3 * kBlock));
  }
  b = _mm_xor_si128(moved(a, one_on), b);
  d = _mm_xor_si128(moved(b, one_on), d);
  e = _mm_xor_si128(moved(d, one_on), e);
  return finish(e, p, n);
}

// The same with four blocks in each of four registers.
#define FLE_WIDE [[gnu::target("avx512f,vpclmulqdq,pclmul")]]

constexpr std::size_t kWide = 4 * kSideBySide;

FLE_WIDE inline __m512i moved(__m512i blocks, __m512i distance) noexcept {
  return _mm512_xor_si512(_mm512_clmulepi64_epi128(blocks, distance, 0x00),
                          _mm512_clmulepi64_epi128(blocks, distance, 0x11));
}
FLE_WIDE inline __m512i four_times(const Distance& d) noexcept {
  const auto first = static_cast<long long>(d.first);
  const auto second = static_cast<long long>(d.second);
  return _mm512_set_epi64(second, first, second, first, second, first, second, first);
}
FLE_WIDE inline __m512i load_four(const std::uint8_t* p) noexcept { return _mm512_loadu_si512(p); }

/// @param n  kWide at least
FLE_WIDE std::uint64_t add_wide(std::uint64_t c, const std::uint8_t* p, std::size_t n) noexcept {
  const __m512i four_on = four_times(kFourOn);
  const __m512i sixteen_on = four_times(kSixteenOn);
  const __m128i first = _mm_cvtsi64_si128(static_cast<long long>(c));
  __m512i a = _mm512_xor_si512(load_four(p), _mm512_zextsi128_si512(first));
  __m512i b = load_four(p + kSideBySide);
  __m512i d = load_four(p + 2 * kSideBySide);
  __m512i e = load_four(p + 3 * kSideBySide);
  for (p += kWide, n -= kWide; n >= kWide; p += kWide, n -= kWide) {
    a = _mm512_xor_si512(moved(a, sixteen_on), load_four(p));
    b = _mm512_xor_si512(moved(b, sixteen_on), load_four(p + kSideBySide));
    d = _mm512_xor_si512(moved(d, sixteen_on), load_four(p + 2 * kSideBySide));
    e = _mm512_xor_si512(moved(e, sixteen_on), load_four(p + 3 * kSideBySide));
  }
  b = _mm512_xor_si512(moved(a, four_on), b);
  d = _mm512_xor_si512(moved(b, four_on), d);
  e = _mm512_xor_si512(moved(d, four_on), e);
  std::array<std::uint8_t, kSideBySide> blocks;
  _mm512_storeu_si512(blocks.data(), e);
  const __m128i one_on = constants(kOneOn);
  __m128i last = load(blocks.data());
  for (std::size_t at = kBlock; at < blocks.size(); at += kBlock)
    last = _mm_xor_si128(moved(last, one_on), load(blocks.data() + at));
  return finish(last, p, n);
}
#undef FLE_WIDE

#endif

std::uint64_t add_to(std::uint64_t state, Bytes data) noexcept {
#if defined(__x86_64__)
  static const bool can_multiply = __builtin_cpu_supports("pclmul") != 0;
  static const bool is_wide = can_multiply && __builtin_cpu_supports("vpclmulqdq") != 0 &&
                              __builtin_cpu_supports("avx512f") != 0;
  if (is_wide && data.size() >= kWide) return add_wide(state, data.data(), data.size());
  if (can_multiply && data.size() >= kSideBySide)
    return add_multiplied(state, data.data(), data.size());
#endif
  return add_bytes(state, data.data(), data.size());
}

}  // namespace

void Crc64::add(Bytes data) noexcept { state_ = add_to(state_, data); }

Crc64::Part Crc64::part_of(Bytes data) noexcept { return {add_to(0, data), data.size()}; }

void Crc64::add(const Part& part) noexcept {
  state_ = product(power(8 * part.size), state_) ^ part.state;
}

}  // namespace fle::tools
