// AES-256-CBC on VAES with 512-bit registers: four blocks an instruction. Encryption runs sixteen
// messages side by side (CBC chains the blocks of one), decryption sixteen blocks of one message.
#include "kernels/aes_cbc_vaes.h"

#include <algorithm>

#include <immintrin.h>

#include "kernels/aes.h"
#include "kernels/aes_cbc_aesni.h"
#include "kernels/aes_cbc_lanes.h"
#include "kernels/target.h"

namespace fle::kernels {
namespace {

constexpr unsigned kLanes = 16;
constexpr unsigned kRegs = kLanes / 4;
constexpr int kXor3 = 0x96;

struct Schedule {
  __m512i k[kRounds + 1];
};

FLE_TARGET_VAES512 FLE_INLINE void broadcast(Schedule& s,
                                             const std::uint8_t (&rk)[kRounds + 1][16]) noexcept {
#pragma GCC unroll 16
  for (int r = 0; r <= kRounds; ++r) {
    s.k[r] = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(rk[r])));
  }
}

FLE_TARGET_VAES512 FLE_INLINE __m512i gather(const std::uint8_t* const* p,
                                             std::size_t offset) noexcept {
  const __m256i lo =
      _mm256_inserti128_si256(_mm256_castsi128_si256(load(p[0] + offset)), load(p[1] + offset), 1);
  const __m256i hi =
      _mm256_inserti128_si256(_mm256_castsi128_si256(load(p[2] + offset)), load(p[3] + offset), 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

FLE_TARGET_VAES512 FLE_INLINE void scatter(std::uint8_t* const* p, std::size_t offset,
                                           __m512i v) noexcept {
  store(p[0] + offset, _mm512_castsi512_si128(v));
  store(p[1] + offset, _mm512_extracti64x2_epi64(v, 1));
  store(p[2] + offset, _mm512_extracti64x2_epi64(v, 2));
  store(p[3] + offset, _mm512_extracti64x2_epi64(v, 3));
}

// The block at `offset` of sixteen messages; `x` has what each chains to it, and then it.
FLE_TARGET_VAES512 FLE_INLINE void encrypt_block_of_each(__m512i (&x)[kRegs], const Schedule& s,
                                                         const std::uint8_t* const* in,
                                                         std::uint8_t* const* out,
                                                         std::size_t offset) noexcept {
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i)
    x[i] = _mm512_ternarylogic_epi64(x[i], s.k[0], gather(in + 4 * i, offset), kXor3);
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 16
    for (auto& v : x) v = _mm512_aesenc_epi128(v, s.k[r]);
  }
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i) {
    x[i] = _mm512_aesenclast_epi128(x[i], s.k[kRounds]);
    scatter(out + 4 * i, offset, x[i]);
  }
}

// Sixteen chains under one key: the caller made sure of that.
FLE_TARGET_VAES512 void encrypt_chains(std::uint8_t (*chain)[kBlock], const KeyState* const* keys,
                                       const std::uint8_t* const* in, std::uint8_t* const* out,
                                       std::size_t n_blocks) noexcept {
  Schedule s;
  broadcast(s, keys[0]->enc);
  __m512i x[kRegs];
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i) x[i] = _mm512_load_si512(chain[4 * i]);
  for (std::size_t b = 0; b < n_blocks; ++b) encrypt_block_of_each(x, s, in, out, kBlock * b);
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i) _mm512_store_si512(chain[4 * i], x[i]);
}

/// Up to sixteen messages of about one length under one key, from their first block to their last.
/// Lanes end together, or nearly so: there is none to refill, and nothing to keep of any.
class Group {
 public:
  FLE_TARGET_VAES512 Group(const CbcEncryptJob* jobs, std::size_t n) noexcept : key_(*jobs->key) {
    for (unsigned l = 0; l < kLanes; ++l) add(l, jobs[l < n ? l : 0]);
  }

