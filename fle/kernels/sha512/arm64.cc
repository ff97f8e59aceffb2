// SHA-512 of one message, or of two side by side, on the SHA-512 instructions of ARMv8.2 (FIPS
// 180-4 section 6.4.2; Arm Architecture Reference Manual for A-profile, C7.2, SHA512H, SHA512H2,
// SHA512SU0 and SHA512SU1). They work on two rounds: each vector has two neighbors of the state or
// of the schedule. A step waits for the step before, which a second message can make use of.
#include "kernels/sha512/arm64.h"

#include <cstring>
#include <utility>

#include <arm_neon.h>

#include "kernels/sha512/constants.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

struct Hash {
  uint64x2_t s[4];  // ab, cd, ef, gh: the first of each in the low half
  uint64x2_t w[8];  // the next sixteen words of the schedule
};

FLE_TARGET_ARM_SHA512 FLE_INLINE uint64x2_t swap(uint64x2_t v) noexcept {
  return vreinterpretq_u64_u8(vrev64q_u8(vreinterpretq_u8_u64(v)));
}

// Rounds 2 kPair and 2 kPair + 1.
template <unsigned kPair>
FLE_TARGET_ARM_SHA512 FLE_INLINE void two_rounds(Hash& h) noexcept {
  constexpr unsigned kI = kPair % 8;
  auto& [ab, cd, ef, gh] = h.s;
  const uint64x2_t wk = vaddq_u64(h.w[kI], vld1q_u64(kSha512K + 2 * kPair));
  // The first round takes the high half.
  const uint64x2_t sum = vaddq_u64(vextq_u64(wk, wk, 1), gh);
  const uint64x2_t t1 = vsha512hq_u64(sum, vextq_u64(ef, gh, 1), vextq_u64(cd, ef, 1));
  const uint64x2_t next_ab = vsha512h2q_u64(t1, cd, ab);
  gh = ef;
  ef = vaddq_u64(cd, t1);
  cd = ab;
  ab = next_ab;
  if constexpr (2 * kPair < 64) {
    const uint64x2_t w9 = vextq_u64(h.w[(kI + 4) & 7], h.w[(kI + 5) & 7], 1);
    h.w[kI] = vsha512su1q_u64(vsha512su0q_u64(h.w[kI], h.w[(kI + 1) & 7]), h.w[(kI + 7) & 7], w9);
  }
}

template <unsigned kPair, unsigned kStreams>
FLE_TARGET_ARM_SHA512 FLE_INLINE void two_rounds_of_each(Hash (&h)[kStreams]) noexcept {
#pragma GCC unroll 2
  for (Hash& one : h) two_rounds<kPair>(one);
}
template <unsigned kStreams, unsigned... kPair>
FLE_TARGET_ARM_SHA512 FLE_INLINE void all_rounds(
    Hash (&h)[kStreams], std::integer_sequence<unsigned, kPair...> /*pairs*/) noexcept {
  (two_rounds_of_each<kPair>(h), ...);
}

/// Adds what the 80 rounds over h[j].w make of `state` to it.
template <unsigned kStreams>
FLE_TARGET_ARM_SHA512 FLE_INLINE void rounds(uint64x2_t (&state)[kStreams][4],
                                             Hash (&h)[kStreams]) noexcept {
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) h[j].s[i] = state[j][i];
  }
  all_rounds(h, std::make_integer_sequence<unsigned, 40>{});
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) state[j][i] = vaddq_u64(state[j][i], h[j].s[i]);
  }
}

FLE_TARGET_ARM_SHA512 FLE_INLINE void load_row(uint64x2_t* v, const std::uint64_t* row) noexcept {
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) v[i] = vld1q_u64(row + 2 * i);
}

/// LaneWidth::compress.
template <unsigned kStreams>
FLE_TARGET_ARM_SHA512 void compress(std::uint64_t* const* to, const std::uint64_t* const* from,
                                    const std::uint8_t* const* blocks,
                                    std::size_t n_blocks) noexcept {
  uint64x2_t state[kStreams][4];
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) load_row(state[j], from[j]);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    Hash h[kStreams];
#pragma GCC unroll 2
    for (unsigned j = 0; j < kStreams; ++j) {
      const std::uint8_t* const block = blocks[j] + kShaBlock * b;
#pragma GCC unroll 8
      for (unsigned i = 0; i < 8; ++i)
        h[j].w[i] = swap(vreinterpretq_u64_u8(vld1q_u8(block + 16 * i)));
    }
    rounds(state, h);
  }
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) vst1q_u64(to[j] + 2 * i, state[j][i]);
  }
}

/// LaneWidth::finish: one block, the inner digest, 0x80, zeros and the length (RFC 2104, FIPS 180-4
/// section 5.1.2).
template <unsigned kStreams>
FLE_TARGET_ARM_SHA512 void finish(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                                  const std::uint64_t* const* inner) noexcept {
  constexpr std::uint64_t kBits = (kShaBlock + kDigest) * 8;
  uint64x2_t state[kStreams][4];
  Hash h[kStreams];
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) {
    load_row(state[j], outer[j]);
    load_row(h[j].w, inner[j]);
    h[j].w[4] = vcombine_u64(vcreate_u64(0x8000000000000000), vcreate_u64(0));
    h[j].w[5] = h[j].w[6] = vdupq_n_u64(0);
    h[j].w[7] = vcombine_u64(vcreate_u64(0), vcreate_u64(kBits));
  }
  rounds(state, h);
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStreams; ++j) {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i)
      vst1q_u8(macs[j] + 16 * i, vreinterpretq_u8_u64(swap(state[j][i])));
  }
}

}  // namespace

const LaneWidth kSha512Arm64[2] = {{2, 2, compress<2>, finish<2>}, {1, 1, compress<1>, finish<1>}};

}  // namespace fle::kernels
