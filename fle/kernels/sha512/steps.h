// What surrounds the rounds of SHA-512 over lanes, once for every vector width: blocks and states
// into lanes and back. Not a normal header: a kernel file defines FLE_LANE_TARGET, its target
// attribute, includes what gives `Lanes` and rounds() and then this, once, so that
// each function here carries that attribute and none is shared between tiers.
//
// `V` gives the vector type T of kLanes words and its operations; `load_blocks` fills w[0..15] with
// the big-endian words of one block for each lane, `load_rows` and `store_rows` turn rows of eight
// words, one for each lane, into eight vectors and back.
//
// kStates independent groups of lanes go through the rounds side by side.
#include <algorithm>
#include <cstring>

#include <immintrin.h>

#ifndef FLE_LANE_TARGET
#error "define FLE_LANE_TARGET first"
#endif

#include "kernels/hmac/message.h"
#include "kernels/sha512/constants.h"

namespace fle::kernels {
namespace {

FLE_LANE_TARGET FLE_INLINE __m256i swap_words() noexcept {
  return _mm256_broadcastsi128_si256(
      _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
}

FLE_LANE_TARGET FLE_INLINE void transpose_four(__m256i* r) noexcept {
  const __m256i t0 = _mm256_unpacklo_epi64(r[0], r[1]);
  const __m256i t1 = _mm256_unpackhi_epi64(r[0], r[1]);
  const __m256i t2 = _mm256_unpacklo_epi64(r[2], r[3]);
  const __m256i t3 = _mm256_unpackhi_epi64(r[2], r[3]);
  r[0] = _mm256_permute2x128_si256(t0, t2, 0x20);
  r[1] = _mm256_permute2x128_si256(t1, t3, 0x20);
  r[2] = _mm256_permute2x128_si256(t0, t2, 0x31);
  r[3] = _mm256_permute2x128_si256(t1, t3, 0x31);
}

template <class V, unsigned kStates>
FLE_LANE_TARGET FLE_INLINE void load_states(typename V::T (&state)[kStates][8],
                                            const std::uint64_t* const* rows) noexcept {
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) V::load_rows(state[j], rows + V::kLanes * j);
}

/// LaneWidth::compress.
template <class V, unsigned kStates>
FLE_LANE_TARGET void compress(std::uint64_t* const* to, const std::uint64_t* const* from,
                              const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept {
  const std::uint8_t* in[kStates * V::kLanes];
  std::memcpy(in, blocks, sizeof in);
  typename V::T state[kStates][8];
  load_states<V, kStates>(state, from);
  for (; n_blocks != 0; --n_blocks) {
    Lanes<V, kStates> l;
#pragma GCC unroll 2
    for (unsigned j = 0; j < kStates; ++j) V::load_blocks(l.w[j], in + V::kLanes * j);
    rounds<V, kStates>(state, l);
    for (auto& p : in) p += 128;
  }
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) V::store_rows(to + V::kLanes * j, state[j]);
}

/// LaneWidth::finish: one block, the inner digest, 0x80, zeros and the length (RFC 2104, FIPS 180-4
/// section 5.1.2).
template <class V, unsigned kStates>
FLE_LANE_TARGET void finish(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                            const std::uint64_t* const* inner) noexcept {
  constexpr std::uint64_t kBits = (128 + 64) * 8;
  typename V::T state[kStates][8];
  load_states<V, kStates>(state, outer);
  Lanes<V, kStates> l;
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) {
    V::load_rows(l.w[j], inner + V::kLanes * j);
    l.w[j][8] = V::set1(0x8000000000000000);
#pragma GCC unroll 8
    for (unsigned i = 9; i < 15; ++i) l.w[j][i] = V::set1(0);
    l.w[j][15] = V::set1(kBits);
  }
  rounds<V, kStates>(state, l);
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 8
    for (auto& word : state[j]) word = V::swap(word);
    V::store_rows(macs + V::kLanes * j, state[j]);
  }
}

/// The midstates of the lanes' keys: kept in one place for all if they have one key.
template <class V, unsigned kStates>
FLE_LANE_TARGET FLE_INLINE void load_midstates(typename V::T (&state)[kStates][8],
                                               const MacJob* const* jobs, bool one_key,
                                               std::uint64_t (HmacState::*which)[8]) noexcept {
  constexpr unsigned kAll = kStates * V::kLanes;
  if (one_key) {
    const std::uint64_t* const words = jobs[0]->key->*which;
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) {
#pragma GCC unroll 2
      for (unsigned j = 0; j < kStates; ++j) state[j][i] = V::set1(words[i]);
    }
    return;
  }
  const std::uint64_t* rows[kAll];
  for (unsigned l = 0; l < kAll; ++l) rows[l] = jobs[l]->key->*which;
  load_states<V, kStates>(state, rows);
}

