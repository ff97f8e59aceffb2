#ifndef FLE_KMS_AZURE_PROVIDER_H_
#define FLE_KMS_AZURE_PROVIDER_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"
#include "http/http_driver.h"

namespace fle::kms {

/// Azure Key Vault: wrapkey and unwrapkey with RSA-OAEP-256 (Key Vault REST API 7.1). From
/// {"tenantId", "clientId", "clientSecret", "identityPlatformEndpoint"?} by OAuth client
/// credentials, from {"accessToken"}, or from {} for either on demand.
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_azure_provider(
    std::string_view id, const rapidjson::Value& options, const KmsOptions& kms,
    const HttpHooks& hooks);

}  // namespace fle::kms

#endif  // FLE_KMS_AZURE_PROVIDER_H_
