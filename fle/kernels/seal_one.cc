// One field alone. Both halves of its work are chains, CBC and SHA-512, in which each step waits
// for the one before; but they need different parts of the core: AES the vector units, the rounds
// of SHA-512 the scalar ones. So the instructions of both are mixed: while a block of ciphertext is
// hashed, the next eight AES blocks are encrypted, in hardly more time than the hash takes alone.
#include "kernels/seal_one.h"

#include <utility>

#include <immintrin.h>

#include "kernels/aes.h"
#include "kernels/aes_cbc_aesni.h"
#include "kernels/hmac_lanes.h"
#include "kernels/hmac_message.h"
#include "kernels/scrub.h"
#include "kernels/sha512_constants.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kBlocksAStep = kShaBlock / kBlock;
constexpr unsigned kAesSteps = kRounds + 1;

// ---- SHA-512 of one message (FIPS 180-4 section 6.4.2): rounds in scalar registers, the message
// schedule in vector registers, two words each

constexpr std::uint64_t rotr(std::uint64_t x, unsigned n) noexcept {
  return (x >> n) | (x << (64 - n));
}
template <int kN>
FLE_TARGET_AES_AVX2 FLE_INLINE __m128i rotr2(__m128i x) noexcept {
  return _mm_or_si128(_mm_srli_epi64(x, kN), _mm_slli_epi64(x, 64 - kN));
}

FLE_TARGET_AES_AVX2 FLE_INLINE __m128i k_of(unsigned round) noexcept {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(kSha512K + round));
}

struct Sha {
  std::uint64_t s[8];                // a to h
  std::uint64_t bc;                  // b ^ c
  __m128i w[8];                      // the next sixteen words of the schedule
  alignas(16) std::uint64_t wk[16];  // the same with their round constants added
};

// Words 2 i and 2 i + 1 of the schedule become those sixteen further on.
template <unsigned kI>
FLE_TARGET_AES_AVX2 FLE_INLINE void schedule(Sha& h) noexcept {
  const __m128i w1 = _mm_alignr_epi8(h.w[(kI + 1) & 7], h.w[kI], 8);
  const __m128i w9 = _mm_alignr_epi8(h.w[(kI + 5) & 7], h.w[(kI + 4) & 7], 8);
  const __m128i w14 = h.w[(kI + 7) & 7];
  const __m128i s0 =
      _mm_xor_si128(_mm_xor_si128(rotr2<1>(w1), rotr2<8>(w1)), _mm_srli_epi64(w1, 7));
  const __m128i s1 =
      _mm_xor_si128(_mm_xor_si128(rotr2<19>(w14), rotr2<61>(w14)), _mm_srli_epi64(w14, 6));
  h.w[kI] = _mm_add_epi64(_mm_add_epi64(h.w[kI], w9), _mm_add_epi64(s0, s1));
}

template <unsigned kRound>
FLE_TARGET_AES_AVX2 FLE_INLINE void round(Sha& h) noexcept {
  constexpr unsigned kO = (8 - kRound % 8) % 8;
  const std::uint64_t a = h.s[kO];
  const std::uint64_t b = h.s[(kO + 1) & 7];
  std::uint64_t& d = h.s[(kO + 3) & 7];
  const std::uint64_t e = h.s[(kO + 4) & 7];
  const std::uint64_t f = h.s[(kO + 5) & 7];
  const std::uint64_t g = h.s[(kO + 6) & 7];
  std::uint64_t& t = h.s[(kO + 7) & 7];  // h, then T1, then the new a
  t += h.wk[kRound & 15];
  t += ((f ^ g) & e) ^ g;
  t += rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41);
  d += t;
  const std::uint64_t ab = a ^ b;
  t += b ^ (ab & h.bc);  // the majority
  h.bc = ab;
  t += rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39);
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
FLE_TARGET_AES_AVX2 FLE_INLINE void aes_step(Cbc& c) noexcept {
  constexpr unsigned kRound = kStep % kAesSteps;
  constexpr std::size_t kAt = kBlock * (kStep / kAesSteps);
  const __m128i k = load(c.key.enc[kRound]);
  if constexpr (kRound == 0) {
    c.x = _mm_xor_si128(c.x, _mm_xor_si128(k, load(c.in + kAt)));
  } else if constexpr (kRound < kRounds) {
    c.x = _mm_aesenc_si128(c.x, k);
  } else {
    c.x = _mm_aesenclast_si128(c.x, k);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(c.out + kAt), c.x);
  }
}

