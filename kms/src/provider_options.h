#ifndef FLE_KMS_PROVIDER_OPTIONS_H_
#define FLE_KMS_PROVIDER_OPTIONS_H_

#include <span>
#include <string>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/secret.h"

// Reading one provider's options out of a kmsProviders map. Values are secret: no function here
// puts one into an error.
namespace fle::kms {

[[nodiscard]] Failure invalid_options(std::string_view id, std::string_view why);

/// Refuses fields that are not `allowed`, and fields that stand twice.
[[nodiscard]] Done check_option_names(std::string_view id, const rapidjson::Value& options,
                                      std::span<const std::string_view> allowed);

/// Bytes given as base64 string or as Extended JSON binary, canonical or legacy.
/// @retval Errc::kms_config_invalid  missing, of another type, or not base64
[[nodiscard]] Outcome<SecretBytes> secret_option(std::string_view id,
                                                 const rapidjson::Value& options,
                                                 std::string_view field);

}  // namespace fle::kms

#endif  // FLE_KMS_PROVIDER_OPTIONS_H_
