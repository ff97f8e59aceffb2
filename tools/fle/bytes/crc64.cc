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
// Intel 2009): in four registers side by side, for each product is waited for.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kRegisters = 4;

/// What both halves of a block are multiplied by to move it on by `bytes`. The product of two
/// reflected words is one bit off, so the powers are one less.
struct Distance {
  explicit constexpr Distance(std::size_t bytes)
      : first(static_cast<long long>(power(8 * bytes + 63))),
        second(static_cast<long long>(power(8 * bytes - 1))) {}
  long long first;
  long long second;
};

// Registers of one, two and four blocks.
#define FLE_ONE [[gnu::target("pclmul")]]
#define FLE_TWO [[gnu::target("avx2,vpclmulqdq,pclmul")]]
#define FLE_FOUR [[gnu::target("avx512f,vpclmulqdq,pclmul")]]

struct One {
  using Blocks = __m128i;
  FLE_ONE static Blocks load(const std::uint8_t* p) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  FLE_ONE static void store(std::uint8_t* p, Blocks b) noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), b);
  }
  FLE_ONE static Blocks first(std::uint64_t c) noexcept {
    return _mm_cvtsi64_si128(static_cast<long long>(c));
  }
  FLE_ONE static Blocks all(const Distance& d) noexcept {
    return _mm_set_epi64x(d.second, d.first);
  }
  FLE_ONE static Blocks sum(Blocks a, Blocks b) noexcept { return _mm_xor_si128(a, b); }
  FLE_ONE static Blocks moved(Blocks b, Blocks distance) noexcept {
    return sum(_mm_clmulepi64_si128(b, distance, 0x00), _mm_clmulepi64_si128(b, distance, 0x11));
  }
};

struct Two {
  using Blocks = __m256i;
  FLE_TWO static Blocks load(const std::uint8_t* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  FLE_TWO static void store(std::uint8_t* p, Blocks b) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), b);
  }
  FLE_TWO static Blocks first(std::uint64_t c) noexcept {
    return _mm256_zextsi128_si256(One::first(c));
  }
  FLE_TWO static Blocks all(const Distance& d) noexcept {
    return _mm256_broadcastsi128_si256(One::all(d));
  }
  FLE_TWO static Blocks sum(Blocks a, Blocks b) noexcept { return _mm256_xor_si256(a, b); }
  FLE_TWO static Blocks moved(Blocks b, Blocks distance) noexcept {
    return sum(_mm256_clmulepi64_epi128(b, distance, 0x00),
               _mm256_clmulepi64_epi128(b, distance, 0x11));
  }
};

struct Four {
  using Blocks = __m512i;
  FLE_FOUR static Blocks load(const std::uint8_t* p) noexcept { return _mm512_loadu_si512(p); }
  FLE_FOUR static void store(std::uint8_t* p, Blocks b) noexcept { _mm512_storeu_si512(p, b); }
  FLE_FOUR static Blocks first(std::uint64_t c) noexcept {
    return _mm512_zextsi128_si512(One::first(c));
  }
  FLE_FOUR static Blocks all(const Distance& d) noexcept {
    return _mm512_set_epi64(d.second, d.first, d.second, d.first, d.second, d.first, d.second,
                            d.first);
  }
  FLE_FOUR static Blocks sum(Blocks a, Blocks b) noexcept { return _mm512_xor_si512(a, b); }
  FLE_FOUR static Blocks moved(Blocks b, Blocks distance) noexcept {
    return sum(_mm512_clmulepi64_epi128(b, distance, 0x00),
               _mm512_clmulepi64_epi128(b, distance, 0x11));
  }
};

