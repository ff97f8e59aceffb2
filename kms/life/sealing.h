#ifndef FLE_KMS_SEALING_H_
#define FLE_KMS_SEALING_H_

#include "document/seal_key.h"
#include "fle/kms/key_document.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// What seals `key`; for those that change it.
/// @retval Errc::kms_config_invalid  nothing does
[[nodiscard]] Outcome<const SealKey*> sealing_key_for(const Providers& providers,
                                                      const KeyDocument& key);
/// Gives `after`, which has the data key and the provider of `before`, a seal if that one has one.
/// @retval Errc::kms_config_invalid  there is no sealing key
/// @retval Errc::key_seal_broken     the seal of `before` does not fit
[[nodiscard]] Done renew_seal(KeyDocument& after, const KeyDocument& before,
                              const Providers& providers);

}  // namespace fle::kms

#endif  // FLE_KMS_SEALING_H_
