#ifndef FLE_KMS_SEAL_H_
#define FLE_KMS_SEAL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_filter.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/observe.h"

// Seals: MongoDB's format of key documents does not bind keyMaterial to _id, so whoever can write
// to a vault can have one id open to another id's data key. A seal is a MAC over _id, keyMaterial,
// masterKey and keyAltNames. Format, keys and limits: docs/keys.md, "Sealed keys".
//
// A seal is checked whenever a key is used (KeyRing, rewrap_many_data_key) and the sealing key is
// there: SealOptions::key, or the master key of a local provider.
namespace fle::kms {

enum class SealState : std::uint8_t {
  unsealed,
  unchecked,  ///< There is a seal, but no sealing key for its provider.
  broken,     ///< It does not fit the document.
  sealed,     ///< It fits.
};

/// The state of one document. Nothing is unwrapped, no KMS is asked. Thread-safe.
/// @retval Errc::crypto_failed, Errc::key_document_invalid
[[nodiscard]] FLE_API Outcome<SealState> seal_state(const Providers& providers,
                                                    const KeyDocument& key);

struct SealKeysOptions {
  /// Also replaces seals that do not fit, where the document still opens to the data key that was
  /// sealed: a program without the sealing key rewrapped or renamed the key.
  bool renew = false;
  /// Replaces seals that do not fit, whatever the document opens to: as if it had none. For another
  /// sealing key.
  bool replace = false;
  /// Hears of the calls to KMS providers. May be null.
  std::shared_ptr<Observer> observer{};
};

struct SealKeysResult {
  std::vector<KeyId> sealed;   ///< Have a new seal.
  std::vector<KeyId> current;  ///< Had one that fits.
  std::vector<KeyId> changed;  ///< Left alone: somebody else changed or deleted them meanwhile.
};

/// Gives seals to the keys of a vault that the filter takes. Each is opened first, which may ask a
/// KMS, and nothing is stored before all have been. It believes what it finds: run it when the
/// vault is known to be right.
///
/// Thread-safe, as far as `vault` and `providers` are.
///
/// @retval Errc::kms_config_invalid  no sealing key for the provider of a key
/// @retval Errc::key_seal_broken     a seal does not fit, and the options do not replace it
/// @retval Errc::key_duplicate       two keys are one data key: the text names both
/// @retval Errc::key_unwrap_failed, Errc::kms_not_configured; as KeyVault, Provider
[[nodiscard]] FLE_API Outcome<SealKeysResult> seal_keys(KeyVault& vault, const Providers& providers,
                                                        const KeyFilter& filter,
                                                        const SealKeysOptions& options = {});

/// KeyVault::add_alt_name() and remove_alt_name() for keys that may be sealed: the seal is checked
/// and renewed with the names, atomically.
/// @return the document from before; none when no key has this id
/// @retval Errc::kms_config_invalid  the key is sealed, and there is no sealing key
/// @retval Errc::key_seal_broken     it was not in order before
/// @retval as KeyVault::add_alt_name, KeyVault::replace
[[nodiscard]] FLE_API Outcome<std::optional<KeyDocument>> add_alt_name(KeyVault& vault,
                                                                       const Providers& providers,
                                                                       const KeyId& id,
                                                                       std::string_view alt_name);
[[nodiscard]] FLE_API Outcome<std::optional<KeyDocument>> remove_alt_name(
    KeyVault& vault, const Providers& providers, const KeyId& id, std::string_view alt_name);

}  // namespace fle::kms

#endif  // FLE_KMS_SEAL_H_
