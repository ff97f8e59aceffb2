// AES-256 on AES-NI (FIPS 197).
#include "kernels/aes_cbc/aesni.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/aes_cbc/lanes.h"
#include "kernels/scrub.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kDecryptStack = 512;  // decryption keeps to its registers
constexpr std::size_t kStack = 1024;       // more than the frame of any function here that has keys
constexpr std::size_t kLanesStack = 2048;  // and than that with the scheduler's, which is above it

// ---- Key expansion (FIPS 197 section 5.2, Nk = 8)

FLE_TARGET_AESNI FLE_INLINE __m128i mix(__m128i k, __m128i assist) noexcept {
  k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
  k = _mm_xor_si128(k, _mm_slli_si128(k, 8));
  return _mm_xor_si128(k, assist);
}

template <int kRcon>
FLE_TARGET_AESNI FLE_INLINE void next_pair(std::uint8_t (*rk)[16], int r, __m128i& a,
                                           __m128i& b) noexcept {
  a = mix(a, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(b, kRcon), 0xff));
  store(rk[r], a);
  if (r == kRounds) return;
  b = mix(b, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(a, 0), 0xaa));
  store(rk[r + 1], b);
}

FLE_TARGET_AESNI void expand_aes(std::uint8_t (*rk)[16], const std::uint8_t* key) noexcept {
  __m128i a = load(key);
  __m128i b = load(key + kBlock);
  store(rk[0], a);
  store(rk[1], b);
  next_pair<0x01>(rk, 2, a, b);
  next_pair<0x02>(rk, 4, a, b);
  next_pair<0x04>(rk, 6, a, b);
  next_pair<0x08>(rk, 8, a, b);
  next_pair<0x10>(rk, 10, a, b);
  next_pair<0x20>(rk, 12, a, b);
  next_pair<0x40>(rk, 14, a, b);
}

// Equivalent inverse cipher (FIPS 197 section 5.3.5).
FLE_TARGET_AESNI void invert(std::uint8_t (*dec)[16], const std::uint8_t (*enc)[16]) noexcept {
  store(dec[0], load(enc[kRounds]));
  for (int r = 1; r < kRounds; ++r) store(dec[r], _mm_aesimc_si128(load(enc[kRounds - r])));
  store(dec[kRounds], load(enc[0]));
}

// ---- CBC

constexpr unsigned kLanes = 8;

// Each lane reads the round keys of its own key: loads are free beside two AES units.
FLE_TARGET_AESNI void encrypt_chains(std::uint8_t (*chain)[kBlock], const KeyState* const* keys,
                                     const std::uint8_t* const* in, std::uint8_t* const* out,
                                     std::size_t n_blocks) noexcept {
  __m128i x[kLanes];
#pragma GCC unroll 8
  for (unsigned l = 0; l < kLanes; ++l) x[l] = load(chain[l]);
  for (std::size_t b = 0; b < n_blocks; ++b) {
#pragma GCC unroll 8
    for (unsigned l = 0; l < kLanes; ++l) {
      x[l] = _mm_xor_si128(x[l], _mm_xor_si128(load(in[l] + kBlock * b), load(keys[l]->enc[0])));
    }
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 8
      for (unsigned l = 0; l < kLanes; ++l) x[l] = _mm_aesenc_si128(x[l], load(keys[l]->enc[r]));
    }
#pragma GCC unroll 8
    for (unsigned l = 0; l < kLanes; ++l) {
      x[l] = _mm_aesenclast_si128(x[l], load(keys[l]->enc[kRounds]));
      store(out[l] + kBlock * b, x[l]);
    }
  }
#pragma GCC unroll 8
  for (unsigned l = 0; l < kLanes; ++l) store(chain[l], x[l]);
}

// One message alone: no lane to fill, so no scheduler either.
FLE_TARGET_AESNI FLE_INLINE __m128i encrypt_block(const KeyState& key, __m128i chain,
                                                  __m128i plain) noexcept {
  const auto& rk = key.enc;
  __m128i x = _mm_xor_si128(chain, _mm_xor_si128(plain, load(rk[0])));
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) x = _mm_aesenc_si128(x, load(rk[r]));
  return _mm_aesenclast_si128(x, load(rk[kRounds]));
}

/// One after another, messages this short or few are side by side all the same: the core starts one
/// while the chain of the one before is under way, and none has to be brought into lanes.
bool overlap(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  constexpr std::size_t kFew = 4;
  const std::size_t most = n == 1 ? SIZE_MAX : n <= kFew ? 8 * kBlock : 2 * kBlock;
  return std::all_of(jobs, jobs + n,
                     [most](const CbcEncryptJob& j) noexcept { return j.len < most; });
}