  FLE_TARGET_VAES512 void encrypt() noexcept {
    Schedule s;
    broadcast(s, key_.enc);
    __m512i x[kRegs];
#pragma GCC unroll 16
    for (unsigned i = 0; i < kRegs; ++i) x[i] = gather(iv_ + 4 * i, 0);
    for (std::size_t b = 0; b <= most_whole_; ++b) {
      const std::uint8_t* in[kLanes];
      std::uint8_t* out[kLanes];
#pragma GCC unroll 16
      for (unsigned l = 0; l < kLanes; ++l) {
        in[l] = b < whole_[l] ? in_[l] + kBlock * b : last_[l];
        out[l] = b <= whole_[l] ? out_[l] + kBlock * b : beyond_;
      }
      encrypt_block_of_each(x, s, in, out, 0);
    }
  }

 private:
  // An idle lane does what lane 0 does, and writes the same bytes.
  FLE_TARGET_VAES512 void add(unsigned l, const CbcEncryptJob& j) noexcept {
    const std::size_t whole = j.len / kBlock;
    const auto rest = static_cast<unsigned>(j.len % kBlock);
    in_[l] = j.in;
    iv_[l] = j.iv;
    out_[l] = j.out;
    whole_[l] = whole;
    most_whole_ = std::max(most_whole_, whole);
    // PKCS#7 (RFC 5652 section 6.3): always at least one byte.
    const __m128i padding = _mm_set1_epi8(static_cast<char>(kBlock - rest));
    store(last_[l], _mm_mask_loadu_epi8(padding, static_cast<__mmask16>((1U << rest) - 1),
                                        j.in + kBlock * whole));
  }

  const KeyState& key_;
  const std::uint8_t* in_[kLanes];
  const std::uint8_t* iv_[kLanes];
  std::uint8_t* out_[kLanes];
  std::size_t whole_[kLanes];  // whole blocks before the padded one
  std::size_t most_whole_ = 0;
  alignas(64) std::uint8_t last_[kLanes][kBlock];  // each lane's padded block
  alignas(16) std::uint8_t beyond_[kBlock];        // written by lanes that have ended
};

/// Whether a lane that waits for the longest message waits for a few blocks at most.
bool about_one_length(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  constexpr std::size_t kFew = 4;
  std::size_t least = jobs[0].len;
  std::size_t most = jobs[0].len;
  for (std::size_t i = 1; i < n; ++i) {
    least = std::min(least, jobs[i].len);
    most = std::max(most, jobs[i].len);
  }
  return most / kBlock - least / kBlock <= kFew;
}

void encrypt_run(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  static constexpr CbcLanes kSixteen{kLanes, encrypt_chains};
  if (!about_one_length(jobs, n)) {
    cbc_encrypt_lanes(kSixteen, jobs, n);
    return;
  }
  for (std::size_t i = 0; i < n; i += kLanes)
    Group(jobs + i, std::min<std::size_t>(kLanes, n - i)).encrypt();
}

/// P = D(C) xor the ciphertext before it.
FLE_TARGET_VAES512 void decrypt_one(const CbcDecryptJob& j) noexcept {
  Schedule s;
  broadcast(s, j.key->dec);
  std::size_t b = 0;
  const std::size_t n = j.n_blocks;
  // The first four blocks (or all, if fewer) take their predecessor from the IV.
  const auto first = static_cast<unsigned>(n < 4 ? n : 4);
  if (first != 0) {
    const auto mask = static_cast<__mmask8>((1U << (2 * first)) - 1);
    const __m512i c = _mm512_maskz_loadu_epi64(mask, j.in);
    // Shifted by one block, with the IV in front.
    __m512i before = _mm512_alignr_epi64(c, _mm512_setzero_si512(), 6);
    before = _mm512_inserti64x2(before, load(j.iv), 0);
    __m512i x = _mm512_xor_si512(c, s.k[0]);
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) x = _mm512_aesdec_epi128(x, s.k[r]);
    x = _mm512_xor_si512(_mm512_aesdeclast_epi128(x, s.k[kRounds]), before);
    _mm512_mask_storeu_epi64(j.out, mask, x);
    b = first;
  }
  for (; b + 16 <= n; b += 16) {
    const std::uint8_t* in = j.in + kBlock * b;
    __m512i x[4];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; ++i)
      x[i] = _mm512_xor_si512(_mm512_loadu_si512(in + 64 * i), s.k[0]);
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 16
      for (auto& v : x) v = _mm512_aesdec_epi128(v, s.k[r]);
    }
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; ++i) {
      x[i] = _mm512_aesdeclast_epi128(x[i], s.k[kRounds]);
      _mm512_storeu_si512(j.out + kBlock * b + 64 * i,
                          _mm512_xor_si512(x[i], _mm512_loadu_si512(in + 64 * i - kBlock)));
    }
  }
  while (b < n) {
    const auto take = static_cast<unsigned>(n - b < 4 ? n - b : 4);
    const auto mask = static_cast<__mmask8>((1U << (2 * take)) - 1);
    const std::uint8_t* in = j.in + kBlock * b;
    __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi64(mask, in), s.k[0]);
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) x = _mm512_aesdec_epi128(x, s.k[r]);
    x = _mm512_aesdeclast_epi128(x, s.k[kRounds]);
    x = _mm512_xor_si512(x, _mm512_maskz_loadu_epi64(mask, in - kBlock));
    _mm512_mask_storeu_epi64(j.out + kBlock * b, mask, x);
    b += take;
  }
}

