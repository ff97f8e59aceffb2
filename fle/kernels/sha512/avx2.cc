// SHA-512 of 4 messages at once on AVX2, where a rotation takes two shifts and an or. A round is 50
// operations for three vector ports, so it takes 17 cycles at least, and 17.8 it takes (Sapphire
// Rapids): one group fills the ports alone. Tried, per lane, on a core of its own and on one whose
// other thread is busy: two groups side by side, 4 % less and 10 % more time; a fifth message in
// scalar registers, 8 % less and 37 % more; round constants from a table, no difference. On Zen 3
// a round takes 15.2 cycles of the 12.6 that its operations need: docs/performance-limits.md says
// what was tried there.
#include "kernels/sha512/avx2.h"

#include "kernels/single/seal.h"
#include "kernels/target.h"

#define FLE_LANE_TARGET FLE_TARGET_AVX2
#include "kernels/sha512/rounds.h"
#include "kernels/sha512/steps.h"

namespace fle::kernels {
namespace {

struct Ymm : FourLanes {
  static void assemble(std::uint8_t* row, const MacJob& j, std::size_t pos, bool last) noexcept {
    assemble_block(row, j, pos, last);
  }
  template <int kN>
  FLE_TARGET_AVX2 FLE_INLINE static T rotr(T a) noexcept {
    if constexpr (kN == 8) {  // whole bytes: one shuffle
      return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                        8, 15, 14, 13, 12, 11, 10, 9, 0, 7, 6, 5, 4, 3, 2, 1)));
    }
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
    // The compiler takes a ^ b over from round to round, where it is b ^ c.
    return _mm256_xor_si256(b, _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(b, c)));
  }
};

}  // namespace

const LaneWidth kSha512Avx2[2] = {lane_width<Ymm, 1>(3), kSha512OneAvx2};

}  // namespace fle::kernels
