#ifndef FLE_SRC_ENGINE_H_
#define FLE_SRC_ENGINE_H_

#include <span>

#include "fle/bytes.h"
#include "fle/data_key.h"
#include "fle/payload.h"
#include "fle/result.h"
#include "kernels/kernel.h"

// The one implementation of AEAD_AES_256_CBC_HMAC_SHA_512 (draft-mcgrew-aead-aes-cbc-hmac-sha2-05).
// Fields and wrapped keys are both sealed and opened here.
namespace fle::engine {

/// What the engine needs of a DataKey, looked up once for each message.
struct KeyUse {
  const kernels::Kernel* kernel;
  const kernels::KeyState* state;

  /// A key that was moved from has a state that is not live; like one in a forked child.
  [[nodiscard]] static KeyUse of(const DataKey& key) noexcept;
  /// A key for a kernel that the caller chooses.
  /// @retval as DataKey::create; Errc::invalid_argument where the kernel does not run here
  [[nodiscard]] static Result<DataKey> create_key(const kernels::Kernel& kernel, Bytes key,
                                                  LockPolicy policy);
};
[[nodiscard]] inline KeyUse use(const DataKey& key) noexcept { return KeyUse::of(key); }

/// False in a forked child, and for a key that was moved from.
[[nodiscard]] inline bool is_live(const KeyUse& key) noexcept {
  return key.state->live == kernels::kLive;
}

/// AL: the bit length of the associated data, 64 bits, big-endian (section 2.1, step 4).
struct Al {
  std::uint8_t bytes[8];
};
[[nodiscard]] constexpr Al al_of(std::size_t ad_len) noexcept {
  Al al{};
  const auto bits = static_cast<std::uint64_t>(ad_len) * 8;
  for (std::size_t i = 0; i < sizeof al.bytes; ++i)
    al.bytes[i] = static_cast<std::uint8_t>(bits >> (8 * (sizeof al.bytes - 1 - i)));
  return al;
}
inline constexpr Al kFieldAl = al_of(kPayloadHeaderLen);

/// How the IV of a message comes about.
enum class Iv : std::uint8_t {
  given,  ///< Already stands at the start of the sealed bytes.
  /// First 16 bytes of HMAC-SHA-512(IV key, AD || AL || P): the deterministic algorithm.
  derived,
};

// The three classes below take messages under keys of one kernel, kChunk at most, and put them into
// the form in which it wants them, without another one between. What add() is given has to stay as
// it is until run() is through, which returns false when libcrypto failed. Checked by the caller:
// sizes fit, keys are live.
//
// Each function of a kernel finds its code where others have been since, and brings it back into
// the cache of decoded instructions: the more messages it does at once, the less of that each pays.
// With more than 128, the messages have left the nearest cache when the next function reads them.
inline constexpr std::size_t kChunk = 128;
inline constexpr std::size_t kLeastSealedLen = kIvLen + kBlockLen + kTagLen;

/// Writes the job of a tag: AD || IV || C || AL. In a payload AD, IV and C are contiguous: one
/// piece, which a kernel may read in place.
inline void put_tag_job(kernels::MacJob& j, const kernels::KeyState& key, Bytes ad, const Al& al,
                        Bytes iv_and_ciphertext, std::uint8_t* out) noexcept {
  const bool one_piece = ad.data() + ad.size() == iv_and_ciphertext.data() && !ad.empty();
  j.key = &key.mac;
  j.head = ad.data();
  j.head_len = one_piece ? 0 : ad.size();
  j.body = one_piece ? ad.data() : iv_and_ciphertext.data();
  j.body_len = iv_and_ciphertext.size() + (one_piece ? ad.size() : 0);
  j.tail = al.bytes;
  j.tail_len = sizeof al.bytes;
  j.out = out;
  j.out_len = kTagLen;
}

class Sealing {
 public:
  /// @param sealed  sealed_len(plaintext.size()) bytes: IV || C || T
  void add(const kernels::KeyState& key, Iv iv, Bytes ad, const Al& al, Bytes plaintext,
           MutBytes sealed) noexcept {
    if (iv == Iv::derived) {
      kernels::MacJob& j = ivs_[n_derived_++];
      j.key = &key.iv;
      j.head = ad.data();
      j.head_len = ad.size();
      j.body = al.bytes;
      j.body_len = sizeof al.bytes;
      j.tail = plaintext.data();
      j.tail_len = plaintext.size();
      j.out = sealed.data();
      j.out_len = kIvLen;
    }
    kernels::CbcEncryptJob& e = encrypts_[n_];
    e.key = &key;
    e.iv = sealed.data();
    e.in = plaintext.data();
    e.len = plaintext.size();
    e.out = sealed.data() + kIvLen;
    const Bytes body = sealed.first(sealed.size() - kTagLen);
    put_tag_job(tags_[n_++], key, ad, al, body, sealed.data() + body.size());
  }
  [[nodiscard]] bool run(const kernels::Kernel& kernel) const noexcept;

 private:
  kernels::MacJob ivs_[kChunk];
  kernels::CbcEncryptJob encrypts_[kChunk];
  kernels::MacJob tags_[kChunk];
  std::size_t n_ = 0;
  std::size_t n_derived_ = 0;
};

/// Looks at no padding.
class TagCheck {
 public:
  /// @param sealed  at least kLeastSealedLen bytes
  void add(const kernels::KeyState& key, Bytes ad, const Al& al, Bytes sealed) noexcept {
    const Bytes body = sealed.first(sealed.size() - kTagLen);
    put_tag_job(jobs_[n_], key, ad, al, body, tags_[n_]);
    // Behind a good tag there can only be half a block for a writer that held the key.
    whole_blocks_[n_++] = body.size() % kBlockLen == 0;
  }
  [[nodiscard]] bool run(const kernels::Kernel& kernel) noexcept;
  /// Whether message i has its tag, and whole blocks.
  [[nodiscard]] bool verified(std::size_t i) const noexcept { return verified_[i]; }

 private:
  kernels::MacJob jobs_[kChunk];
  std::uint8_t tags_[kChunk][kTagLen];
  bool whole_blocks_[kChunk];
  bool verified_[kChunk];
  std::size_t n_ = 0;
};

/// For messages whose tags are verified, and nothing else.
class Decryption {
 public:
  /// @param out  at least sealed.size() - kIvLen - kTagLen bytes
  void add(const kernels::KeyState& key, Bytes sealed, MutBytes out) noexcept {
    kernels::CbcDecryptJob& j = jobs_[n_++];
    j.key = &key;
    j.iv = sealed.data();
    j.in = sealed.data() + kIvLen;
    j.n_blocks = (sealed.size() - kIvLen - kTagLen) / kBlockLen;
    j.out = out.data();
  }
  [[nodiscard]] bool run(const kernels::Kernel& kernel) noexcept;
  /// Whether the padding of message i is right. Where it is not, its output is to be wiped.
  [[nodiscard]] bool opened(std::size_t i) const noexcept { return padding_[i] != 0; }
  /// Of a message that is opened.
  [[nodiscard]] std::size_t plaintext_len(std::size_t i) const noexcept {
    return kBlockLen * jobs_[i].n_blocks - padding_[i];
  }

 private:
  kernels::CbcDecryptJob jobs_[kChunk];
  std::uint8_t padding_[kChunk];  // lengths; 0 is none that is right
  std::size_t n_ = 0;
};

}  // namespace fle::engine

#endif  // FLE_SRC_ENGINE_H_
