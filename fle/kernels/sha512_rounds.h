// SHA-512 over lanes (FIPS 180-4 section 6.4.2), once for every vector width. Not a normal header:
// a kernel file defines FLE_LANE_TARGET, its target attribute, and includes this once, so that
// each function here carries that attribute and none is shared between tiers.
//
// `V` gives the vector type and its operations; `load` fills w[0..15] with the big-endian words of
// one block for each lane.
#include <immintrin.h>

#ifndef FLE_LANE_TARGET
#error "define FLE_LANE_TARGET first"
#endif

#include "kernels/sha512_constants.h"

namespace fle::kernels {
namespace {

FLE_LANE_TARGET FLE_INLINE __m256i swap_words() noexcept {
  return _mm256_broadcastsi128_si256(
      _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
}

// Four blocks of 16 big-endian words -> w[i] = word i of each.
FLE_LANE_TARGET FLE_INLINE void load_four_blocks(__m256i* w,
                                                 const std::uint8_t* const* blocks) noexcept {
  const __m256i swap = swap_words();
#pragma GCC unroll 16
  for (int q = 0; q < 4; ++q) {
    __m256i r[4];
#pragma GCC unroll 16
    for (int l = 0; l < 4; ++l) {
      r[l] = _mm256_shuffle_epi8(
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks[l] + 32 * q)), swap);
    }
    const __m256i t0 = _mm256_unpacklo_epi64(r[0], r[1]);
    const __m256i t1 = _mm256_unpackhi_epi64(r[0], r[1]);
    const __m256i t2 = _mm256_unpacklo_epi64(r[2], r[3]);
    const __m256i t3 = _mm256_unpackhi_epi64(r[2], r[3]);
    w[4 * q + 0] = _mm256_permute2x128_si256(t0, t2, 0x20);
    w[4 * q + 1] = _mm256_permute2x128_si256(t1, t3, 0x20);
    w[4 * q + 2] = _mm256_permute2x128_si256(t0, t2, 0x31);
    w[4 * q + 3] = _mm256_permute2x128_si256(t1, t3, 0x31);
  }
}

template <class V>
struct Vars {
  typename V::T a, b, c, d, e, f, g, h;
};

// One round; the caller renames the variables instead of moving them.
template <class V>
FLE_LANE_TARGET FLE_INLINE void round(typename V::T a, typename V::T b, typename V::T c,
                                      typename V::T& d, typename V::T e, typename V::T f,
                                      typename V::T g, typename V::T& h,
                                      typename V::T wk) noexcept {
  const auto sum1 =
      V::xor3(V::template rotr<14>(e), V::template rotr<18>(e), V::template rotr<41>(e));
  const auto t1 = V::add(V::add(V::add(h, wk), V::choose(e, f, g)), sum1);
  const auto sum0 =
      V::xor3(V::template rotr<28>(a), V::template rotr<34>(a), V::template rotr<39>(a));
  d = V::add(d, t1);
  h = V::add(t1, V::add(sum0, V::majority(a, b, c)));
}

template <class V>
FLE_LANE_TARGET FLE_INLINE typename V::T schedule(typename V::T w0, typename V::T w1,
                                                  typename V::T w9, typename V::T w14) noexcept {
  const auto s0 = V::xor3(V::template rotr<1>(w1), V::template rotr<8>(w1), V::template shr<7>(w1));
  const auto s1 =
      V::xor3(V::template rotr<19>(w14), V::template rotr<61>(w14), V::template shr<6>(w14));
  return V::add(V::add(w0, w9), V::add(s0, s1));
}

template <class V, int kI, bool kSchedule>
FLE_LANE_TARGET FLE_INLINE void round_at(typename V::T a, typename V::T b, typename V::T c,
                                         typename V::T& d, typename V::T e, typename V::T f,
                                         typename V::T g, typename V::T& h, typename V::T* w,
                                         const std::uint64_t* k) noexcept {
  round<V>(a, b, c, d, e, f, g, h, V::add(w[kI], V::set1(k[kI])));
  if constexpr (kSchedule) {
    w[kI] = schedule<V>(w[kI], w[(kI + 1) & 15], w[(kI + 9) & 15], w[(kI + 14) & 15]);
  }
}

template <class V, int kI, bool kSchedule>
FLE_LANE_TARGET FLE_INLINE void eight_rounds(Vars<V>& s, typename V::T* w,
                                             const std::uint64_t* k) noexcept {
  round_at<V, kI + 0, kSchedule>(s.a, s.b, s.c, s.d, s.e, s.f, s.g, s.h, w, k);
  round_at<V, kI + 1, kSchedule>(s.h, s.a, s.b, s.c, s.d, s.e, s.f, s.g, w, k);
  round_at<V, kI + 2, kSchedule>(s.g, s.h, s.a, s.b, s.c, s.d, s.e, s.f, w, k);
  round_at<V, kI + 3, kSchedule>(s.f, s.g, s.h, s.a, s.b, s.c, s.d, s.e, w, k);
  round_at<V, kI + 4, kSchedule>(s.e, s.f, s.g, s.h, s.a, s.b, s.c, s.d, w, k);
  round_at<V, kI + 5, kSchedule>(s.d, s.e, s.f, s.g, s.h, s.a, s.b, s.c, w, k);
  round_at<V, kI + 6, kSchedule>(s.c, s.d, s.e, s.f, s.g, s.h, s.a, s.b, w, k);
  round_at<V, kI + 7, kSchedule>(s.b, s.c, s.d, s.e, s.f, s.g, s.h, s.a, w, k);
}

template <class V>
FLE_LANE_TARGET void compress(std::uint64_t* state, const std::uint8_t* const* blocks) noexcept {
  typename V::T w[16];
  V::load_blocks(w, blocks);
  constexpr std::size_t kLanes = sizeof(typename V::T) / 8;
  Vars<V> s{V::load(state),
            V::load(state + kLanes),
            V::load(state + 2 * kLanes),
            V::load(state + 3 * kLanes),
            V::load(state + 4 * kLanes),
            V::load(state + 5 * kLanes),
            V::load(state + 6 * kLanes),
            V::load(state + 7 * kLanes)};
  for (int t = 0; t < 64; t += 16) {
    eight_rounds<V, 0, true>(s, w, kSha512K + t);
    eight_rounds<V, 8, true>(s, w, kSha512K + t);
  }
  eight_rounds<V, 0, false>(s, w, kSha512K + 64);
  eight_rounds<V, 8, false>(s, w, kSha512K + 64);
  const typename V::T out[8] = {s.a, s.b, s.c, s.d, s.e, s.f, s.g, s.h};
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 8; ++i) {
    V::store(state + i * kLanes, V::add(V::load(state + i * kLanes), out[i]));
  }
}

}  // namespace
}  // namespace fle::kernels
