// SHA-512 of 4 messages at once on AVX2, where a rotation takes two shifts.
#include "kernels/sha512_avx2.h"

#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX2
#include "kernels/sha512_rounds.h"

namespace fle::kernels {
namespace {

struct Ymm {
  using T = __m256i;
  FLE_TARGET_AVX2 FLE_INLINE static T add(T a, T b) noexcept { return _mm256_add_epi64(a, b); }
  template <int kN>
  FLE_TARGET_AVX2 FLE_INLINE static T rotr(T a) noexcept {
    return _mm256_or_si256(_mm256_srli_epi64(a, kN), _mm256_slli_epi64(a, 64 - kN));
  }
  template <int kN>
  FLE_TARGET_AVX2 FLE_INLINE static T shr(T a) noexcept {
    return _mm256_srli_epi64(a, kN);
  }
  FLE_TARGET_AVX2 FLE_INLINE static T xor3(T a, T b, T c) noexcept {
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  }
  FLE_TARGET_AVX2 FLE_INLINE static T choose(T a, T b, T c) noexcept {
    return _mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(b, c), a), c);
  }
  FLE_TARGET_AVX2 FLE_INLINE static T majority(T a, T b, T c) noexcept {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
  }
  FLE_TARGET_AVX2 FLE_INLINE static T set1(std::uint64_t v) noexcept {
    return _mm256_set1_epi64x(static_cast<long long>(v));
  }
  FLE_TARGET_AVX2 FLE_INLINE static T load(const std::uint64_t* p) noexcept {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  FLE_TARGET_AVX2 FLE_INLINE static void store(std::uint64_t* p, T v) noexcept {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), v);
  }
  FLE_TARGET_AVX2 FLE_INLINE static void load_blocks(T* w,
                                                     const std::uint8_t* const* blocks) noexcept {
    load_four_blocks(w, blocks);
  }
};

}  // namespace

const LaneWidth kSha512Avx2[1] = {{4, compress<Ymm>}};

}  // namespace fle::kernels