/// Blocks of the lanes' inner messages: where they lie in one piece, they are read there.
/// @param rows  room for a block of each lane, and for what V::assemble writes behind it
template <class V, unsigned kStates, std::size_t kRow>
FLE_LANE_TARGET FLE_INLINE void load_messages(Lanes<V, kStates>& l, std::uint8_t (*rows)[kRow],
                                              const MacJob* const* jobs, std::size_t pos,
                                              bool last) noexcept {
  const std::uint8_t* in[kStates * V::kLanes];
  for (unsigned i = 0; i < kStates * V::kLanes; ++i) {
    in[i] = last ? nullptr : whole_block(*jobs[i], pos);
    if (in[i] == nullptr) {
      V::assemble(rows[i], *jobs[i], pos, last);
      in[i] = rows[i];
    }
  }
#pragma GCC unroll 2
  for (unsigned j = 0; j < kStates; ++j) V::load_blocks(l.w[j], in + V::kLanes * j);
}

/// Writes what each job asks for of its MAC.
template <class V, unsigned kStates, std::size_t kRow>
FLE_LANE_TARGET FLE_INLINE void store_macs(const MacJob* const* jobs, std::uint8_t (*rows)[kRow],
                                           typename V::T (&state)[kStates][8]) noexcept {
  constexpr std::size_t kHead = 32;  // as long as a tag
  std::uint8_t* to[kStates * V::kLanes];
  std::size_t longest = 0;
  for (unsigned i = 0; i < kStates * V::kLanes; ++i) {
    to[i] = jobs[i]->out_len == kHead ? jobs[i]->out : rows[i];
    longest = std::max(longest, jobs[i]->out_len);
  }
  if (longest <= kHead) {
#pragma GCC unroll 2
    for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 4
      for (unsigned i = 0; i < 4; ++i) state[j][i] = V::swap(state[j][i]);
      V::store_heads(to + V::kLanes * j, state[j]);
    }
  } else {
    for (unsigned i = 0; i < kStates * V::kLanes; ++i) to[i] = rows[i];
#pragma GCC unroll 2
    for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 8
      for (auto& word : state[j]) word = V::swap(word);
      V::store_rows(to + V::kLanes * j, state[j]);
    }
  }
  for (unsigned i = 0; i < kStates * V::kLanes; ++i)
    if (to[i] == rows[i]) copy(jobs[i]->out, rows[i], jobs[i]->out_len);
}

/// LaneWidth::whole. `V::assemble` puts a block together; it may write kSlack bytes behind it.
template <class V, unsigned kStates>
FLE_LANE_TARGET void whole(const MacJob* const* jobs, std::size_t inner_blocks) noexcept {
  constexpr unsigned kAll = kStates * V::kLanes;
  constexpr std::size_t kSlack = 64;
  constexpr std::uint64_t kOuterBits = (kShaBlock + kDigest) * 8;
  alignas(64) std::uint8_t rows[kAll][kShaBlock + kSlack];
  bool one_key = true;
  for (unsigned l = 1; l < kAll; ++l) one_key &= jobs[l]->key == jobs[0]->key;
  typename V::T state[kStates][8];
  load_midstates<V, kStates>(state, jobs, one_key, &HmacState::inner);
  // The block behind the last is that of the outer hash: one copy of the rounds does for both.
  for (std::size_t b = 0; b <= inner_blocks; ++b) {
    Lanes<V, kStates> l;
    if (b < inner_blocks) {
      load_messages(l, rows, jobs, kShaBlock * b, b + 1 == inner_blocks);
    } else {
#pragma GCC unroll 2
      for (unsigned j = 0; j < kStates; ++j) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; ++i) l.w[j][i] = state[j][i];
        l.w[j][8] = V::set1(0x8000000000000000);
#pragma GCC unroll 8
        for (unsigned i = 9; i < 15; ++i) l.w[j][i] = V::set1(0);
        l.w[j][15] = V::set1(kOuterBits);
      }
      load_midstates<V, kStates>(state, jobs, one_key, &HmacState::outer);
    }
    rounds<V, kStates>(state, l);
  }
  store_macs<V, kStates>(jobs, rows, state);
}

/// @tparam kStates  groups of V::kLanes lanes, side by side
/// @param fewest, slower_at  members of LaneWidth
template <class V, unsigned kStates>
constexpr LaneWidth lane_width(unsigned fewest, std::uint32_t slower_at = 0) noexcept {
  return {kStates * V::kLanes, fewest,   compress<V, kStates>, finish<V, kStates>,
          whole<V, kStates>,   slower_at};
}

}  // namespace
}  // namespace fle::kernels
