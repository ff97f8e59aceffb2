// SHA-512 of two messages at once on AVX-512VL (FIPS 180-4 section 6.4.2). The rounds have a word
// of each message in a register of 128 bits; as wide as they are narrow, what counts is how many
// instructions there are. So the message schedule has two words of each message in a register of
// 256 bits, half as many instructions as four lanes would take.
#include "kernels/sha512/two_lanes.h"

#include <utility>

#include <immintrin.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/hmac/message.h"
#include "kernels/sha512/constants.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

// Truth tables of vpternlogq.
constexpr int kXor3 = 0x96;
constexpr int kChoose = 0xca;
constexpr int kMajority = 0xe8;

struct Constants {
  alignas(64) std::uint64_t k[2 * 80];
};
constexpr Constants twice() noexcept {
  Constants c{};
  for (std::size_t i = 0; i < 80; ++i) c.k[2 * i] = c.k[2 * i + 1] = kSha512K[i];
  return c;
}
/// The round constants, each for both messages.
constexpr Constants kTwice = twice();

struct Two {
  __m128i s[8];                          // a to h
  __m256i w[8];                          // words 2 i and 2 i + 1, each of both messages
  alignas(32) std::uint64_t wk[2 * 16];  // the same with their round constants added
};

template <unsigned kI>
FLE_TARGET_AVX512 FLE_INLINE void add_constants(Two& t, const std::uint64_t* k) noexcept {
  const __m256i k2 = _mm256_load_si256(reinterpret_cast<const __m256i*>(k) + kI);
  _mm256_store_si256(reinterpret_cast<__m256i*>(t.wk) + kI, _mm256_add_epi64(t.w[kI], k2));
}

/// The word behind: the second of `a`, the first of `b`.
FLE_TARGET_AVX512 FLE_INLINE __m256i next_words(__m256i a, __m256i b) noexcept {
  return _mm256_permute2x128_si256(a, b, 0x21);
}

// Words 2 i and 2 i + 1 of the schedule become those sixteen further on.
template <unsigned kI>
FLE_TARGET_AVX512 FLE_INLINE void schedule(Two& t) noexcept {
  const __m256i w1 = next_words(t.w[kI], t.w[(kI + 1) & 7]);
  const __m256i w9 = next_words(t.w[(kI + 4) & 7], t.w[(kI + 5) & 7]);
  const __m256i w14 = t.w[(kI + 7) & 7];
  const __m256i s0 = _mm256_ternarylogic_epi64(_mm256_ror_epi64(w1, 1), _mm256_ror_epi64(w1, 8),
                                               _mm256_srli_epi64(w1, 7), kXor3);
  const __m256i s1 = _mm256_ternarylogic_epi64(_mm256_ror_epi64(w14, 19), _mm256_ror_epi64(w14, 61),
                                               _mm256_srli_epi64(w14, 6), kXor3);
  t.w[kI] = _mm256_add_epi64(_mm256_add_epi64(t.w[kI], w9), _mm256_add_epi64(s0, s1));
}

// The sums are ordered so that `a` and `e` are ready three operations after the `a` and `e` before.
template <unsigned kRound>
FLE_TARGET_AVX512 FLE_INLINE void round(Two& t) noexcept {
  constexpr unsigned kO = (8 - kRound % 8) % 8;
  const __m128i a = t.s[kO];
  const __m128i b = t.s[(kO + 1) & 7];
  const __m128i c = t.s[(kO + 2) & 7];
  __m128i& d = t.s[(kO + 3) & 7];
  const __m128i e = t.s[(kO + 4) & 7];
  const __m128i f = t.s[(kO + 5) & 7];
  const __m128i g = t.s[(kO + 6) & 7];
  __m128i& h = t.s[(kO + 7) & 7];
  const __m128i wk = _mm_load_si128(reinterpret_cast<const __m128i*>(t.wk) + (kRound & 15));
  const __m128i choice = _mm_ternarylogic_epi64(e, f, g, kChoose);
  const __m128i sum1 = _mm_ternarylogic_epi64(_mm_ror_epi64(e, 14), _mm_ror_epi64(e, 18),
                                              _mm_ror_epi64(e, 41), kXor3);
  const __m128i sum0 = _mm_ternarylogic_epi64(_mm_ror_epi64(a, 28), _mm_ror_epi64(a, 34),
                                              _mm_ror_epi64(a, 39), kXor3);
  const __m128i hwk = _mm_add_epi64(h, wk);
  const __m128i t1 = _mm_add_epi64(_mm_add_epi64(hwk, choice), sum1);
  d = _mm_add_epi64(_mm_add_epi64(_mm_add_epi64(d, hwk), choice), sum1);
  h = _mm_add_epi64(_mm_add_epi64(t1, _mm_ternarylogic_epi64(a, b, c, kMajority)), sum0);
}