// Decryption has no chain to wait for: kWide blocks of one message are in flight at once.
template <unsigned kWide>
FLE_TARGET_AESNI FLE_INLINE void decrypt_blocks(const CbcDecryptJob& j, std::size_t b,
                                                __m128i& before) noexcept {
  const auto& rk = j.key->dec;
  __m128i c[kWide];
  __m128i x[kWide];
#pragma GCC unroll 8
  for (unsigned i = 0; i < kWide; ++i) {
    c[i] = load(j.in + kBlock * (b + i));
    x[i] = _mm_xor_si128(c[i], load(rk[0]));
  }
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < kWide; ++i) x[i] = _mm_aesdec_si128(x[i], load(rk[r]));
  }
#pragma GCC unroll 8
  for (unsigned i = 0; i < kWide; ++i) {
    x[i] = _mm_aesdeclast_si128(x[i], load(rk[kRounds]));
    store(j.out + kBlock * (b + i), _mm_xor_si128(x[i], i == 0 ? before : c[i - 1]));
  }
  before = c[kWide - 1];
}

[[gnu::noinline]] FLE_TARGET_AESNI void decrypt_one(const CbcDecryptJob& j) noexcept {
  __m128i before = load(j.iv);
  std::size_t b = 0;
  for (; b + 8 <= j.n_blocks; b += 8) decrypt_blocks<8>(j, b, before);
  for (; b + 2 <= j.n_blocks; b += 2) decrypt_blocks<2>(j, b, before);
  if (b < j.n_blocks) decrypt_blocks<1>(j, b, before);
}

// ---- Counter mode for the CSPRNG

FLE_TARGET_AESNI void fill(std::uint8_t* out, std::size_t n_blocks,
                           const std::uint8_t (*rk)[16]) noexcept {
  constexpr unsigned kWide = 8;
  std::uint64_t counter = 0;
  for (std::size_t b = 0; b < n_blocks; b += kWide) {
    __m128i x[kWide];
#pragma GCC unroll 8
    for (unsigned i = 0; i < kWide; ++i, ++counter) {
      // SP 800-38A section 6.5: the counter block, big-endian.
      x[i] = _mm_set_epi64x(static_cast<long long>(__builtin_bswap64(counter)), 0);
      x[i] = _mm_xor_si128(x[i], load(rk[0]));
    }
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 8
      for (auto& v : x) v = _mm_aesenc_si128(v, load(rk[r]));
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < kWide; ++i) {
      x[i] = _mm_aesenclast_si128(x[i], load(rk[kRounds]));
      if (b + i < n_blocks) store(out + kBlock * (b + i), x[i]);
    }
  }
}

}  // namespace

[[gnu::noinline]] FLE_TARGET_AESNI void cbc_encrypt_blocks(const KeyState& key,
                                                           const std::uint8_t* iv,
                                                           const std::uint8_t* in,
                                                           std::uint8_t* out,
                                                           std::size_t n_blocks) noexcept {
  __m128i x = load(iv);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    x = encrypt_block(key, x, load(in + kBlock * b));
    store(out + kBlock * b, x);
  }
}

[[gnu::noinline]] FLE_TARGET_AESNI void cbc_encrypt_one(const CbcEncryptJob& j) noexcept {
  const std::size_t rest = j.len % kBlock;
  const std::size_t whole = j.len - rest;
  cbc_encrypt_blocks(*j.key, j.iv, j.in, j.out, whole / kBlock);
  alignas(16) std::uint8_t last[kBlock];
  pad(last, j.in + whole, rest);
  const std::uint8_t* chain = whole == 0 ? j.iv : j.out + whole - kBlock;
  store(j.out + whole, encrypt_block(*j.key, load(chain), load(last)));
}

bool expand_aesni(KeyState& out, const std::uint8_t* key) noexcept {
  expand_aes(out.enc, key + 32);
  invert(out.dec, out.enc);
  // A kernel of this family never hands a key to libcrypto, so no raw copy of it is kept.
  const bool good = expand_hmac(out.mac, key) && expand_hmac(out.iv, key + 64);
  scrub_xmm();
  scrub_stack<kStack>();
  return good;
}

bool cbc_encrypt_aesni(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  static constexpr CbcLanes kEight{kLanes, encrypt_chains};
  if (overlap(jobs, n)) {
    for (std::size_t i = 0; i < n; ++i) cbc_encrypt_one(jobs[i]);
    scrub_xmm();
    scrub_stack<kStack>();
  } else {
    cbc_encrypt_lanes(kEight, jobs, n);
    scrub_xmm();
    scrub_stack<kLanesStack>();
  }
  return true;
}

bool cbc_decrypt_aesni(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) decrypt_one(jobs[i]);
  scrub_xmm();
  scrub_stack<kDecryptStack>();
  return true;
}

bool ctr_fill_aesni(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t* key) noexcept {
  alignas(16) std::uint8_t rk[kRounds + 1][16];
  expand_aes(rk, key);
  fill(out, n_blocks, rk);
  ::explicit_bzero(rk, sizeof rk);
  scrub_xmm();
  scrub_stack<kStack>();
  return true;
}

}  // namespace fle::kernels
