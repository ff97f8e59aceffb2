#ifndef FLE_KMS_AWS_PROVIDER_H_
#define FLE_KMS_AWS_PROVIDER_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"
#include "http/http_driver.h"

namespace fle::kms {

/// AWS KMS: Encrypt and Decrypt (AWS KMS API reference, TrentService), signed with SigV4. From
/// {"accessKeyId", "secretAccessKey", "sessionToken"?}, or {} for credentials on demand.
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_aws_provider(std::string_view id,
                                                                   const rapidjson::Value& options,
                                                                   const KmsOptions& kms,
                                                                   const HttpHooks& hooks);

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_PROVIDER_H_
