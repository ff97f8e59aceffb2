// AES-256 on the AES instructions of ARMv8 (FIPS 197; Arm Architecture Reference Manual for
// A-profile, C7.2, AESE, AESD, AESMC and AESIMC). AESE adds the round key first and mixes no
// columns, so the last round key is added by hand.
#include "kernels/aes_cbc/arm64.h"

#include <cstring>

#include <arm_neon.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/aes_cbc/lanes.h"
#include "kernels/scrub.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kStack = 1024;       // more than the frame of any function here that has keys
constexpr std::size_t kLanesStack = 4096;  // and than that with the scheduler's, which is above it
constexpr unsigned kLanes = 8;

// ---- Key expansion (FIPS 197 section 5.2, Nk = 8)

FLE_INLINE std::uint32_t word(const std::uint8_t* p) noexcept {
  std::uint32_t w = 0;
  std::memcpy(&w, p, sizeof w);
  return w;
}

// AESE shifts rows too, which does nothing where all four columns are the same.
FLE_TARGET_ARM_AES FLE_INLINE std::uint32_t sub_word(std::uint32_t w) noexcept {
  const uint8x16_t columns = vreinterpretq_u8_u32(vdupq_n_u32(w));
  return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(columns, vdupq_n_u8(0))), 0);
}

FLE_TARGET_ARM_AES void expand_aes(std::uint8_t (*rk)[16], const std::uint8_t* key) noexcept {
  constexpr unsigned kNk = 8;
  std::uint8_t* const w = rk[0];  // words, four bytes each
  std::memcpy(w, key, 4 * kNk);
  std::uint32_t rcon = 1;
  for (unsigned i = kNk; i < 4 * (kRounds + 1); ++i) {
    std::uint32_t t = word(w + 4 * (i - 1));
    if (i % kNk == 0) {
      t = sub_word(t);
      t = ((t >> 8) | (t << 24)) ^ rcon;  // RotWord: words are little-endian here
      rcon <<= 1;
    } else if (i % kNk == 4) {
      t = sub_word(t);
    }
    t ^= word(w + 4 * (i - kNk));
    std::memcpy(w + 4 * i, &t, sizeof t);
  }
}

// Equivalent inverse cipher (FIPS 197 section 5.3.5).
FLE_TARGET_ARM_AES void invert(std::uint8_t (*dec)[16], const std::uint8_t (*enc)[16]) noexcept {
  std::memcpy(dec[0], enc[kRounds], kBlock);
  for (int r = 1; r < kRounds; ++r) vst1q_u8(dec[r], vaesimcq_u8(vld1q_u8(enc[kRounds - r])));
  std::memcpy(dec[kRounds], enc[0], kBlock);
}

// ---- Blocks

template <unsigned kWide>
FLE_TARGET_ARM_AES FLE_INLINE void encrypt_blocks(uint8x16_t (&x)[kWide],
                                                  const std::uint8_t (*rk)[16]) noexcept {
#pragma GCC unroll 16
  for (int r = 0; r < kRounds - 1; ++r) {
    const uint8x16_t k = vld1q_u8(rk[r]);
#pragma GCC unroll 8
    for (auto& v : x) v = vaesmcq_u8(vaeseq_u8(v, k));
  }
#pragma GCC unroll 8
  for (auto& v : x) v = veorq_u8(vaeseq_u8(v, vld1q_u8(rk[kRounds - 1])), vld1q_u8(rk[kRounds]));
}

// Each lane reads the round keys of its own key.
FLE_TARGET_ARM_AES void encrypt_chains(std::uint8_t (*chain)[kBlock], const KeyState* const* keys,
                                       const std::uint8_t* const* in, std::uint8_t* const* out,
                                       std::size_t n_blocks) noexcept {
  uint8x16_t x[kLanes];
#pragma GCC unroll 8
  for (unsigned l = 0; l < kLanes; ++l) x[l] = vld1q_u8(chain[l]);
  for (std::size_t b = 0; b < n_blocks; ++b) {
#pragma GCC unroll 8
    for (unsigned l = 0; l < kLanes; ++l) x[l] = veorq_u8(x[l], vld1q_u8(in[l] + kBlock * b));
#pragma GCC unroll 16
    for (int r = 0; r < kRounds - 1; ++r) {
#pragma GCC unroll 8
      for (unsigned l = 0; l < kLanes; ++l)
        x[l] = vaesmcq_u8(vaeseq_u8(x[l], vld1q_u8(keys[l]->enc[r])));
    }
#pragma GCC unroll 8
    for (unsigned l = 0; l < kLanes; ++l) {
      const auto& rk = keys[l]->enc;
      x[l] = veorq_u8(vaeseq_u8(x[l], vld1q_u8(rk[kRounds - 1])), vld1q_u8(rk[kRounds]));
      vst1q_u8(out[l] + kBlock * b, x[l]);
    }
  }
#pragma GCC unroll 8
  for (unsigned l = 0; l < kLanes; ++l) vst1q_u8(chain[l], x[l]);
}