/// Of two pieces, each of a block at least but for the second one: what the registers have become,
/// and what stands behind them.
FLE_ONE std::uint64_t finish(Bytes blocks, Bytes rest) noexcept {
  constexpr Distance kOneOn(kBlock);
  const __m128i one_on = One::all(kOneOn);
  __m128i block = One::load(blocks.data());
  blocks = blocks.subspan(kBlock);
  for (Bytes* const of : {&blocks, &rest})
    for (; of->size() >= kBlock; *of = of->subspan(kBlock))
      block = One::sum(One::moved(block, one_on), One::load(of->data()));
  std::array<std::uint8_t, kBlock> last;
  One::store(last.data(), block);
  return add_bytes(add_bytes(0, last.data(), last.size()), rest.data(), rest.size());
}

/// Bytes that the registers of a kind take side by side.
template <class Register>
constexpr std::size_t kSideBySide = kRegisters * sizeof(typename Register::Blocks);

// One text for all kinds: a template has one target, whatever its arguments are.
// `data` has kSideBySide at least.
#define FLE_ADD_BY(name, target, Register)                                                         \
  target std::uint64_t name(std::uint64_t c, Bytes data) noexcept {                                \
    constexpr std::size_t kStep = sizeof(Register::Blocks);                                        \
    constexpr Distance kOn(kSideBySide<Register>);                                                 \
    const Register::Blocks on = Register::all(kOn);                                                \
    Register::Blocks r[kRegisters];                                                                \
    for (std::size_t i = 0; i < kRegisters; ++i) r[i] = Register::load(data.data() + i * kStep);   \
    r[0] = Register::sum(r[0], Register::first(c));                                                \
    for (data = data.subspan(kSideBySide<Register>); data.size() >= kSideBySide<Register>;         \
         data = data.subspan(kSideBySide<Register>))                                               \
      for (std::size_t i = 0; i < kRegisters; ++i)                                                 \
        r[i] = Register::sum(Register::moved(r[i], on), Register::load(data.data() + i * kStep));  \
    std::array<std::uint8_t, kSideBySide<Register>> blocks;                                        \
    for (std::size_t i = 0; i < kRegisters; ++i) Register::store(blocks.data() + i * kStep, r[i]); \
    return finish(blocks, data);                                                                   \
  }
FLE_ADD_BY(add_by_one, FLE_ONE, One)
FLE_ADD_BY(add_by_two, FLE_TWO, Two)
FLE_ADD_BY(add_by_four, FLE_FOUR, Four)
#undef FLE_ADD_BY
#undef FLE_ONE
#undef FLE_TWO
#undef FLE_FOUR

#endif

std::uint64_t add_by_tables(std::uint64_t c, Bytes data) noexcept {
  return add_bytes(c, data.data(), data.size());
}

std::uint64_t add_to(std::uint64_t state, Bytes data) noexcept {
  for (const Crc64::Way& way : Crc64::ways())
    if (way.runs_here && data.size() >= way.least) return way.add(state, data);
  return state;
}

}  // namespace

std::span<const Crc64::Way> Crc64::ways() noexcept {
#if defined(__x86_64__)
  static const bool one = __builtin_cpu_supports("pclmul") != 0;
  static const bool two =
      one && __builtin_cpu_supports("vpclmulqdq") != 0 && __builtin_cpu_supports("avx2") != 0;
  static const bool four = two && __builtin_cpu_supports("avx512f") != 0;
  static const Way kWays[] = {{kSideBySide<Four>, four, add_by_four},
                              {kSideBySide<Two>, two, add_by_two},
                              {kSideBySide<One>, one, add_by_one},
                              {0, true, add_by_tables}};
#else
  static constexpr Way kWays[] = {{0, true, add_by_tables}};
#endif
  return kWays;
}

void Crc64::add(Bytes data) noexcept { state_ = add_to(state_, data); }

Crc64::Part Crc64::part_of(Bytes data) noexcept { return {add_to(0, data), data.size()}; }

void Crc64::add(const Part& part) noexcept {
  state_ = product(power(8 * part.size), state_) ^ part.state;
}

}  // namespace fle::tools
