// AES-256-CBC on VAES with 256-bit registers: two blocks an instruction, for cores that have VAES
// and no AVX-512. Encryption runs sixteen messages side by side (CBC chains the blocks of one),
// decryption sixteen blocks of one message. There are no more registers than for that, so round
// keys come from memory.
#include "kernels/aes_cbc/vaes_avx2.h"

#include <immintrin.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/aes_cbc/aesni.h"
#include "kernels/aes_cbc/lanes.h"
#include "kernels/scrub.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

constexpr unsigned kLanes = 16;
constexpr unsigned kRegs = kLanes / 2;

FLE_TARGET_VAES256 FLE_INLINE __m256i twice(const std::uint8_t* round_key) noexcept {
  return _mm256_broadcastsi128_si256(load(round_key));
}
FLE_TARGET_VAES256 FLE_INLINE __m256i gather(const std::uint8_t* const* p,
                                             std::size_t offset) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load(p[0] + offset)), load(p[1] + offset),
                                 1);
}
FLE_TARGET_VAES256 FLE_INLINE void scatter(std::uint8_t* const* p, std::size_t offset,
                                           __m256i v) noexcept {
  store(p[0] + offset, _mm256_castsi256_si128(v));
  store(p[1] + offset, _mm256_extracti128_si256(v, 1));
}
FLE_TARGET_VAES256 FLE_INLINE __m256i load_two(const std::uint8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FLE_TARGET_VAES256 FLE_INLINE void store_two(std::uint8_t* p, __m256i v) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}

// Sixteen chains under one key: the caller made sure of that.
FLE_TARGET_VAES256 void encrypt_chains(std::uint8_t (*chain)[kBlock], const KeyState* const* keys,
                                       const std::uint8_t* const* in, std::uint8_t* const* out,
                                       std::size_t n_blocks) noexcept {
  const auto& rk = keys[0]->enc;
  __m256i x[kRegs];
#pragma GCC unroll 8
  for (unsigned i = 0; i < kRegs; ++i) x[i] = load_two(chain[2 * i]);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const __m256i first = twice(rk[0]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < kRegs; ++i) {
      x[i] = _mm256_xor_si256(_mm256_xor_si256(x[i], first), gather(in + 2 * i, kBlock * b));
    }
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) {
      const __m256i k = twice(rk[r]);
#pragma GCC unroll 8
      for (auto& v : x) v = _mm256_aesenc_epi128(v, k);
    }
    const __m256i last = twice(rk[kRounds]);
#pragma GCC unroll 8
    for (unsigned i = 0; i < kRegs; ++i) {
      x[i] = _mm256_aesenclast_epi128(x[i], last);
      scatter(out + 2 * i, kBlock * b, x[i]);
    }
  }
#pragma GCC unroll 8
  for (unsigned i = 0; i < kRegs; ++i) store_two(chain[2 * i], x[i]);
}

/// D(C), without what CBC adds.
template <unsigned kN>
FLE_TARGET_VAES256 FLE_INLINE void decrypt_blocks(__m256i (&x)[kN],
                                                  const std::uint8_t (*rk)[16]) noexcept {
  const __m256i first = twice(rk[0]);
#pragma GCC unroll 8
  for (auto& v : x) v = _mm256_xor_si256(v, first);
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) {
    const __m256i k = twice(rk[r]);
#pragma GCC unroll 8
    for (auto& v : x) v = _mm256_aesdec_epi128(v, k);
  }
  const __m256i last = twice(rk[kRounds]);
#pragma GCC unroll 8
  for (auto& v : x) v = _mm256_aesdeclast_epi128(v, last);
}

/// Blocks b to b + 2 kN - 1 of a message: P = D(C) xor the ciphertext before it.
template <unsigned kN>
FLE_TARGET_VAES256 FLE_INLINE void decrypt_step(const CbcDecryptJob& j, std::size_t b) noexcept {
  const std::uint8_t* const in = j.in + kBlock * b;
  std::uint8_t* const out = j.out + kBlock * b;
  __m256i x[kN];
#pragma GCC unroll 8
  for (unsigned i = 0; i < kN; ++i) x[i] = load_two(in + 32 * i);
  decrypt_blocks(x, j.key->dec);
  const std::uint8_t* const before[2] = {b == 0 ? j.iv : in - kBlock, in};
  store_two(out, _mm256_xor_si256(x[0], gather(before, 0)));
#pragma GCC unroll 8
  for (unsigned i = 1; i < kN; ++i)
    store_two(out + 32 * i, _mm256_xor_si256(x[i], load_two(in + 32 * i - kBlock)));
}

// Short messages overlap without more ado: none waits for the one before.
[[gnu::noinline]] FLE_TARGET_VAES256 void decrypt_one(const CbcDecryptJob& j) noexcept {
  std::size_t b = 0;
  for (; b + 16 <= j.n_blocks; b += 16) decrypt_step<8>(j, b);
  for (; b + 4 <= j.n_blocks; b += 4) decrypt_step<2>(j, b);
  for (; b + 2 <= j.n_blocks; b += 2) decrypt_step<1>(j, b);
  if (b == j.n_blocks) return;
  const std::uint8_t* const in = j.in + kBlock * b;
  const auto& rk = j.key->dec;
  __m128i x = _mm_xor_si128(load(in), load(rk[0]));
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) x = _mm_aesdec_si128(x, load(rk[r]));
  x = _mm_aesdeclast_si128(x, load(rk[kRounds]));
  store(j.out + kBlock * b, _mm_xor_si128(x, load(b == 0 ? j.iv : in - kBlock)));
}

std::size_t run_of_one_key(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  std::size_t run = 1;
  while (run < n && jobs[run].key == jobs->key) ++run;
  return run;
}

// Below this the sixteen-lane step costs more than AES-NI on its eight streams, which may have a
// key each.
constexpr std::size_t kWorthVaes = 10;

constexpr std::size_t kStack = 1024;       // more than the frames here
constexpr std::size_t kLanesStack = 2048;  // and than those with the scheduler's, which is above

FLE_TARGET_AVX2 void encrypt_run(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  static constexpr CbcLanes kSixteen{kLanes, encrypt_chains};
  cbc_encrypt_lanes(kSixteen, jobs, n);
  scrub_ymm();
  scrub_stack<kLanesStack>();
}

}  // namespace

bool cbc_encrypt_vaes_avx2(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  std::size_t mixed = 0;  // jobs in front, in runs that are too short
  while (mixed < n) {
    const std::size_t run = run_of_one_key(jobs + mixed, n - mixed);
    if (run < kWorthVaes) {
      mixed += run;
      continue;
    }
    if (mixed != 0 && !cbc_encrypt_aesni(jobs, mixed)) return false;
    encrypt_run(jobs + mixed, run);
    jobs += mixed + run;
    n -= mixed + run;
    mixed = 0;
  }
  return mixed == 0 || cbc_encrypt_aesni(jobs, mixed);
}

FLE_TARGET_AVX2 bool cbc_decrypt_vaes_avx2(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) decrypt_one(jobs[i]);
  scrub_ymm();
  scrub_stack<kStack>();
  return true;
}

}  // namespace fle::kernels
