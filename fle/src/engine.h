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

/// How the IV of a message comes about.
enum class Iv : std::uint8_t {
  given,  ///< Already stands at the start of the sealed bytes.
  /// First 16 bytes of HMAC-SHA-512(IV key, AD || AL || P): the deterministic algorithm. Only for
  /// the associated data of a field, kPayloadHeaderLen bytes.
  derived,
};

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

/// One message to seal. Checked by the caller: sizes fit, the key is live.
struct SealItem {
  KeyUse key;
  Iv iv;
  Bytes associated_data;
  Bytes plaintext;
  MutBytes sealed;  ///< sealed_len(plaintext.size()) bytes: IV || C || T
};

/// One message to open.
struct OpenItem {
  KeyUse key;
  Bytes associated_data;
  Bytes sealed;
  MutBytes out;         ///< at least sealed.size() - 48 bytes, or empty if sealed is shorter
  bool opened = false;  ///< set by check_tags, taken back by decrypt
  std::size_t plaintext_len = 0;
};

inline constexpr std::size_t kChunk = 64;  ///< items a call may have at most

/// False when libcrypto failed.
[[nodiscard]] bool seal(std::span<const SealItem> items) noexcept;

/// Verifies every tag, in constant time; sets `opened`. Looks at no padding.
[[nodiscard]] bool check_tags(std::span<OpenItem> items) noexcept;
/// Decrypts the items that are `opened`; checks their padding in constant time, takes `opened` back
/// where it is wrong and wipes that output.
[[nodiscard]] bool decrypt(std::span<OpenItem> items) noexcept;

/// False in a forked child, and for a key that was moved from.
[[nodiscard]] inline bool is_live(const KeyUse& key) noexcept {
  return key.state->live == kernels::kLive;
}

}  // namespace fle::engine

#endif  // FLE_SRC_ENGINE_H_
