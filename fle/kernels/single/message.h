// One message alone. Not a normal header: a kernel file defines FLE_ONE_TARGET, its target
// attribute, and includes this once, so that each function here carries that attribute and none is
// shared between tiers. `V` gives operations on vectors of two words: rotr, xor3.
//
// Both halves of the work are chains, CBC and SHA-512, in which each step waits for the one before;
// but they need different parts of the core: AES the vector units, the rounds of SHA-512 the scalar
// ones. So the instructions of both are mixed: while a block of ciphertext is hashed, the next
// eight AES blocks are encrypted, in hardly more time than the hash takes alone. Where there is
// nothing to encrypt the rounds stand alone.
#include <algorithm>
#include <cstring>
#include <utility>

#include <immintrin.h>

#ifndef FLE_ONE_TARGET
#error "define FLE_ONE_TARGET first"
#endif

#include "kernels/aes_cbc/aes.h"
#include "kernels/aes_cbc/aesni.h"
#include "kernels/hmac/message.h"
#include "kernels/scrub.h"
#include "kernels/sha512/constants.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kBlocksAStep = kShaBlock / kBlock;
constexpr unsigned kAesSteps = kRounds + 1;
// More than the frames of all functions here that have secrets, those they call included.
constexpr std::size_t kOneStack = 1536;

// ---- SHA-512 of one message (FIPS 180-4 section 6.4.2): rounds in scalar registers, the message
// schedule in vector registers, two words each

constexpr std::uint64_t rotr(std::uint64_t x, unsigned n) noexcept {
  return (x >> n) | (x << (64 - n));
}

struct Sha {
  std::uint64_t s[8];                // a to h
  std::uint64_t bc;                  // b ^ c
  __m128i w[8];                      // the next sixteen words of the schedule
  alignas(16) std::uint64_t wk[16];  // the same with their round constants added
};

template <unsigned kI>
FLE_ONE_TARGET FLE_INLINE void add_constants(Sha& h, const std::uint64_t* k) noexcept {
  const __m128i k2 = _mm_load_si128(reinterpret_cast<const __m128i*>(k) + kI);
  _mm_store_si128(reinterpret_cast<__m128i*>(h.wk) + kI, _mm_add_epi64(h.w[kI], k2));
}

// Words 2 i and 2 i + 1 of the schedule become those sixteen further on.
template <class V, unsigned kI>
FLE_ONE_TARGET FLE_INLINE void schedule(Sha& h) noexcept {
  const __m128i w1 = _mm_alignr_epi8(h.w[(kI + 1) & 7], h.w[kI], 8);
  const __m128i w9 = _mm_alignr_epi8(h.w[(kI + 5) & 7], h.w[(kI + 4) & 7], 8);
  const __m128i w14 = h.w[(kI + 7) & 7];
  const __m128i s0 =
      V::xor3(V::template rotr<1>(w1), V::template rotr<8>(w1), _mm_srli_epi64(w1, 7));
  const __m128i s1 =
      V::xor3(V::template rotr<19>(w14), V::template rotr<61>(w14), _mm_srli_epi64(w14, 6));
  h.w[kI] = _mm_add_epi64(_mm_add_epi64(h.w[kI], w9), _mm_add_epi64(s0, s1));
}

// As few operations as there can be: what limits a round is how many of them the core starts in a
// cycle, not the chain from round to round. Two more additions for a shorter chain took 8 % more
// time, and two messages side by side twice as long as one (Zen 5).
template <unsigned kRound>
FLE_ONE_TARGET FLE_INLINE void round(Sha& h) noexcept {
  constexpr unsigned kO = (8 - kRound % 8) % 8;
  const std::uint64_t a = h.s[kO];
  const std::uint64_t b = h.s[(kO + 1) & 7];
  std::uint64_t& d = h.s[(kO + 3) & 7];
  const std::uint64_t e = h.s[(kO + 4) & 7];
  const std::uint64_t f = h.s[(kO + 5) & 7];
  const std::uint64_t g = h.s[(kO + 6) & 7];
  std::uint64_t& t = h.s[(kO + 7) & 7];  // h, then T1, then the new a
  std::uint64_t fg = f ^ g;
  asm("" : "+r"(fg));  // GCC would make it four operations
  const std::uint64_t choice = (fg & e) ^ g;
  const std::uint64_t sum1 = rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41);
  t += h.wk[kRound & 15];
  t += choice;
  t += sum1;
  d += t;
  const std::uint64_t ab = a ^ b;
  const std::uint64_t majority = b ^ (ab & h.bc);
  h.bc = ab;
  t += majority;
  t += rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39);
}

FLE_ONE_TARGET FLE_INLINE __m128i swap_words(__m128i v) noexcept {
  return _mm_shuffle_epi8(v, _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
}
/// They were stored one by one: a load of both at once would wait for the stores.
FLE_ONE_TARGET FLE_INLINE __m128i two_words(const std::uint64_t* words) noexcept {
  // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): of a MAC, hash() has an outer hash at least
  const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(words));
  return _mm_insert_epi64(first, static_cast<long long>(words[1]), 1);
}

