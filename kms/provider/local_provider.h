#ifndef FLE_KMS_LOCAL_PROVIDER_H_
#define FLE_KMS_LOCAL_PROVIDER_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// @retval Errc::kms_config_invalid  `master_key` is not 96 bytes long
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_local_provider_from_key(std::string_view id,
                                                                              Bytes master_key,
                                                                              LockPolicy policy);

/// From {"key": <base64 or binary>}.
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_local_provider(
    std::string_view id, const rapidjson::Value& options, const KmsOptions& kms);

}  // namespace fle::kms

#endif  // FLE_KMS_LOCAL_PROVIDER_H_
