#ifndef FLE_KMS_REGISTRY_H_
#define FLE_KMS_REGISTRY_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// Builds the provider `id` from its options in a kmsProviders map and from `kms`. registry.cc is
/// the one file that sees every provider.
/// @retval Errc::kms_config_invalid  names the provider and the rule, never a value
/// @retval Errc::kms_unsupported     key documents may name it, but this version cannot use it
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_provider(std::string_view id,
                                                               const rapidjson::Value& options,
                                                               const KmsOptions& kms);

}  // namespace fle::kms

#endif  // FLE_KMS_REGISTRY_H_
