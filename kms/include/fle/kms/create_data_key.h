#ifndef FLE_KMS_CREATE_DATA_KEY_H_
#define FLE_KMS_CREATE_DATA_KEY_H_

#include <string>
#include <vector>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/secret.h"

namespace fle::kms {

/// What create_data_key() needs.
struct CreateKeyOptions {
  MasterKey master_key = MasterKey::local();
  std::vector<std::string> alt_names{};
  /// Custom key material of 96 bytes; empty: fresh random bytes. The caller wipes it.
  Bytes key_material{};
  LockPolicy lock_policy = LockPolicy::required;
};

/// Makes a data key, wraps it, and stores it in `vault` (CSFLE specification, "createDataKey").
/// @retval Errc::invalid_argument   key_material is not 96 bytes, an alternate name is empty or
///                               appears twice
/// @retval Errc::key_duplicate      an alternate name is taken
/// @retval Errc::kms_config_invalid new keys are to be sealed (SealOptions), and nothing seals this
/// @retval Errc::kms_not_configured, Errc::vault_failed, Errc::vault_busy, Errc::random_failed
[[nodiscard]] FLE_API Outcome<KeyDocument> create_data_key(KeyVault& vault,
                                                           const Providers& providers,
                                                           const CreateKeyOptions& options = {});

}  // namespace fle::kms

#endif  // FLE_KMS_CREATE_DATA_KEY_H_
