// SHA-512 of 4 messages at once on AVX2, where a rotation takes two shifts.
#include "kernels/sha512_avx2.h"

#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX2
#include "kernels/sha512_rounds.h"

namespace fle::kernels {
namespace {

struct Ymm : FourLanes {
  static constexpr bool kSpareAdds = false;  // three units, and all of them busy
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
};

}  // namespace

const LaneWidth kSha512Avx2[3] = {lane_width<Ymm, 2>(), lane_width<Ymm, 1>(), kSha512OneLane};

}  // namespace fle::kernels
