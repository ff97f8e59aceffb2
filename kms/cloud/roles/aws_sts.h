#ifndef FLE_KMS_AWS_STS_H_
#define FLE_KMS_AWS_STS_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "machine.h"

namespace fle::kms {

/// A role, as STS is asked for it. What is empty is not sent, but for the name of the session.
struct AwsRole {
  std::string arn;
  std::string session_name;
  std::string external_id;
  std::string duration;  ///< Seconds.
  std::string region;    ///< Of the STS that is asked; empty: the global one.
};

/// AssumeRoleWithWebIdentity, with the token in a file.
/// @param what  names the file in errors
[[nodiscard]] Outcome<TokenPlan> assume_role_with_web_identity(const Machine& machine,
                                                               const AwsRole& role,
                                                               std::string_view what,
                                                               const std::string& token_file);
/// AssumeRole, signed with what `source` gets.
[[nodiscard]] Outcome<TokenPlan> assume_role(const Machine& machine, const AwsRole& role,
                                             Outcome<TokenPlan> source);

/// The region that the environment names; empty: none.
[[nodiscard]] std::string_view aws_region(const Machine& machine);

/// Credentials out of an answer: AccessKeyId, SecretAccessKey, `token_name` and Expiration below
/// `path`. Without an Expiration they are used once.
/// @retval Errc::kms_no_credentials  some are missing, or they have expired
[[nodiscard]] Outcome<TokenPlan> credentials_in(const Machine& machine, const HttpCall& asked,
                                                const JsonAnswer& answer,
                                                std::initializer_list<std::string_view> path,
                                                std::string_view token_name);

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_STS_H_
