// AES-256-CBC on VAES with 512-bit registers: four blocks an instruction. Encryption runs sixteen
// messages side by side (CBC chains the blocks of one), decryption sixteen blocks of any messages.
#include "kernels/aes_cbc/vaes.h"

#include <algorithm>

#include <immintrin.h>

#include "kernels/aes_cbc/aes.h"
#include "kernels/aes_cbc/aesni.h"
#include "kernels/aes_cbc/lanes.h"
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

/// Consecutive blocks of one message, as many as a register holds, or its last ones.
struct Part {
  static constexpr std::size_t kMost = 4;
  const std::uint8_t* in;
  const std::uint8_t* before;  // the ciphertext block before, or the IV
  std::uint8_t* out;
  std::size_t blocks;
};

/// The parts of messages, one after another; behind the last, the last again.
class Parts {
 public:
  FLE_INLINE Parts(const CbcDecryptJob* jobs, std::size_t n) noexcept : job_(jobs), end_(jobs + n) {
    skip_empty();
  }
  [[nodiscard]] FLE_INLINE bool done() const noexcept { return job_ == end_; }

  FLE_INLINE Part next() noexcept {
    if (done()) return last_;
    const CbcDecryptJob& j = *job_;
    const std::uint8_t* const in = j.in + kBlock * at_;
    last_ = {in, at_ == 0 ? j.iv : in - kBlock, j.out + kBlock * at_,
             std::min(Part::kMost, j.n_blocks - at_)};
    at_ += Part::kMost;
    if (at_ >= j.n_blocks) {
      at_ = 0;
      ++job_;
      skip_empty();
    }
    return last_;
  }

  /// As many times `n` blocks of one message as there are at once, if it has begun.
  FLE_INLINE Part row(std::size_t n) noexcept {
    if (at_ == 0 || job_->n_blocks < at_ + n + 1) return {};
    const std::uint8_t* const in = job_->in + kBlock * at_;
    const std::size_t blocks = (job_->n_blocks - at_ - 1) / n * n;
    const Part p{in, in - kBlock, job_->out + kBlock * at_, blocks};
    at_ += blocks;
    return p;
  }

 private:
  FLE_INLINE void skip_empty() noexcept {
    while (job_ != end_ && job_->n_blocks == 0) ++job_;
  }

  const CbcDecryptJob* job_;
  const CbcDecryptJob* end_;
  std::size_t at_ = 0;  // block of *job_
  Part last_{};
};

FLE_TARGET_VAES512 FLE_INLINE __m512i load_part(const Part& p) noexcept {
  if (p.blocks == Part::kMost) return _mm512_loadu_si512(p.in);
  return _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1U << (2 * p.blocks)) - 1), p.in);
}

// A store under a mask takes longer than branches, which mostly go where those of the message
// before went.
FLE_TARGET_VAES512 FLE_INLINE void store_part(const Part& p, __m512i v) noexcept {
  if (p.blocks == Part::kMost) {
    _mm512_storeu_si512(p.out, v);
    return;
  }
  store(p.out, _mm512_castsi512_si128(v));
  if (p.blocks > 1) store(p.out + kBlock, _mm512_extracti64x2_epi64(v, 1));
  if (p.blocks > 2) store(p.out + 2 * kBlock, _mm512_extracti64x2_epi64(v, 2));
}

// x becomes D(x), but for the key of the first round, which is in it already.
FLE_TARGET_VAES512 FLE_INLINE void decrypt_rounds(__m512i (&x)[kRegs], const Schedule& s) noexcept {
#pragma GCC unroll 16
  for (int r = 1; r < kRounds; ++r) {
#pragma GCC unroll 16
    for (auto& v : x) v = _mm512_aesdec_epi128(v, s.k[r]);
  }
#pragma GCC unroll 16
  for (auto& v : x) v = _mm512_aesdeclast_epi128(v, s.k[kRounds]);
}

FLE_TARGET_VAES512 FLE_INLINE void decrypt_parts(Parts& parts, const Schedule& s) noexcept {
  Part p[kRegs];
  __m512i c[kRegs];
  __m512i x[kRegs];
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i) {
    p[i] = parts.next();
    c[i] = load_part(p[i]);
    x[i] = _mm512_xor_si512(c[i], s.k[0]);
  }
  decrypt_rounds(x, s);
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i) {
    const __m512i first = _mm512_broadcast_i32x4(load(p[i].before));
    store_part(p[i], _mm512_xor_si512(x[i], _mm512_alignr_epi64(c[i], first, 6)));
  }
}

// The same where all parts are whole and in a row.
FLE_TARGET_VAES512 FLE_INLINE void decrypt_row(const std::uint8_t* in, std::uint8_t* out,
                                               const Schedule& s) noexcept {
  __m512i x[kRegs];
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i)
    x[i] = _mm512_xor_si512(_mm512_loadu_si512(in + 64 * i), s.k[0]);
  decrypt_rounds(x, s);
#pragma GCC unroll 16
  for (unsigned i = 0; i < kRegs; ++i)
    _mm512_storeu_si512(out + 64 * i,
                        _mm512_xor_si512(x[i], _mm512_loadu_si512(in + 64 * i - kBlock)));
}

/// Decrypts messages under one key: P = D(C) xor the ciphertext before it. No block waits for
/// another, so short messages are side by side as the blocks of a long one are.
FLE_TARGET_VAES512 void decrypt_run(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  Schedule s;
  broadcast(s, jobs->key->dec);
  for (Parts parts(jobs, n); !parts.done();) {
    if (const Part row = parts.row(kLanes); row.blocks != 0) {
      for (std::size_t b = 0; b < row.blocks; b += kLanes)
        decrypt_row(row.in + kBlock * b, row.out + kBlock * b, s);
    } else {
      decrypt_parts(parts, s);
    }
  }
}

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
  while (n != 0) {
    std::size_t run = 1;
    while (run < n && jobs[run].key == jobs->key) ++run;
    decrypt_run(jobs, run);
    jobs += run;
    n -= run;
  }
  return true;
}

}  // namespace fle::kernels
