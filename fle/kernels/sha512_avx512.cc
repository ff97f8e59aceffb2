// SHA-512 of 16, 8 or 4 messages at once on AVX-512: a rotation is one instruction (vprorq), and so
// is each three-input function of the rounds (vpternlogq).
#include "kernels/sha512_avx512.h"

#include <immintrin.h>

#include "kernels/seal_one.h"
#include "kernels/sha512_two_lanes.h"
#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX512
#include "kernels/sha512_rounds.h"

namespace fle::kernels {
namespace {

// Truth tables of vpternlogq.
constexpr int kXor3 = 0x96;
constexpr int kChoose = 0xca;
constexpr int kMajority = 0xe8;

struct Ymm : FourLanes {
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