template <bool kSchedule, unsigned kI>
FLE_TARGET_AVX512 FLE_INLINE void two_rounds(Two& t, const std::uint64_t* next_k) noexcept {
  round<2 * kI>(t);
  round<2 * kI + 1>(t);
  if constexpr (kSchedule) {
    schedule<kI>(t);
    add_constants<kI>(t, next_k);
  }
}
template <bool kSchedule, unsigned... kI>
FLE_TARGET_AVX512 FLE_INLINE void sixteen_rounds(
    Two& t, const std::uint64_t* next_k,
    std::integer_sequence<unsigned, kI...> /*pairs*/) noexcept {
  (two_rounds<kSchedule, kI>(t, next_k), ...);
}
constexpr auto kEight = std::make_integer_sequence<unsigned, 8>{};

template <unsigned... kI>
FLE_TARGET_AVX512 FLE_INLINE void add_first_constants(
    Two& t, std::integer_sequence<unsigned, kI...> /*pairs*/) noexcept {
  (add_constants<kI>(t, kTwice.k), ...);
}

/// Adds what the rounds over t.w make of `state` to it.
FLE_TARGET_AVX512 FLE_INLINE void rounds(__m128i (&state)[8], Two& t) noexcept {
#pragma GCC unroll 8
  for (unsigned i = 0; i < 8; ++i) t.s[i] = state[i];
  add_first_constants(t, kEight);
  for (unsigned r = 16; r < 80; r += 16) sixteen_rounds<true>(t, kTwice.k + 2 * r, kEight);
  sixteen_rounds<false>(t, nullptr, kEight);
#pragma GCC unroll 8
  for (unsigned i = 0; i < 8; ++i) state[i] = _mm_add_epi64(state[i], t.s[i]);
}

FLE_TARGET_AVX512 FLE_INLINE __m128i swap(__m128i v) noexcept {
  return _mm_shuffle_epi8(v, _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
}
FLE_TARGET_AVX512 FLE_INLINE __m128i load_two(const std::uint64_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
/// Words 0 and 1 of both messages, from two of each.
FLE_TARGET_AVX512 FLE_INLINE __m256i interleave(__m128i first, __m128i second) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi64(first, second)),
                                 _mm_unpackhi_epi64(first, second), 1);
}
FLE_TARGET_AVX512 FLE_INLINE void load_words(Two& t, const std::uint8_t* const (&in)[2]) noexcept {
#pragma GCC unroll 8
  for (unsigned i = 0; i < 8; ++i)
    t.w[i] = interleave(swap(load(in[0] + 16 * i)), swap(load(in[1] + 16 * i)));
}
/// What follows the inner digest in the block of the outer hash: 0x80, zeros and the length.
FLE_TARGET_AVX512 FLE_INLINE void pad_digests(Two& t) noexcept {
  constexpr long long kBits = (kShaBlock + kDigest) * 8;
  t.w[4] = _mm256_zextsi128_si256(_mm_set1_epi64x(static_cast<long long>(0x8000000000000000)));
  t.w[5] = t.w[6] = _mm256_setzero_si256();
  t.w[7] = _mm256_set_epi64x(kBits, kBits, 0, 0);
}
FLE_TARGET_AVX512 FLE_INLINE void load_state(__m128i (&state)[8],
                                             const std::uint64_t* const* rows) noexcept {
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i first = load_two(rows[0] + 2 * i);
    const __m128i second = load_two(rows[1] + 2 * i);
    state[2 * i] = _mm_unpacklo_epi64(first, second);
    state[2 * i + 1] = _mm_unpackhi_epi64(first, second);
  }
}

}  // namespace

