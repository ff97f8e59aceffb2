#include "aws_sts.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cloud/aws/aws_credentials.h"
#include "cloud/oauth.h"
#include "document/aws_partitions.h"
#include "text/text.h"

namespace fle::kms {
namespace {

// Some services give out the same credentials until so long before their end.
constexpr std::chrono::seconds kRenewBefore{300};
constexpr std::size_t kMostOfArn = 256;
constexpr double kLatest = 253'402'300'799;  // 9999-12-31

struct Sts {
  HttpEndpoint to;
  std::string region;
};

Outcome<Sts> sts_of(const Machine& machine, const AwsRole& role) {
  Sts out;
  if (role.region.empty()) {
    if (!role.arn.starts_with("arn:aws:"))
      return machine.failure("the role is not in the partition 'aws': set AWS_REGION");
    out.to.host = "sts.amazonaws.com";
    out.region = "us-east-1";
    return out;
  }
  if (!is_aws_region(role.region))
    return machine.failure("not a region of AWS: " + quoted(role.region));
  out.to.host = "sts." + role.region + std::string(aws_partition_of(role.region).domain);
  out.region = role.region;
  return out;
}

using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;

HttpRequest sts_request(const Sts& sts, const Parameters& parameters) {
  WipedText form("Version=2011-06-15");
  for (const auto& [name, value] : parameters)
    if (!value.empty()) form.append('&').append(name).append('=').append_percent_encoded(value);
  // It would answer with XML.
  return token_request(sts.to, "/", std::move(form));
}

/// The step that asks for a role, and ends with its credentials.
TokenStep role_step(const Machine& machine, const AwsRole& role, std::string_view action,
                    HttpRequest request, std::string_view advice) {
  HttpCall call = machine.call(std::string(action) + " '" + words(role.arn, kMostOfArn) + "'",
                               std::move(request), advice);
  return {std::move(call),
          [&machine, action](const HttpCall& asked,
                             HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
            const auto answer = judge(asked, std::move(response));
            if (!answer) return want_of_credentials(answer.error());
            const std::string outer = std::string(action) + "Response";
            const std::string inner = std::string(action) + "Result";
            return credentials_in(machine, asked, *answer, {outer, inner, "Credentials"},
                                  "SessionToken");
          }};
}

/// Seconds since 1970, or RFC 3339.
std::optional<std::chrono::sys_seconds> time_in(const JsonAnswer& answer, JsonAnswer::Path path) {
  if (const auto text = answer.text(path)) return parse_utc(*text);
  const auto number = answer.number(path);
  if (!number || !(*number >= 0) || *number > kLatest) return std::nullopt;
  return std::chrono::sys_seconds(
      std::chrono::seconds(static_cast<std::int64_t>(std::floor(*number))));
}

Outcome<TokenPlan> ask_for_role(const Machine& machine, const AwsRole& role,
                                const TokenCache::Fetched& source) {
  const std::string_view text = text_of(source.token);
  FLE_TRY(const auto signer,
          AwsCredentials::parse_text(machine.provider_id(), text, machine.lock_policy()));
  FLE_TRY(const Sts sts, sts_of(machine, role));
  HttpRequest request = sts_request(sts, {{"Action", "AssumeRole"},
                                          {"RoleArn", role.arn},
                                          {"RoleSessionName", role.session_name},
                                          {"ExternalId", role.external_id},
                                          {"DurationSeconds", role.duration}});
  request.secrets.emplace_back(role.external_id);
  FLE_CHECK(sign_v4(request, signer.signing_key(sts.region, "sts"), machine.now()));
  return TokenPlan(role_step(machine, role, "AssumeRole", std::move(request),
                             "check the role's trust policy, the external id, and that the source "
                             "may assume the role"));
}

}  // namespace

Outcome<TokenPlan> assume_role_with_web_identity(const Machine& machine, const AwsRole& role,
                                                 std::string_view what,
                                                 const std::string& token_file) {
  FLE_TRY(const Sts sts, sts_of(machine, role));
  FLE_TRY(WipedText token, machine.token_file(what, token_file));
  HttpRequest request = sts_request(sts, {{"Action", "AssumeRoleWithWebIdentity"},
                                          {"RoleArn", role.arn},
                                          {"RoleSessionName", role.session_name},
                                          {"DurationSeconds", role.duration},
                                          {"WebIdentityToken", token.view()}});
  request.secrets.push_back(std::move(token));
  return TokenPlan(
      role_step(machine, role, "AssumeRoleWithWebIdentity", std::move(request),
                "check the role's trust policy, and that the token's file is renewed"));
}

Outcome<TokenPlan> assume_role(const Machine& machine, const AwsRole& role,
                               Outcome<TokenPlan> source) {
  return and_then(std::move(source), [&machine, role](TokenCache::Fetched fetched) {
    return ask_for_role(machine, role, fetched);
  });
}

std::string_view aws_region(const Machine& machine) {
  const std::string_view region = machine.variable("AWS_REGION");
  return region.empty() ? machine.variable("AWS_DEFAULT_REGION") : region;
}

Outcome<TokenPlan> credentials_in(const Machine& machine, const HttpCall& asked,
                                  const JsonAnswer& answer,
                                  std::initializer_list<std::string_view> path,
                                  std::string_view token_name) {
  std::vector<std::string_view> at(path);
  at.emplace_back();
  const auto text = [&](std::string_view name) {
    at.back() = name;
    return answer.text(at).value_or(std::string_view());
  };
  const auto without = [&](std::string_view name) {
    return asked.failure(Errc::kms_no_credentials, "the answer has no usable " + std::string(name));
  };
  const std::string_view id = text("AccessKeyId");
  const std::string_view secret = text("SecretAccessKey");
  const std::string_view token = text(token_name);
  if (!is_header_safe(id)) return without("AccessKeyId");
  if (!is_token_text(secret)) return without("SecretAccessKey");
  if (!is_header_safe(token)) return without(token_name);
  at.back() = "Expiration";
  std::chrono::seconds lifetime{0};
  if (answer.has(at)) {
    const auto end = time_in(answer, at);
    if (!end) return without("Expiration");
    lifetime = seconds_until(*end, machine.now());
    if (lifetime.count() <= 0)
      return asked.failure(
          Errc::kms_no_credentials,
          "the credentials in the answer have expired: check this machine's clock");
  }
  const WipedText options = AwsCredentials::text(id, secret, token);
  FLE_TRY(TokenPlan out, token_of(options.view(), lifetime, machine.lock_policy()));
  std::get<TokenCache::Fetched>(out).renew_before = kRenewBefore;
  return out;
}

}  // namespace fle::kms
