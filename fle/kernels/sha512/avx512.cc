// SHA-512 of 16, 8 or 4 messages at once on AVX-512: a rotation is one instruction (vprorq), and so
// is each three-input function of the rounds (vpternlogq).
#include "kernels/sha512/avx512.h"

#include <algorithm>

#include <immintrin.h>

#include "kernels/sha512/two_lanes.h"
#include "kernels/single/seal.h"
#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX512
#include "kernels/sha512/rounds.h"
#include "kernels/sha512/steps.h"

namespace fle::kernels {
namespace {

// Truth tables of vpternlogq.
constexpr int kXor3 = 0x96;
constexpr int kChoose = 0xca;
constexpr int kMajority = 0xe8;

// Bytes [at, at + len) of a message are at `piece`: copies those that fall into the block at `pos`,
// and zeros to at least 64 bytes behind the first of them. A masked load reads no byte that it
// leaves out.
FLE_TARGET_AVX512 FLE_INLINE void place_padded(std::uint8_t* block, std::size_t pos,
                                               const std::uint8_t* piece, std::size_t at,
                                               std::size_t len) noexcept {
  const std::size_t from = std::max(at, pos);
  const std::size_t to = std::min(at + len, pos + kShaBlock);
  if (from >= to) return;
  const std::size_t n = to - from;
  piece += from - at;
  block += from - pos;
  _mm512_storeu_si512(block, _mm512_maskz_loadu_epi8(
                                 _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(n)), piece));
  if (n <= 64) return;
  _mm512_storeu_si512(block + 64,
                      _mm512_maskz_loadu_epi8(
                          _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(n - 64)), piece + 64));
}

// assemble_block(), without a loop for any length.
FLE_TARGET_AVX512 FLE_INLINE void assemble_masked(std::uint8_t* block, const MacJob& j,
                                                  std::size_t pos, bool last) noexcept {
  const std::size_t len = message_len(j);
  if (len < pos + kShaBlock) {
    _mm512_store_si512(block, _mm512_setzero_si512());
    _mm512_store_si512(block + 64, _mm512_setzero_si512());
  }
  place_padded(block, pos, j.head, 0, j.head_len);
  place_padded(block, pos, j.body, j.head_len, j.body_len);
  place_padded(block, pos, j.tail, j.head_len + j.body_len, j.tail_len);
  if (len - pos < kShaBlock) block[len - pos] = 0x80;
  if (last) put_be64(block + kShaBlock - 8, (kShaBlock + len) * 8);
}

