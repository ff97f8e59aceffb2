#ifndef FLE_KMS_CREATE_DATA_KEY_H_
#define FLE_KMS_CREATE_DATA_KEY_H_

#include <memory>
#include <string>
#include <vector>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/observe.h"
#include "fle/secret.h"

namespace fle::kms {

/// What create_data_key() needs.
struct CreateKeyOptions {
  MasterKey master_key = MasterKey::local();
  std::vector<std::string> alt_names{};
  /// Custom key material of 96 bytes; empty: fresh random bytes. The caller wipes it.
  BorrowedBytes key_material{};
  LockPolicy lock_policy = LockPolicy::required;
  /// Hears of the calls to the KMS provider. May be null.
  std::shared_ptr<Observer> observer{};
};

/// A data key that is not wrapped yet.
struct NewDataKey {
  KeyDocument document;  ///< All but KeyDocument::key_material.
  SecretBytes material;  ///< The 96 bytes.
};

/// The first step of create_data_key(), for callers with a network of their own: they wrap
/// `material` under document.master_key (Provider::begin_wrap()), which gives
/// KeyDocument::key_material, and store the document. It is not sealed.
/// @retval Errc::invalid_argument, Errc::random_failed  as create_data_key
/// @retval Errc::key_document_invalid  the master key breaks a rule
/// @retval Errc::lock_failed, Errc::no_memory
[[nodiscard]] FLE_API Outcome<NewDataKey> new_data_key(const CreateKeyOptions& options);

/// Makes a data key, wraps it, and stores it in `vault` (CSFLE specification, "createDataKey").
/// @retval Errc::invalid_argument   key_material is not 96 bytes, an alternate name is empty or
///                               appears twice
/// @retval Errc::key_duplicate      an alternate name is taken
/// @retval Errc::kms_config_invalid new keys are to be sealed (SealOptions), and nothing seals this
/// @retval Errc::kms_not_configured, Errc::random_failed
/// @retval as Provider::unwrap, and as every call of a KeyVault
[[nodiscard]] FLE_API Outcome<KeyDocument> create_data_key(KeyVault& vault,
                                                           const Providers& providers,
                                                           const CreateKeyOptions& options = {});

}  // namespace fle::kms

#endif  // FLE_KMS_CREATE_DATA_KEY_H_