// One message alone: no lane to fill, so no scheduler either.
[[gnu::noinline]] FLE_TARGET_ARM_AES void encrypt_one(const CbcEncryptJob& j) noexcept {
  const std::size_t rest = j.len % kBlock;
  const std::size_t whole = j.len - rest;
  uint8x16_t x[1] = {vld1q_u8(j.iv)};
  for (std::size_t at = 0; at < whole; at += kBlock) {
    x[0] = veorq_u8(x[0], vld1q_u8(j.in + at));
    encrypt_blocks(x, j.key->enc);
    vst1q_u8(j.out + at, x[0]);
  }
  std::uint8_t last[kBlock];
  pad(last, j.in + whole, rest);
  x[0] = veorq_u8(x[0], vld1q_u8(last));
  encrypt_blocks(x, j.key->enc);
  vst1q_u8(j.out + whole, x[0]);
}

// Decryption has no chain to wait for: kWide blocks of one message are in flight at once.
template <unsigned kWide>
FLE_TARGET_ARM_AES FLE_INLINE void decrypt_blocks(const CbcDecryptJob& j, std::size_t b,
                                                  uint8x16_t& before) noexcept {
  const auto& rk = j.key->dec;
  uint8x16_t c[kWide];
  uint8x16_t x[kWide];
#pragma GCC unroll 8
  for (unsigned i = 0; i < kWide; ++i) x[i] = c[i] = vld1q_u8(j.in + kBlock * (b + i));
#pragma GCC unroll 16
  for (int r = 0; r < kRounds - 1; ++r) {
    const uint8x16_t k = vld1q_u8(rk[r]);
#pragma GCC unroll 8
    for (auto& v : x) v = vaesimcq_u8(vaesdq_u8(v, k));
  }
#pragma GCC unroll 8
  for (unsigned i = 0; i < kWide; ++i) {
    x[i] = veorq_u8(vaesdq_u8(x[i], vld1q_u8(rk[kRounds - 1])), vld1q_u8(rk[kRounds]));
    vst1q_u8(j.out + kBlock * (b + i), veorq_u8(x[i], i == 0 ? before : c[i - 1]));
  }
  before = c[kWide - 1];
}

[[gnu::noinline]] FLE_TARGET_ARM_AES void decrypt_one(const CbcDecryptJob& j) noexcept {
  uint8x16_t before = vld1q_u8(j.iv);
  std::size_t b = 0;
  for (; b + 8 <= j.n_blocks; b += 8) decrypt_blocks<8>(j, b, before);
  for (; b + 2 <= j.n_blocks; b += 2) decrypt_blocks<2>(j, b, before);
  if (b < j.n_blocks) decrypt_blocks<1>(j, b, before);
}

// ---- Counter mode for the CSPRNG

FLE_TARGET_ARM_AES void fill(std::uint8_t* out, std::size_t n_blocks,
                             const std::uint8_t (*rk)[16]) noexcept {
  std::uint64_t counter = 0;
  for (std::size_t b = 0; b < n_blocks; b += kLanes) {
    uint8x16_t x[kLanes];
#pragma GCC unroll 8
    for (auto& v : x) {
      // SP 800-38A section 6.5: the counter block, big-endian.
      const uint64x2_t block =
          vcombine_u64(vcreate_u64(0), vcreate_u64(__builtin_bswap64(counter)));
      v = vreinterpretq_u8_u64(block);
      ++counter;
    }
    encrypt_blocks(x, rk);
#pragma GCC unroll 8
    for (unsigned i = 0; i < kLanes; ++i) {
      if (b + i < n_blocks) vst1q_u8(out + kBlock * (b + i), x[i]);
    }
  }
}

}  // namespace

bool expand_arm64(KeyState& out, const std::uint8_t* key) noexcept {
  expand_aes(out.enc, key + 32);
  invert(out.dec, out.enc);
  // A kernel of this family never hands a key to libcrypto, so no raw copy of it is kept.
  const bool good = expand_hmac(out.mac, key) && expand_hmac(out.iv, key + 64);
  scrub_baseline();
  scrub_stack<kStack>();
  return good;
}

bool cbc_encrypt_arm64(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  static constexpr CbcLanes kEight{kLanes, encrypt_chains};
  if (n == 1) {
    encrypt_one(jobs[0]);
    scrub_baseline();
    scrub_stack<kStack>();
  } else {
    cbc_encrypt_lanes(kEight, jobs, n);
    scrub_baseline();
    scrub_stack<kLanesStack>();
  }
  return true;
}

bool cbc_decrypt_arm64(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) decrypt_one(jobs[i]);
  scrub_baseline();
  scrub_stack<kStack>();
  return true;
}

bool ctr_fill_arm64(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t* key) noexcept {
  std::uint8_t rk[kRounds + 1][16];
  expand_aes(rk, key);
  fill(out, n_blocks, rk);
  ::explicit_bzero(rk, sizeof rk);
  scrub_baseline();
  scrub_stack<kStack>();
  return true;
}

}  // namespace fle::kernels