// ---- Both

// Two rounds of SHA-512 with three steps of AES between them: 80 rounds and 120 steps come out
// even.
template <unsigned kPair>
FLE_TARGET_AES_AVX2 FLE_INLINE void two_rounds(Sha& h, Cbc& c) noexcept {
  static_assert(80 * 3 == 2 * kBlocksAStep * kAesSteps);
  constexpr unsigned kI = kPair % 8;
  round<2 * kPair>(h);
  aes_step<3 * kPair>(c);
  aes_step<3 * kPair + 1>(c);
  round<2 * kPair + 1>(h);
  aes_step<3 * kPair + 2>(c);
  if constexpr (2 * kPair < 64) {
    schedule<kI>(h);
    _mm_store_si128(reinterpret_cast<__m128i*>(h.wk + 2 * kI),
                    _mm_add_epi64(h.w[kI], k_of(2 * kPair + 16)));
  }
}
template <unsigned... kPair>
FLE_TARGET_AES_AVX2 FLE_INLINE void all_rounds(
    Sha& h, Cbc& c, std::integer_sequence<unsigned, kPair...> /*pairs*/) noexcept {
  (two_rounds<kPair>(h, c), ...);
}

/// `steps` times: hashes 128 bytes from `hashed` and encrypts 128 from `in`. The CBC chain goes on
/// from the block before `out`.
FLE_TARGET_AES_AVX2 void hash_and_encrypt(std::uint64_t (&state)[8], const std::uint8_t* hashed,
                                          const KeyState& key, const std::uint8_t* in,
                                          std::uint8_t* out, std::size_t steps) noexcept {
  const __m128i swap = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  Cbc c{load(out - kBlock), key, in, out};
  for (; steps != 0; --steps) {
    Sha h;
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) {
      h.w[i] = _mm_shuffle_epi8(load(hashed + 16 * i), swap);
      _mm_store_si128(reinterpret_cast<__m128i*>(h.wk + 2 * i), _mm_add_epi64(h.w[i], k_of(2 * i)));
      h.s[i] = state[i];
    }
    h.bc = h.s[1] ^ h.s[2];
    all_rounds(h, c, std::make_integer_sequence<unsigned, 40>{});
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

[[gnu::noinline]] FLE_TARGET_AES_AVX2 void encrypt_and_mac(const CbcEncryptJob& encrypt,
                                                           const MacJob& tag) noexcept {
  const auto [lead, steps] = cut(encrypt, tag);
  if (steps == 0) {
    cbc_encrypt_one(encrypt);
    hmac_rest(kSha512OneLane, tag, tag.key->inner, 0);
    return;
  }
  std::uint64_t state[8];
  std::copy_n(tag.key->inner, 8, state);
  cbc_encrypt_blocks(*encrypt.key, encrypt.iv, encrypt.in, encrypt.out, lead);
  const std::size_t head = kBlock * lead;
  hash_and_encrypt(state, tag.body, *encrypt.key, encrypt.in + head, encrypt.out + head, steps);
  const std::size_t done = head + kShaBlock * steps;
  cbc_encrypt_one({encrypt.key, encrypt.out + done - kBlock, encrypt.in + done, encrypt.len - done,
                   encrypt.out + done});
  hmac_rest(kSha512OneLane, tag, state, steps);
}

// More than the frames of the functions here, and of libcrypto's below that of one lane.
constexpr std::size_t kStack = 5120;

}  // namespace

FLE_TARGET_AES_AVX2 bool seal_one(const MacJob* iv, const CbcEncryptJob& encrypt,
                                  const MacJob& tag) noexcept {
  if (iv != nullptr) hmac_rest(kSha512OneLane, *iv, iv->key->inner, 0);
  encrypt_and_mac(encrypt, tag);
  scrub_ymm();
  scrub_stack<kStack>();
  return true;
}

}  // namespace fle::kernels
