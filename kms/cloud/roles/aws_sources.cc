#include "aws_sources.h"

#include <algorithm>
#include <utility>

#include "aws_profiles.h"
#include "aws_sts.h"
#include "cloud/aws/aws_credentials.h"
#include "cloud/oauth.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::string_view kSessionName = "libfle";

/// What is used once, and looked for anew the next time.
Outcome<TokenPlan> fixed_credentials(const Machine& machine, std::string_view id,
                                     std::string_view secret, std::string_view token) {
  if (!is_header_safe(id) || !is_token_text(secret) || (!token.empty() && !is_header_safe(token)))
    return machine.failure(
        "an access key, its secret or its session token is not printable ASCII without spaces");
  return token_of(AwsCredentials::text(id, secret, token).view(), std::chrono::seconds(0),
                  machine.lock_policy());
}

// --- Profiles ---

/// One profile after another, each the source of the one before it.
class ProfileSteps {
 public:
  ProfileSteps(const Machine& machine, const Profiles& profiles)
      : m_(machine), profiles_(profiles) {}

  Outcome<TokenPlan> plan(const std::string& name) {
    if (!profiles_.has(name)) return failure(name, "is in none of AWS's files");
    // A profile that is its own source has keys beside the role.
    const bool again = std::ranges::find(seen_, name) != seen_.end();
    if (again && seen_.back() != name) return failure(name, "is its own source, by way of others");
    seen_.push_back(name);
    if (!again && !get(name, "role_arn").empty()) return role(name);
    if (!get(name, "aws_access_key_id").empty()) return keys(name);
    for (const std::string_view other : {"sso_session", "sso_start_url", "credential_process"})
      if (!get(name, other).empty())
        return failure(name, "has " + std::string(other) + ", which libfle does not use");
    return failure(name, "has neither role_arn nor aws_access_key_id");
  }

 private:
  std::string_view get(const std::string& profile, std::string_view name) const {
    return profiles_.get(profile, name);
  }
  Failure failure(const std::string& profile, const std::string& why) const {
    return m_.failure("profile " + quoted(profile) + " " + why);
  }

  Outcome<TokenPlan> keys(const std::string& name) const {
    if (get(name, "aws_secret_access_key").empty())
      return failure(name, "has no aws_secret_access_key");
    return fixed_credentials(m_, get(name, "aws_access_key_id"), get(name, "aws_secret_access_key"),
                             get(name, "aws_session_token"));
  }

  Outcome<TokenPlan> role(const std::string& name) {
    if (!get(name, "mfa_serial").empty())
      return failure(name, "has mfa_serial: nobody is asked for a code");
    const std::string_view session = get(name, "role_session_name");
    const std::string_view region = aws_region(m_);
    const AwsRole role{
        std::string(get(name, "role_arn")), std::string(session.empty() ? kSessionName : session),
        std::string(get(name, "external_id")), std::string(get(name, "duration_seconds")),
        std::string(region.empty() ? get(name, "region") : region)};
    const std::string token_file(get(name, "web_identity_token_file"));
    const std::string source_profile(get(name, "source_profile"));
    const std::string source(get(name, "credential_source"));
    if (int{token_file.empty()} + int{source_profile.empty()} + int{source.empty()} != 2)
      return failure(name,
                     "needs one of source_profile, credential_source and "
                     "web_identity_token_file beside role_arn");
    if (!token_file.empty())
      return assume_role_with_web_identity(m_, role, "web_identity_token_file", token_file);
    return assume_role(m_, role, source.empty() ? plan(source_profile) : named(name, source));
  }

  Outcome<TokenPlan> named(const std::string& profile, std::string_view source) const {
    constexpr std::pair<std::string_view, FoundPlan (*)(const Machine&)> kNamed[] = {
        {"Environment", aws_environment},
        {"EcsContainer", aws_container},
        {"Ec2InstanceMetadata", aws_instance}};
    for (const auto& [name, find] : kNamed) {
      if (name != source) continue;
      FoundPlan found = find(m_);
      if (found) return std::move(*found);
      return failure(profile, "has credential_source " + std::string(name) +
                                  ", which has nothing to give here");
    }
    return failure(profile, "has an unknown credential_source: " + quoted(source));
  }

