#ifndef FLE_KMS_AWS_SOURCES_H_
#define FLE_KMS_AWS_SOURCES_H_

#include "machine.h"

// Where AWS's own tools find credentials (AWS SDKs and Tools Reference Guide, "Standardized
// credential providers"). What these plans get is an options document: AwsCredentials::text().
namespace fle::kms {

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
[[nodiscard]] FoundPlan aws_environment(const Machine& machine);
/// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME.
[[nodiscard]] FoundPlan aws_web_identity(const Machine& machine);
/// AWS_PROFILE, else the profile "default": keys, or a role that is assumed.
[[nodiscard]] FoundPlan aws_profile(const Machine& machine);
/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN or _FILE.
[[nodiscard]] FoundPlan aws_container(const Machine& machine);
/// The instance metadata service, version 2 alone; AWS_EC2_METADATA_DISABLED.
[[nodiscard]] FoundPlan aws_instance(const Machine& machine);

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_SOURCES_H_