/// Blocks of short messages under one key, decrypted sixteen at a time: alone, a message of one
/// block would fill a quarter of a register.
class ShortMessages {
 public:
  ~ShortMessages() { flush(); }
  static constexpr std::size_t kMostBlocks = 2;

  void add(const CbcDecryptJob& j) noexcept {
    if (j.key != key_ || n_ + j.n_blocks > kLanes) flush();
    key_ = j.key;
    for (std::size_t b = 0; b < j.n_blocks; ++b, ++n_) {
      in_[n_] = j.in + kBlock * b;
      before_[n_] = b == 0 ? j.iv : in_[n_] - kBlock;
      out_[n_] = j.out + kBlock * b;
    }
  }

 private:
  FLE_TARGET_VAES512 void flush() noexcept {
    if (n_ == 0) return;
    for (; n_ < kLanes; ++n_) {  // idle lanes do what lane 0 does
      in_[n_] = in_[0];
      before_[n_] = before_[0];
      out_[n_] = out_[0];
    }
    n_ = 0;
    Schedule s;
    broadcast(s, key_->dec);
    __m512i x[kRegs];
#pragma GCC unroll 16
    for (unsigned i = 0; i < kRegs; ++i) x[i] = _mm512_xor_si512(gather(in_ + 4 * i, 0), s.k[0]);
#pragma GCC unroll 16
    for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 16
      for (auto& v : x) v = _mm512_aesdec_epi128(v, s.k[r]);
    }
#pragma GCC unroll 16
    for (unsigned i = 0; i < kRegs; ++i) {
      x[i] = _mm512_aesdeclast_epi128(x[i], s.k[kRounds]);
      scatter(out_ + 4 * i, 0, _mm512_xor_si512(x[i], gather(before_ + 4 * i, 0)));
    }
  }

  const KeyState* key_ = nullptr;
  std::size_t n_ = 0;
  const std::uint8_t* in_[kLanes];
  const std::uint8_t* before_[kLanes];  // the ciphertext block before, or the IV
  std::uint8_t* out_[kLanes];
};

// Below this the sixteen-lane step costs more than AES-NI on its eight streams.
constexpr std::size_t kWorthVaes = 5;

}  // namespace

[[gnu::noinline]] bool cbc_encrypt_vaes(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  while (n != 0) {
    std::size_t run = 1;
    while (run < n && jobs[run].key == jobs->key) ++run;
    if (run < kWorthVaes) {
      if (!cbc_encrypt_aesni(jobs, run)) return false;
    } else {
      encrypt_run(jobs, run);
    }
    jobs += run;
    n -= run;
  }
  return true;
}

[[gnu::noinline]] bool cbc_decrypt_vaes(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  ShortMessages pending;
  for (std::size_t i = 0; i < n; ++i) {
    if (n == 1 || jobs[i].n_blocks > ShortMessages::kMostBlocks) {
      decrypt_one(jobs[i]);
    } else {
      pending.add(jobs[i]);
    }
  }
  return true;
}

}  // namespace fle::kernels