template <unsigned... kI>
FLE_ONE_TARGET FLE_INLINE void load_block(
    Sha& h, const std::uint8_t* block, std::integer_sequence<unsigned, kI...> /*pairs*/) noexcept {
  ((h.w[kI] = swap_words(load(block + 16 * kI))), ...);
}

/// The block of the outer hash of HMAC (RFC 2104): the inner digest, 0x80, zeros and the length.
FLE_ONE_TARGET FLE_INLINE void load_digest(Sha& h, const std::uint64_t* inner) noexcept {
  constexpr long long kBits = (kShaBlock + kDigest) * 8;
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) h.w[i] = two_words(inner + 2 * i);
  h.w[4] = _mm_set_epi64x(0, static_cast<long long>(0x8000000000000000));
  h.w[5] = h.w[6] = _mm_setzero_si128();
  h.w[7] = _mm_set_epi64x(kBits, 0);
}

/// From `state`, over h.w.
template <unsigned... kI>
FLE_ONE_TARGET FLE_INLINE void start(Sha& h, const std::uint64_t* state,
                                     std::integer_sequence<unsigned, kI...> /*pairs*/) noexcept {
  (add_constants<kI>(h, kSha512K), ...);
  ((h.s[kI] = state[kI]), ...);
  h.bc = h.s[1] ^ h.s[2];
}
constexpr auto kEight = std::make_integer_sequence<unsigned, 8>{};

template <class V, bool kSchedule, unsigned kI>
FLE_ONE_TARGET FLE_INLINE void two_rounds(Sha& h, const std::uint64_t* next_k) noexcept {
  round<2 * kI>(h);
  round<2 * kI + 1>(h);
  if constexpr (kSchedule) {
    schedule<V, kI>(h);
    add_constants<kI>(h, next_k);
  }
}

template <class V, bool kSchedule, unsigned... kI>
FLE_ONE_TARGET FLE_INLINE void sixteen_rounds(
    Sha& h, const std::uint64_t* next_k,
    std::integer_sequence<unsigned, kI...> /*pairs*/) noexcept {
  (two_rounds<V, kSchedule, kI>(h, next_k), ...);
}

/// From `from` to `state`, which may be the same; and then, with `outer`, the outer hash of HMAC of
/// what came out, in the same code: twice as much of it would be read more slowly.
template <class V>
[[gnu::noinline]] FLE_ONE_TARGET void hash(std::uint64_t* state, const std::uint64_t* from,
                                           const std::uint8_t* blocks, std::size_t n,
                                           const std::uint64_t* outer) noexcept {
  for (;;) {
    Sha h;
    if (n != 0) {
      load_block(h, blocks, kEight);
      blocks += kShaBlock;
      --n;
    } else if (outer != nullptr) {
      load_digest(h, from);
      from = outer;
      outer = nullptr;
    } else {
      return;
    }
    start(h, from, kEight);
    for (unsigned t = 16; t < 80; t += 16) sixteen_rounds<V, true>(h, kSha512K + t, kEight);
    sixteen_rounds<V, false>(h, nullptr, kEight);
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) state[i] = from[i] + h.s[i];
    from = state;
  }
}

/// The first `len` bytes of a digest.
FLE_ONE_TARGET FLE_INLINE void store_digest(std::uint8_t* out, std::size_t len,
                                            const std::uint64_t* state) noexcept {
  for (; len >= kBlock; len -= kBlock, out += kBlock, state += 2)
    store(out, swap_words(two_words(state)));
  if (len == 0) return;
  alignas(16) std::uint8_t rest[kBlock];
  store(rest, swap_words(two_words(state)));
  copy(out, rest, len);
}

/// HMAC-SHA-512 of a message whose first `hashed` blocks have led from the inner midstate to
/// `from`.
template <class V>
[[gnu::noinline]] FLE_ONE_TARGET void mac_rest(const MacJob& job, const std::uint64_t* from,
                                               std::size_t hashed) noexcept {
  std::uint64_t state[8];
  alignas(16) std::uint8_t buffer[2 * kShaBlock];
  const std::size_t blocks = inner_blocks(job);
  if (hashed == 0 && blocks <= 2) {
    clear(buffer, blocks);
    std::uint8_t* p = buffer;
    copy(p, job.head, job.head_len);
    copy(p += job.head_len, job.body, job.body_len);
    copy(p += job.body_len, job.tail, job.tail_len);
    p[job.tail_len] = 0x80;
    put_be64(buffer + kShaBlock * blocks - 8, (kShaBlock + message_len(job)) * 8);
    hash<V>(state, from, buffer, blocks, job.key->outer);
  } else {
    Message message(job, hashed);
    while (!message.ended()) {
      const Segment s = message.next(buffer);
      hash<V>(state, from, s.data, s.blocks, message.ended() ? job.key->outer : nullptr);
      from = state;
    }
  }
  store_digest(job.out, job.out_len, state);
}

