#ifndef FLE_KMS_SRC_SEAL_KEY_H_
#define FLE_KMS_SRC_SEAL_KEY_H_

#include <array>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/kms/provider.h"
#include "fle/secret.h"

namespace fle::kms {

using Mac = std::array<std::uint8_t, 32>;

/// HMAC-SHA-256 (RFC 2104).
[[nodiscard]] Outcome<Mac> hmac_sha256(Bytes key, Bytes data);

/// HKDF-SHA-256 (RFC 5869) for 1 to 32 bytes: `out` gets the first block of the expansion.
/// @retval Errc::crypto_failed
[[nodiscard]] Done hkdf_sha256(MutBytes out, Bytes secret, Bytes salt, Bytes info);

/// What seals are made and checked with: two HMAC keys that are derived from one secret. The format
/// is in docs/keys.md, "Sealed keys". Immutable and so thread-safe.
class SealKey {
 public:
  static constexpr std::size_t kMinSecret = 32;

  /// @param secret  a sealing key, or the master key of a local provider; the caller wipes it.
  /// @retval Errc::kms_config_invalid  shorter than kMinSecret
  /// @retval Errc::lock_failed, Errc::no_memory, Errc::crypto_failed
  [[nodiscard]] static Outcome<SealKey> from_secret(Bytes secret, LockPolicy policy);

  // Of a forked child: Errc::key_not_inherited. The keys read as zeros there, and a seal made with
  // zeros is one that anybody can make.

  /// A tag of a data key itself, whatever it is wrapped under. Equal keys have equal tags.
  [[nodiscard]] Outcome<Mac> commit(Bytes data_key) const;
  /// The seal of `key` as it is now; KeyDocument::seal plays no part.
  /// @param commitment  of its data key
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> seal(const KeyDocument& key,
                                                        const Mac& commitment) const;
  /// Whether KeyDocument::seal fits the rest of `key`.
  [[nodiscard]] Outcome<bool> fits(const KeyDocument& key) const;

 private:
  explicit SealKey(SecretBytes keys) noexcept : keys_(std::move(keys)) {}
  [[nodiscard]] Done check_process() const;
  [[nodiscard]] Outcome<Mac> mac_of(const KeyDocument& key, const Mac& commitment) const;

  pid_t owner_ = ::getpid();
  SecretBytes keys_;
};

/// The commitment in a seal; zeros when there is none.
[[nodiscard]] Mac commitment_in(const KeyDocument& key) noexcept;

/// The rule for keys that are to be used: a seal fits, wherever it can be checked, and is there,
/// where that is demanded. Asks no KMS.
/// @retval Errc::key_seal_broken, Errc::key_not_sealed
[[nodiscard]] Done check_seal(const Providers& providers, const KeyDocument& key);
/// What a wrapping has opened to is a data key: 96 bytes. Of a provider or a caller that is not
/// libfle's it may be anything.
/// @retval Errc::key_unwrap_failed
[[nodiscard]] Done check_data_key(Bytes data_key);
/// That, and that `data_key`, which the wrapped material opened to, is the one that was sealed.
/// @retval Errc::key_unwrap_failed, Errc::key_seal_broken
[[nodiscard]] Done check_sealed_material(const Providers& providers, const KeyDocument& key,
                                         Bytes data_key);

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_SEAL_KEY_H_
