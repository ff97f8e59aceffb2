// One message on AVX2 and BMI2, where a rotation of a vector takes two shifts and an or.
#include "kernels/single/seal.h"
#include "kernels/target.h"

#define FLE_ONE_TARGET FLE_TARGET_AES_AVX2
#include "kernels/single/message.h"

namespace fle::kernels {
namespace {

struct Xmm {
  template <int kN>
  FLE_ONE_TARGET FLE_INLINE static __m128i rotr(__m128i x) noexcept {
    if constexpr (kN == 8) {  // whole bytes: one shuffle
      return _mm_shuffle_epi8(x,
                              _mm_set_epi8(8, 15, 14, 13, 12, 11, 10, 9, 0, 7, 6, 5, 4, 3, 2, 1));
    }
    return _mm_or_si128(_mm_srli_epi64(x, kN), _mm_slli_epi64(x, 64 - kN));
  }
  FLE_ONE_TARGET FLE_INLINE static __m128i xor3(__m128i a, __m128i b, __m128i c) noexcept {
    return _mm_xor_si128(_mm_xor_si128(a, b), c);
  }
};

}  // namespace

FLE_ONE_TARGET void compress_one_avx2(std::uint64_t* const* to, const std::uint64_t* const* from,
                                      const std::uint8_t* const* blocks,
                                      std::size_t n_blocks) noexcept {
  hash<Xmm>(to[0], from[0], blocks[0], n_blocks, nullptr);
}

FLE_ONE_TARGET void finish_one_avx2(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                                    const std::uint64_t* const* inner) noexcept {
  std::uint64_t state[8];
  hash<Xmm>(state, inner[0], nullptr, 0, outer[0]);
  store_digest(macs[0], kDigest, state);
}

FLE_ONE_TARGET void whole_one_avx2(const MacJob* const* jobs,
                                   std::size_t /*inner_blocks*/) noexcept {
  mac_rest<Xmm>(*jobs[0], jobs[0]->key->inner, 0);
}

FLE_ONE_TARGET void mac_one_avx2(const MacJob& job) noexcept {
  mac_rest<Xmm>(job, job.key->inner, 0);
  scrub_ymm();
  scrub_stack<kOneStack>();
}

FLE_ONE_TARGET bool seal_one_avx2(const MacJob* iv, const CbcEncryptJob& encrypt,
                                  const MacJob& tag) noexcept {
  seal_whole<Xmm>(iv, encrypt, tag);
  scrub_ymm();
  scrub_stack<kOneStack>();
  return true;
}

}  // namespace fle::kernels
