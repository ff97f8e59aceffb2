#ifndef FLE_KMS_GCP_PROVIDER_H_
#define FLE_KMS_GCP_PROVIDER_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"
#include "http/http_driver.h"

namespace fle::kms {

/// Google Cloud KMS: encrypt and decrypt (Cloud KMS REST API v1). From {"email", "privateKey",
/// "endpoint"?} by a JWT of the service account, from {"accessToken"}, or from {} for either on
/// demand.
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_gcp_provider(std::string_view id,
                                                                   const rapidjson::Value& options,
                                                                   const KmsOptions& kms,
                                                                   const HttpHooks& hooks);

}  // namespace fle::kms

#endif  // FLE_KMS_GCP_PROVIDER_H_
