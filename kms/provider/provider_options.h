#ifndef FLE_KMS_PROVIDER_OPTIONS_H_
#define FLE_KMS_PROVIDER_OPTIONS_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"

// Reading one provider's options out of a kmsProviders map. Values are secret: no function here
// puts one into an error.
namespace fle::kms {

[[nodiscard]] Failure invalid_options(std::string_view id, std::string_view why);

/// Errc::not_in_build: the provider works by exchanges alone, for what connects it is not there.
[[nodiscard]] Failure exchanges_alone(std::string_view id, std::string_view package);

/// Refuses fields that are not `allowed`, and fields that appear twice.
[[nodiscard]] Done check_option_names(std::string_view id, const rapidjson::Value& options,
                                      std::span<const std::string_view> allowed);

/// Bytes given as base64 string or as Extended JSON binary, canonical or legacy.
/// @retval Errc::kms_config_invalid  missing, of another type, or not base64
[[nodiscard]] Outcome<SecretBytes> secret_option(std::string_view id,
                                                 const rapidjson::Value& options,
                                                 std::string_view field,
                                                 LockPolicy policy = LockPolicy::required);

/// A string that is not empty. header_option() also wants visible ASCII, for use in a header.
/// @retval Errc::kms_config_invalid  missing, of another type, empty, not fit for a header
[[nodiscard]] Outcome<SecretBytes> text_option(std::string_view id, const rapidjson::Value& options,
                                               std::string_view field, LockPolicy policy);
[[nodiscard]] Outcome<SecretBytes> header_option(std::string_view id,
                                                 const rapidjson::Value& options,
                                                 std::string_view field, LockPolicy policy);

[[nodiscard]] bool has_option(const rapidjson::Value& options, std::string_view field);
[[nodiscard]] bool is_empty_document(const rapidjson::Value& options);

/// Parses one provider's options as KmsOptions::credentials returns them, and hands them to `use`.
/// What is parsed is wiped afterwards.
/// @retval Errc::kms_config_invalid  not a JSON document; or what `use` returned
[[nodiscard]] Done with_options(Bytes text,
                                const std::function<Done(const rapidjson::Value&)>& use);

/// Calls KmsOptions::credentials for provider `id`.
/// @retval Errc::kms_no_credentials  the callback failed; its own message is kept
[[nodiscard]] Outcome<WipedBuffer> ask_for_credentials(
    std::string_view id, const decltype(KmsOptions::credentials)& callback);
[[nodiscard]] Failure no_credentials(std::string_view id, std::string_view why);

}  // namespace fle::kms

#endif  // FLE_KMS_PROVIDER_OPTIONS_H_