struct Ymm {
  using T = __m256i;
  static constexpr unsigned kLanes = 4;
  FLE_TARGET_AVX512 FLE_INLINE static T add(T a, T b) noexcept { return _mm256_add_epi64(a, b); }
  FLE_TARGET_AVX512 FLE_INLINE static T set1(std::uint64_t v) noexcept {
    return _mm256_set1_epi64x(static_cast<long long>(v));
  }
  FLE_TARGET_AVX512 FLE_INLINE static T swap(T a) noexcept {
    return _mm256_shuffle_epi8(a, swap_words());
  }
  FLE_TARGET_AVX512 FLE_INLINE static void load_blocks(T* w,
                                                       const std::uint8_t* const* blocks) noexcept {
#pragma GCC unroll 16
    for (int q = 0; q < 4; ++q) {
#pragma GCC unroll 16
      for (int l = 0; l < 4; ++l) {
        w[4 * q + l] =
            swap(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks[l] + 32 * q)));
      }
      transpose_four(w + 4 * q);
    }
  }
  FLE_TARGET_AVX512 FLE_INLINE static void load_rows(T* s,
                                                     const std::uint64_t* const* rows) noexcept {
#pragma GCC unroll 16
    for (int q = 0; q < 2; ++q) {
#pragma GCC unroll 16
      for (int l = 0; l < 4; ++l)
        s[4 * q + l] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[l] + 4 * q));
      transpose_four(s + 4 * q);
    }
  }
  template <class Row>
  FLE_TARGET_AVX512 FLE_INLINE static void store_rows(Row* const* rows, T* s) noexcept {
#pragma GCC unroll 16
    for (int q = 0; q < 2; ++q) {
      transpose_four(s + 4 * q);
#pragma GCC unroll 16
      for (int l = 0; l < 4; ++l)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[l]) + q, s[4 * q + l]);
    }
  }
  /// The first four words of each row.
  FLE_TARGET_AVX512 FLE_INLINE static void store_heads(std::uint8_t* const* rows, T* s) noexcept {
    transpose_four(s);
#pragma GCC unroll 16
    for (int l = 0; l < 4; ++l) _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[l]), s[l]);
  }
  FLE_TARGET_AVX512 FLE_INLINE static void assemble(std::uint8_t* row, const MacJob& j,
                                                    std::size_t pos, bool last) noexcept {
    assemble_masked(row, j, pos, last);
  }
  template <int kN>
  FLE_TARGET_AVX512 FLE_INLINE static T rotr(T a) noexcept {
    return _mm256_ror_epi64(a, kN);
  }
  template <int kN>
  FLE_TARGET_AVX512 FLE_INLINE static T shr(T a) noexcept {
    return _mm256_srli_epi64(a, kN);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T xor3(T a, T b, T c) noexcept {
    return _mm256_ternarylogic_epi64(a, b, c, kXor3);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T choose(T a, T b, T c) noexcept {
    return _mm256_ternarylogic_epi64(a, b, c, kChoose);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T majority(T a, T b, T c) noexcept {
    return _mm256_ternarylogic_epi64(a, b, c, kMajority);
  }
};

struct Zmm {
  using T = __m512i;
  static constexpr unsigned kLanes = 8;
  FLE_TARGET_AVX512 FLE_INLINE static void assemble(std::uint8_t* row, const MacJob& j,
                                                    std::size_t pos, bool last) noexcept {
    assemble_masked(row, j, pos, last);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T add(T a, T b) noexcept { return _mm512_add_epi64(a, b); }
  template <int kN>
  FLE_TARGET_AVX512 FLE_INLINE static T rotr(T a) noexcept {
    return _mm512_ror_epi64(a, kN);
  }
  template <int kN>
  FLE_TARGET_AVX512 FLE_INLINE static T shr(T a) noexcept {
    return _mm512_srli_epi64(a, kN);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T xor3(T a, T b, T c) noexcept {
    return _mm512_ternarylogic_epi64(a, b, c, kXor3);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T choose(T a, T b, T c) noexcept {
    return _mm512_ternarylogic_epi64(a, b, c, kChoose);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T majority(T a, T b, T c) noexcept {
    return _mm512_ternarylogic_epi64(a, b, c, kMajority);
  }
  FLE_TARGET_AVX512 FLE_INLINE static T set1(std::uint64_t v) noexcept {
    return _mm512_set1_epi64(static_cast<long long>(v));
  }
  FLE_TARGET_AVX512 FLE_INLINE static T swap(T a) noexcept {
    return _mm512_shuffle_epi8(a, _mm512_broadcast_i64x4(swap_words()));
  }
  FLE_TARGET_AVX512 FLE_INLINE static void transpose(T* r) noexcept {
    T t[8];
    T u[8];
#pragma GCC unroll 16
    for (int i = 0; i < 4; ++i) {
      t[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 2; ++i) {
      u[4 * i + 0] = _mm512_shuffle_i64x2(t[4 * i + 0], t[4 * i + 2], 0x88);
      u[4 * i + 1] = _mm512_shuffle_i64x2(t[4 * i + 1], t[4 * i + 3], 0x88);
      u[4 * i + 2] = _mm512_shuffle_i64x2(t[4 * i + 0], t[4 * i + 2], 0xdd);
      u[4 * i + 3] = _mm512_shuffle_i64x2(t[4 * i + 1], t[4 * i + 3], 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
      r[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
    }
  }
  FLE_TARGET_AVX512 FLE_INLINE static void load_blocks(T* w,
                                                       const std::uint8_t* const* blocks) noexcept {
#pragma GCC unroll 16
    for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 16
      for (int l = 0; l < 8; ++l) w[8 * half + l] = swap(_mm512_loadu_si512(blocks[l] + 64 * half));
      transpose(w + 8 * half);
    }
  }
  FLE_TARGET_AVX512 FLE_INLINE static void load_rows(T* s,
                                                     const std::uint64_t* const* rows) noexcept {
#pragma GCC unroll 16
    for (int l = 0; l < 8; ++l) s[l] = _mm512_loadu_si512(rows[l]);
    transpose(s);
  }
  FLE_TARGET_AVX512 FLE_INLINE static void store_heads(std::uint8_t* const* rows,
                                                       const T* s) noexcept {
    const T low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const T high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    const T words[2][2] = {{_mm512_unpacklo_epi64(s[0], s[1]), _mm512_unpacklo_epi64(s[2], s[3])},
                           {_mm512_unpackhi_epi64(s[0], s[1]), _mm512_unpackhi_epi64(s[2], s[3])}};
#pragma GCC unroll 2
    for (unsigned odd = 0; odd < 2; ++odd) {
      const T first = _mm512_permutex2var_epi64(words[odd][0], low, words[odd][1]);
      const T second = _mm512_permutex2var_epi64(words[odd][0], high, words[odd][1]);
      store_half(rows[odd], _mm512_castsi512_si256(first));
      store_half(rows[odd + 2], _mm512_extracti64x4_epi64(first, 1));
      store_half(rows[odd + 4], _mm512_castsi512_si256(second));
      store_half(rows[odd + 6], _mm512_extracti64x4_epi64(second, 1));
    }
  }
  FLE_TARGET_AVX512 FLE_INLINE static void store_half(std::uint8_t* p, __m256i v) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  template <class Row>
  FLE_TARGET_AVX512 FLE_INLINE static void store_rows(Row* const* rows, T* s) noexcept {
    transpose(s);
#pragma GCC unroll 16
    for (int l = 0; l < 8; ++l) _mm512_storeu_si512(rows[l], s[l]);
  }
};

}  // namespace

const LaneWidth kSha512Avx512[5] = {lane_width<Zmm, 2>(9), lane_width<Zmm, 1>(5),
                                    lane_width<Ymm, 1>(3), kSha512TwoAvx512, kSha512OneAvx512};

}  // namespace fle::kernels