FLE_TARGET_AVX512 void compress_two_avx512(std::uint64_t* const* to,
                                           const std::uint64_t* const* from,
                                           const std::uint8_t* const* blocks,
                                           std::size_t n_blocks) noexcept {
  const std::uint8_t* in[2] = {blocks[0], blocks[1]};
  __m128i state[8];
  load_state(state, from);
  for (; n_blocks != 0; --n_blocks) {
    Two t;
    load_words(t, in);
    rounds(state, t);
    for (auto& p : in) p += kShaBlock;
  }
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i even = state[2 * i];
    const __m128i odd = state[2 * i + 1];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to[0]) + i, _mm_unpacklo_epi64(even, odd));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to[1]) + i, _mm_unpackhi_epi64(even, odd));
  }
}

FLE_TARGET_AVX512 void finish_two_avx512(std::uint8_t* const* macs,
                                         const std::uint64_t* const* outer,
                                         const std::uint64_t* const* inner) noexcept {
  __m128i state[8];
  load_state(state, outer);
  Two t;
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i)
    t.w[i] = interleave(load_two(inner[0] + 2 * i), load_two(inner[1] + 2 * i));
  pad_digests(t);
  rounds(state, t);
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i even = swap(state[2 * i]);
    const __m128i odd = swap(state[2 * i + 1]);
    store(macs[0] + 16 * i, _mm_unpacklo_epi64(even, odd));
    store(macs[1] + 16 * i, _mm_unpackhi_epi64(even, odd));
  }
}

/// LaneWidth::whole. One copy of the rounds serves both hashes.
FLE_TARGET_AVX512 void whole_two_avx512(const MacJob* const* jobs,
                                        std::size_t inner_blocks) noexcept {
  const std::uint64_t* const inner[2] = {jobs[0]->key->inner, jobs[1]->key->inner};
  const std::uint64_t* const outer[2] = {jobs[0]->key->outer, jobs[1]->key->outer};
  alignas(64) std::uint8_t rows[2][kShaBlock];
  __m128i state[8];
  load_state(state, inner);
  for (std::size_t b = 0; b <= inner_blocks; ++b) {
    Two t;
    if (b < inner_blocks) {
      const std::uint8_t* in[2];
      for (unsigned l = 0; l < 2; ++l) {
        const bool last = b + 1 == inner_blocks;
        in[l] = last ? nullptr : whole_block(*jobs[l], kShaBlock * b);
        if (in[l] != nullptr) continue;
        assemble_block(rows[l], *jobs[l], kShaBlock * b, last);
        in[l] = rows[l];
      }
      load_words(t, in);
    } else {
#pragma GCC unroll 4
      for (unsigned i = 0; i < 4; ++i)
        t.w[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(state[2 * i]), state[2 * i + 1], 1);
      pad_digests(t);
      load_state(state, outer);
    }
    rounds(state, t);
  }
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i even = swap(state[2 * i]);
    const __m128i odd = swap(state[2 * i + 1]);
    store(rows[0] + 16 * i, _mm_unpacklo_epi64(even, odd));
    store(rows[1] + 16 * i, _mm_unpackhi_epi64(even, odd));
  }
  for (unsigned l = 0; l < 2; ++l) copy(jobs[l]->out, rows[l], jobs[l]->out_len);
}

}  // namespace fle::kernels