// ---- The AES side

struct Cbc {
  __m128i x;
  const KeyState& key;
  const std::uint8_t* in;
  std::uint8_t* out;
};

// Step kStep of eight blocks, fifteen steps each.
template <unsigned kStep>
FLE_ONE_TARGET FLE_INLINE void aes_step(Cbc& c) noexcept {
  constexpr unsigned kRound = kStep % kAesSteps;
  constexpr std::size_t kAt = kBlock * (kStep / kAesSteps);
  const __m128i k = load(c.key.enc[kRound]);
  if constexpr (kRound == 0) {
    c.x = _mm_xor_si128(c.x, _mm_xor_si128(k, load(c.in + kAt)));
  } else if constexpr (kRound < kRounds) {
    c.x = _mm_aesenc_si128(c.x, k);
  } else {
    c.x = _mm_aesenclast_si128(c.x, k);
    store(c.out + kAt, c.x);
  }
}

// ---- Both

// Two rounds of SHA-512 with three steps of AES between them: 80 rounds and 120 steps come out
// even.
template <class V, unsigned kPair>
FLE_ONE_TARGET FLE_INLINE void two_rounds_beside(Sha& h, Cbc& c) noexcept {
  static_assert(80 * 3 == 2 * kBlocksAStep * kAesSteps);
  constexpr unsigned kI = kPair % 8;
  round<2 * kPair>(h);
  aes_step<3 * kPair>(c);
  aes_step<3 * kPair + 1>(c);
  round<2 * kPair + 1>(h);
  aes_step<3 * kPair + 2>(c);
  if constexpr (2 * kPair < 64) {
    schedule<V, kI>(h);
    add_constants<kI>(h, kSha512K + 2 * (kPair - kI) + 16);
  }
}
template <class V, unsigned... kPair>
FLE_ONE_TARGET FLE_INLINE void all_rounds(
    Sha& h, Cbc& c, std::integer_sequence<unsigned, kPair...> /*pairs*/) noexcept {
  (two_rounds_beside<V, kPair>(h, c), ...);
}

/// `steps` times: hashes 128 bytes from `hashed` and encrypts 128 from `in`. The CBC chain goes on
/// from the block before `out`.
template <class V>
[[gnu::noinline]] FLE_ONE_TARGET void hash_and_encrypt(std::uint64_t* state,
                                                       const std::uint8_t* hashed,
                                                       const KeyState& key, const std::uint8_t* in,
                                                       std::uint8_t* out,
                                                       std::size_t steps) noexcept {
  Cbc c{load(out - kBlock), key, in, out};
  for (; steps != 0; --steps) {
    Sha h;
    load_block(h, hashed, kEight);
    start(h, state, kEight);
    all_rounds<V>(h, c, std::make_integer_sequence<unsigned, 40>{});
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) state[i] += h.s[i];
    hashed += kShaBlock;
    c.in += kShaBlock;
    c.out += kShaBlock;
  }
}

/// How a message is cut: `lead` AES blocks that must be there before the first block can be hashed,
/// then `steps` of both together, then the rest.
struct Cut {
  std::size_t lead;
  std::size_t steps;
};

Cut cut(const CbcEncryptJob& encrypt, const MacJob& tag) noexcept {
  const std::uint8_t* const end = tag.body + tag.body_len;
  if (tag.head_len != 0 || encrypt.out < tag.body || encrypt.out >= end) return {0, 0};
  const auto before = static_cast<std::size_t>(encrypt.out - tag.body);  // associated data and IV
  if (before < kBlock || before > kShaBlock) return {0, 0};
  const std::size_t lead = (kShaBlock - before + kBlock - 1) / kBlock;
  const std::size_t whole = encrypt.len / kBlock;
  return {lead, whole > lead ? (whole - lead) / kBlocksAStep : 0};
}

template <class V>
[[gnu::noinline]] FLE_ONE_TARGET void seal_whole(const MacJob* iv, const CbcEncryptJob& encrypt,
                                                 const MacJob& tag) noexcept {
  if (iv != nullptr) mac_rest<V>(*iv, iv->key->inner, 0);
  const auto [lead, steps] = cut(encrypt, tag);
  if (steps == 0) {
    cbc_encrypt_one(encrypt);
    mac_rest<V>(tag, tag.key->inner, 0);
    return;
  }
  std::uint64_t state[8];
  std::copy_n(tag.key->inner, 8, state);
  cbc_encrypt_blocks(*encrypt.key, encrypt.iv, encrypt.in, encrypt.out, lead);
  const std::size_t head = kBlock * lead;
  hash_and_encrypt<V>(state, tag.body, *encrypt.key, encrypt.in + head, encrypt.out + head, steps);
  const std::size_t done = head + kShaBlock * steps;
  cbc_encrypt_one({encrypt.key, encrypt.out + done - kBlock, encrypt.in + done, encrypt.len - done,
                   encrypt.out + done});
  mac_rest<V>(tag, state, steps);
}

}  // namespace
}  // namespace fle::kernels