  const Machine& m_;
  const Profiles& profiles_;
  std::vector<std::string> seen_;
};

// --- The metadata service of EC2 ---

constexpr std::string_view kNearInstances[] = {"169.254.169.254", "fd00:ec2::254"};
constexpr std::string_view kTokenHeader = "X-aws-ec2-metadata-token";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kInstanceAdvice =
    "check that this instance has a role, and that its metadata service may be asked (version 2; "
    "from a container, a hop limit of 2)";

bool is_role_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return is_unreserved(c) || c == '+' || c == '=' || c == ',' || c == '@';
  });
}

/// GET of `path`, with the session token.
HttpCall instance_call(const Machine& machine, const HttpUrl& service, const std::string& path,
                       const WipedText& token, std::string what) {
  HttpRequest request =
      Machine::request("GET", {service.to, service.target + path}, {{kTokenHeader, token.view()}});
  request.secrets.push_back(token);
  return machine.call(std::move(what), std::move(request), kInstanceAdvice);
}

TokenStep instance_credentials(const Machine& machine, const HttpUrl& service,
                               const WipedText& token, const std::string& role) {
  return {
      instance_call(machine, service, std::string(kRoles) + role, token,
                    "asking the metadata service for credentials of role " + quoted(role)),
      [&machine](const HttpCall& asked, HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
        const auto answer = judge(asked, std::move(response));
        if (!answer) return want_of_credentials(answer.error());
        if (const auto code = answer->text({"Code"}); code && *code != "Success")
          return asked.failure(Errc::kms_no_credentials, "the service says " + quoted(*code));
        return credentials_in(machine, asked, *answer, {}, "Token");
      }};
}

TokenStep instance_role(const Machine& machine, const HttpUrl& service, const WipedText& token) {
  return {instance_call(machine, service, std::string(kRoles), token,
                        "asking the metadata service for this instance's role"),
          [&machine, service, token](const HttpCall& asked,
                                     HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
            const auto body = body_of(asked, std::move(response));
            if (!body) return want_of_credentials(body.error());
            const std::string_view all = body->view();
            const std::string_view role = all.substr(0, all.find_first_of("\r\n"));
            if (!is_role_name(role))
              return asked.failure(Errc::kms_no_credentials, "the answer has no name of a role");
            return TokenPlan(instance_credentials(machine, service, token, std::string(role)));
          }};
}

TokenStep instance_session(const Machine& machine, const HttpUrl& service) {
  // One answer a minute is a long time for the two requests that need the token.
  HttpRequest request = Machine::request("PUT", {service.to, service.target + "/latest/api/token"},
                                         {{"X-aws-ec2-metadata-token-ttl-seconds", "60"}});
  return {machine.call("asking the metadata service for a session token", std::move(request),
                       kInstanceAdvice),
          [&machine, service](const HttpCall& asked,
                              HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
            auto body = body_of(asked, std::move(response));
            if (!body) {
              Failure f = want_of_credentials(body.error());
              if (f.code == Errc::kms_unreachable)
                f.message +=
                    "; no other credentials are set on this machine (environment variables, a "
                    "profile, a container's URI)";
              return f;
            }
            if (!is_header_safe(body->view()))
              return asked.failure(Errc::kms_no_credentials, "the answer is no session token");
            return TokenPlan(instance_role(machine, service, *body));
          }};
}

}  // namespace

FoundPlan aws_environment(const Machine& machine) {
  const std::string_view id = machine.variable("AWS_ACCESS_KEY_ID");
  const std::string_view secret = machine.variable("AWS_SECRET_ACCESS_KEY");
  if (id.empty() && secret.empty()) return std::nullopt;
  for (const auto& [name, value] :
       {std::pair("AWS_ACCESS_KEY_ID", id), std::pair("AWS_SECRET_ACCESS_KEY", secret)})
    if (value.empty())
      return machine.failure(std::string("the environment variable ") + name + " is not set");
  return fixed_credentials(machine, id, secret, machine.variable("AWS_SESSION_TOKEN"));
}

