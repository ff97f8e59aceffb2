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

#if defined(__x86_64__)

// Blocks of 16 bytes are multiplied to where a later block stands, without a carry, and added to it
// (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction",
// Intel 2009): four blocks side by side, for each product is waited for.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kSideBySide = 4 * kBlock;

/// x^n modulo the polynomial.
constexpr std::uint64_t power(unsigned n) noexcept {
  std::uint64_t c = std::uint64_t{1} << 63;
  for (; n != 0; --n) c = times_x(c);
  return c;
}

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
  for (; n >= kBlock; p += kBlock, n -= kBlock) e = _mm_xor_si128(moved(e, one_on), load(p));
  std::array<std::uint8_t, kBlock> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), e);
  return add_bytes(add_bytes(0, last.data(), last.size()), p, n);
}

#endif

}  // namespace

void Crc64::add(Bytes data) noexcept {
#if defined(__x86_64__)
  static const bool can_multiply = __builtin_cpu_supports("pclmul") != 0;
  if (can_multiply && data.size() >= kSideBySide) {
    state_ = add_multiplied(state_, data.data(), data.size());
    return;
  }
#endif
  state_ = add_bytes(state_, data.data(), data.size());
}

}  // namespace fle::tools
