// The 80 rounds of SHA-512 over lanes (FIPS 180-4 section 6.4.2), once for every vector width whose
// rounds are left to the compiler. Like steps.h, which comes behind it, this is no normal header.
//
// `V` is as there, and has the functions of the rounds, too: rotr, shr, xor3, choose, majority.
//
// kStates independent groups of lanes go through the rounds side by side: a round waits for the
// round before, and on a core that takes two cycles for an addition one group leaves half of the
// vector units idle.
#include <cstdint>
#include <utility>

#ifndef FLE_LANE_TARGET
#error "define FLE_LANE_TARGET first"
#endif

#include "kernels/sha512/constants.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

// One round; the caller renames the variables instead of moving them. The sums are ordered so that
// `a` is ready three operations after what it waits for, and with kSpareAdds, two additions that
// only pay while units are idle, `e` as well.
template <class V, bool kSpareAdds>
FLE_LANE_TARGET FLE_INLINE void round(typename V::T a, typename V::T b, typename V::T c,
                                      typename V::T& d, typename V::T e, typename V::T f,
                                      typename V::T g, typename V::T& h,
                                      typename V::T wk) noexcept {
  const auto hwk = V::add(h, wk);
  const auto choice = V::choose(e, f, g);
  const auto sum1 =
      V::xor3(V::template rotr<14>(e), V::template rotr<18>(e), V::template rotr<41>(e));
  const auto sum0 =
      V::xor3(V::template rotr<28>(a), V::template rotr<34>(a), V::template rotr<39>(a));
  const auto t1 = V::add(V::add(hwk, choice), sum1);
  d = kSpareAdds ? V::add(V::add(V::add(d, hwk), choice), sum1) : V::add(d, t1);
  h = V::add(V::add(t1, V::majority(a, b, c)), sum0);
}

template <class V>
FLE_LANE_TARGET FLE_INLINE typename V::T schedule(typename V::T w0, typename V::T w1,
                                                  typename V::T w9, typename V::T w14) noexcept {
  const auto s0 = V::xor3(V::template rotr<1>(w1), V::template rotr<8>(w1), V::template shr<7>(w1));
  const auto s1 =
      V::xor3(V::template rotr<19>(w14), V::template rotr<61>(w14), V::template shr<6>(w14));
  return V::add(V::add(w0, w9), V::add(s0, s1));
}

template <class V, unsigned kStates>
struct Lanes {
  typename V::T s[kStates][8];   // a to h
  typename V::T w[kStates][16];  // the next words of the message schedule
};

template <class V, unsigned kStates, unsigned kI, bool kSchedule>
FLE_LANE_TARGET FLE_INLINE void round_at(Lanes<V, kStates>& l, const std::uint64_t* k) noexcept {
  constexpr unsigned o = (8 - kI % 8) % 8;
  const auto kt = V::set1(k[kI]);
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) {
    auto& s = l.s[j];
    auto& w = l.w[j];
    round<V, kStates == 1>(s[o], s[(o + 1) & 7], s[(o + 2) & 7], s[(o + 3) & 7], s[(o + 4) & 7],
                           s[(o + 5) & 7], s[(o + 6) & 7], s[(o + 7) & 7], V::add(w[kI], kt));
    if constexpr (kSchedule) {
      w[kI] = schedule<V>(w[kI], w[(kI + 1) & 15], w[(kI + 9) & 15], w[(kI + 14) & 15]);
    }
  }
}

template <class V, unsigned kStates, bool kSchedule, unsigned... kI>
FLE_LANE_TARGET FLE_INLINE void sixteen_rounds(
    Lanes<V, kStates>& l, const std::uint64_t* k,
    std::integer_sequence<unsigned, kI...> /*rounds*/) noexcept {
  (round_at<V, kStates, kI, kSchedule>(l, k), ...);
}

/// Adds what the 80 rounds over l.w make of `state` to it. FIPS 180-4 section 6.4.2, steps 2 to 4.
template <class V, unsigned kStates>
FLE_LANE_TARGET FLE_INLINE void rounds(typename V::T (&state)[kStates][8],
                                       Lanes<V, kStates>& l) noexcept {
  constexpr auto kSixteen = std::make_integer_sequence<unsigned, 16>{};
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) l.s[j][i] = state[j][i];
  }
  for (unsigned t = 0; t < 64; t += 16) sixteen_rounds<V, kStates, true>(l, kSha512K + t, kSixteen);
  sixteen_rounds<V, kStates, false>(l, kSha512K + 64, kSixteen);
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) state[j][i] = V::add(state[j][i], l.s[j][i]);
  }
}

}  // namespace
}  // namespace fle::kernels