FoundPlan aws_web_identity(const Machine& machine) {
  constexpr const char* kFile = "AWS_WEB_IDENTITY_TOKEN_FILE";
  const std::string_view file = machine.variable(kFile);
  if (file.empty()) return std::nullopt;
  const std::string_view arn = machine.variable("AWS_ROLE_ARN");
  if (arn.empty()) return machine.failure(std::string(kFile) + " is set, and AWS_ROLE_ARN is not");
  const std::string_view session = machine.variable("AWS_ROLE_SESSION_NAME");
  const AwsRole role{std::string(arn),
                     std::string(session.empty() ? kSessionName : session),
                     {},
                     {},
                     std::string(aws_region(machine))};
  return assume_role_with_web_identity(machine, role, kFile, std::string(file));
}

FoundPlan aws_profile(const Machine& machine) {
  auto profiles = Profiles::read(machine);
  if (!profiles) return profiles.error();
  const std::string_view chosen = machine.variable("AWS_PROFILE");
  const std::string name(chosen.empty() ? "default" : chosen);
  if (chosen.empty() || profiles->has(name)) {
    constexpr std::string_view kOfCredentials[] = {"role_arn", "aws_access_key_id", "sso_session",
                                                   "sso_start_url", "credential_process"};
    // One with a region alone says nothing of credentials.
    if (std::ranges::all_of(kOfCredentials, [&](std::string_view setting) {
          return profiles->get(name, setting).empty();
        }))
      return std::nullopt;
  }
  return ProfileSteps(machine, *profiles).plan(name);
}

FoundPlan aws_container(const Machine& machine) {
  constexpr std::string_view kNear[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  constexpr const char* kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  constexpr const char* kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  constexpr const char* kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  constexpr const char* kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  const std::string_view relative = machine.variable(kRelative);
  const std::string_view full = machine.variable(kFull);
  if (relative.empty() && full.empty()) return std::nullopt;
  if (!relative.empty() && relative.front() != '/')
    return machine.failure(std::string(kRelative) + ": expected a path that begins with '/'");
  const std::string what = "KMS provider " + quoted(machine.provider_id()) + ": " +
                           (relative.empty() ? kFull : kRelative);
  const std::string address =
      relative.empty() ? std::string(full) : "http://169.254.170.2" + std::string(relative);
  auto url = parse_url(what, address, kNear);
  if (!url) return url.error();
  WipedText token(machine.variable(kToken));
  if (const std::string_view file = machine.variable(kTokenFile); !file.empty()) {
    auto read = machine.token_file(kTokenFile, std::string(file));
    if (!read) return read.error();
    token = std::move(*read);
  }
  if (!token.empty() && !is_token_text(token.view()))
    return machine.failure(std::string(kToken) + ": expected one line of printable ASCII");
  HttpRequest request = Machine::request("GET", *url, {{"Accept", "application/json"}});
  if (!token.empty()) {
    request.headers.push_back({"Authorization", token});
    request.secrets.push_back(std::move(token));
  }
  return TokenPlan(TokenStep{
      machine.call("asking the container's agent for credentials", std::move(request),
                   "check that this task or pod has a role, and the container's variables AWS_*"),
      [&machine](const HttpCall& asked, HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
        const auto answer = judge(asked, std::move(response));
        if (!answer) return want_of_credentials(answer.error());
        return credentials_in(machine, asked, *answer, {}, "Token");
      }});
}

FoundPlan aws_instance(const Machine& machine) {
  if (equal_ignoring_case(machine.variable("AWS_EC2_METADATA_DISABLED"), "true"))
    return std::nullopt;
  constexpr const char* kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
  std::string address(machine.variable(kEndpoint));
  if (address.empty())
    address =
        equal_ignoring_case(machine.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6")
            ? "http://[fd00:ec2::254]"
            : "http://169.254.169.254";
  auto service = parse_url("KMS provider " + quoted(machine.provider_id()) + ": " + kEndpoint,
                           address, kNearInstances);
  if (!service) return service.error();
  while (service->target.ends_with('/')) service->target.pop_back();
  return TokenPlan(instance_session(machine, *service));
}

}  // namespace fle::kms
