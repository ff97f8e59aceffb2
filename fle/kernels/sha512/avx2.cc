// SHA-512 on AVX2, where a rotation takes two shifts and an or: of four messages at once, and of
// five, of which one is in scalar registers. A core with three vector ports takes 17 cycles for the
// 50 vector operations of a round of four, and 17.8 it takes (Sapphire Rapids): there is nothing to
// gain beside them, and a fifth message took 37 % more time a lane where the other thread of the
// core was busy. One with four ports, AMD's since Zen 3, waits for results and has room for it. Two
// groups of four side by side need more registers than there are.
#include "kernels/sha512/avx2.h"

#include "kernels/single/seal.h"
#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX2
#include "kernels/sha512/avx2_rounds.h"
#include "kernels/sha512/steps.h"

namespace fle::kernels {
namespace {

/// A word of each message.
struct Four {
  using T = __m256i;
  static constexpr unsigned kLanes = 4;
  FLE_TARGET_AVX2 FLE_INLINE static T join(__m256i four, std::uint64_t /*fifth*/) noexcept {
    return four;
  }
  FLE_TARGET_AVX2 FLE_INLINE static __m256i four(const T& t) noexcept { return t; }
  FLE_TARGET_AVX2 FLE_INLINE static std::uint64_t fifth(const T& /*t*/) noexcept { return 0; }
};
struct Five {
  struct alignas(64) T {
    __m256i four;
    std::uint64_t fifth;
  };
  static constexpr unsigned kLanes = 5;
  FLE_TARGET_AVX2 FLE_INLINE static T join(__m256i four, std::uint64_t fifth) noexcept {
    return {four, fifth};
  }
  FLE_TARGET_AVX2 FLE_INLINE static __m256i four(const T& t) noexcept { return t.four; }
  FLE_TARGET_AVX2 FLE_INLINE static std::uint64_t fifth(const T& t) noexcept { return t.fifth; }
};

// Loops are left as such: the words go through memory in any case, and what is short stays decoded
// beside the rounds.
template <class Words>
struct Ymm : Words {
  using typename Words::T;
  static constexpr bool kFifth = Words::kLanes == 5;

  static void assemble(std::uint8_t* row, const MacJob& j, std::size_t pos, bool last) noexcept {
    assemble_block(row, j, pos, last);
  }
  FLE_TARGET_AVX2 FLE_INLINE static T set1(std::uint64_t v) noexcept {
    return Words::join(_mm256_set1_epi64x(static_cast<long long>(v)), v);
  }
  FLE_TARGET_AVX2 FLE_INLINE static T swap(const T& t) noexcept {
    return Words::join(_mm256_shuffle_epi8(Words::four(t), swap_words()),
                       __builtin_bswap64(Words::fifth(t)));
  }
  FLE_TARGET_AVX2 FLE_INLINE static void load_blocks(T* w,
                                                     const std::uint8_t* const* blocks) noexcept {
#pragma GCC unroll 1
    for (std::size_t at = 0; at < kShaBlock; at += 32, w += 4) load_four_words<true>(w, blocks, at);
  }
  FLE_TARGET_AVX2 FLE_INLINE static void load_rows(T* s,
                                                   const std::uint64_t* const* rows) noexcept {
#pragma GCC unroll 1
    for (unsigned at = 0; at < 8; at += 4) load_four_words<false>(s + at, rows, at);
  }
  template <class Row>
  FLE_TARGET_AVX2 FLE_INLINE static void store_rows(Row* const* rows, const T* s) noexcept {
#pragma GCC unroll 1
    for (unsigned h = 0; h < 2; ++h) store_four_words(rows, h * 32 / sizeof(Row), s + 4 * h);
  }
  FLE_TARGET_AVX2 FLE_INLINE static void store_heads(std::uint8_t* const* rows,
                                                     const T* s) noexcept {
    store_four_words(rows, 0, s);
  }

 private:
  template <class Row>
  static Row* word(Row* row, std::size_t at, std::size_t i) noexcept {
    return row + at + i * sizeof(std::uint64_t) / sizeof(Row);
  }
  /// Of each row, from its element `at`.
  template <bool kSwap, class Row>
  FLE_TARGET_AVX2 FLE_INLINE static void load_four_words(T* w, const Row* const* rows,
                                                         std::size_t at) noexcept {
    __m256i four[4];
#pragma GCC unroll 4
    for (unsigned l = 0; l < 4; ++l) {
      four[l] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[l] + at));
      if constexpr (kSwap) four[l] = _mm256_shuffle_epi8(four[l], swap_words());
    }
    transpose_four(four);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      std::uint64_t fifth = 0;
      if constexpr (kFifth) std::memcpy(&fifth, word(rows[4], at, i), sizeof fifth);
      w[i] = Words::join(four[i], kSwap ? __builtin_bswap64(fifth) : fifth);
    }
  }
  template <class Row>
  FLE_TARGET_AVX2 FLE_INLINE static void store_four_words(Row* const* rows, std::size_t at,
                                                          const T* s) noexcept {
    __m256i four[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      four[i] = Words::four(s[i]);
      const std::uint64_t fifth = Words::fifth(s[i]);
      if constexpr (kFifth) std::memcpy(word(rows[4], at, i), &fifth, sizeof fifth);
    }
    transpose_four(four);
#pragma GCC unroll 4
    for (unsigned l = 0; l < 4; ++l)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows[l] + at), four[l]);
  }
};

}  // namespace

constexpr LaneWidth kFour = lane_width<Ymm<Four>, 1>(3);
const LaneWidth kSha512Avx2[2] = {kFour, kSha512OneAvx2};
// A step of five takes 1.12 times as long as one of four, and one message half of that.
constexpr std::uint32_t kAllOfFour = 1U << 7 | 1U << 8 | 1U << 12 | 1U << 16;
const LaneWidth kSha512Avx2Five[3] = {lane_width<Ymm<Five>, 1>(5, kAllOfFour), kFour,
                                      kSha512OneAvx2};

}  // namespace fle::kernels
