#include "gcp_workload.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aws_sts.h"
#include "cloud/aws/aws_credentials.h"
#include "cloud/oauth.h"
#include "document/aws_partitions.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr const char* kVariable = "GOOGLE_APPLICATION_CREDENTIALS";
constexpr std::string_view kKmsScope = "https://www.googleapis.com/auth/cloudkms";
// Who is to stand for a service account needs this one first.
constexpr std::string_view kCloudScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view kPoolAdvice =
    "check the workload identity pool, its provider and the file of credentials";

using Subject = WipedText;

/// The file, and what is made of it. Shared by the steps of a plan.
class ExternalAccount {
 public:
  ExternalAccount(const Machine& machine, JsonAnswer file) : m_(machine), file_(std::move(file)) {}

  [[nodiscard]] std::string_view text(std::initializer_list<std::string_view> path) const {
    return file_.text(path).value_or(std::string_view());
  }
  [[nodiscard]] const JsonAnswer& file() const noexcept { return file_; }
  [[nodiscard]] const Machine& machine() const noexcept { return m_; }
  [[nodiscard]] Failure failure(const std::string& why) const {
    return m_.failure(std::string(kVariable) + ": " + why);
  }
  [[nodiscard]] Outcome<HttpUrl> url(std::string_view what, std::string_view text,
                                     std::span<const std::string_view> near = {}) const {
    return parse_url(
        "KMS provider " + quoted(m_.provider_id()) + ": " + kVariable + ": " + std::string(what),
        text, near);
  }

 private:
  const Machine& m_;
  JsonAnswer file_;
};
using Account = std::shared_ptr<const ExternalAccount>;

// --- The last step: a service account's token for that of the pool ---

Outcome<TokenPlan> impersonate(const Account& account, const TokenCache::Fetched& pool) {
  const Machine& machine = account->machine();
  FLE_TRY(const HttpUrl url, account->url("service_account_impersonation_url",
                                          account->text({"service_account_impersonation_url"})));
  WipedText body(R"({"scope": [)");
  body.append_json(kKmsScope).append(']');
  const std::string_view path[] = {"service_account_impersonation", "token_lifetime_seconds"};
  if (const auto lifetime = account->file().number(path)) {
    if (!(*lifetime >= 1) || *lifetime > 86'400)
      return account->failure("token_lifetime_seconds is not a number of seconds");
    body.append(R"(, "lifetime": ")")
        .append(std::to_string(static_cast<int>(*lifetime)))
        .append("s\"");
  }
  HttpRequest request =
      http_post(url.to, url.target, "application/json", std::move(body.append('}')));
  request.headers.push_back({"Accept", WipedText("application/json")});
  add_bearer(request, text_of(pool.token));
  return TokenPlan(TokenStep{
      machine.call("asking for an access token of the service account", std::move(request),
                   "check that the pool's identity may be a token creator of the account"),
      [&machine](const HttpCall& asked, HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
        const auto answer = judge(asked, std::move(response));
        if (!answer) return want_of_credentials(answer.error());
        const auto token = answer->text({"accessToken"});
        const auto end = parse_utc(answer->text({"expireTime"}).value_or(std::string_view()));
        if (!token || !is_header_safe(*token))
          return asked.failure(Errc::kms_no_credentials, "the answer has no usable accessToken");
        if (!end)
          return asked.failure(Errc::kms_no_credentials, "the answer has no usable expireTime");
        const auto lifetime = seconds_until(*end, machine.now());
        if (lifetime.count() <= 0)
          return asked.failure(Errc::kms_no_credentials,
                               "the token in the answer has expired: check this machine's clock");
        return token_of(*token, lifetime, machine.lock_policy());
      }});
}

// --- The exchange: the pool's token for somebody else's (RFC 8693) ---

Outcome<TokenPlan> exchange_subject(const Account& account, const Subject& subject) {
  const Machine& machine = account->machine();
  FLE_TRY(const HttpUrl url, account->url("token_url", account->text({"token_url"})));
  const bool impersonates = !account->text({"service_account_impersonation_url"}).empty();
  const std::pair<std::string_view, std::string_view> kParameters[] = {
      {"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
      {"audience", account->text({"audience"})},
      {"scope", impersonates ? kCloudScope : kKmsScope},
      {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
      {"subject_token_type", account->text({"subject_token_type"})},
      {"subject_token", subject.view()}};
  WipedText form;
  for (const auto& [name, value] : kParameters) {
    if (value.empty()) return account->failure(std::string(name) + " is missing");
    if (!form.empty()) form.append('&');
    form.append(name).append('=').append_percent_encoded(value);
  }
  HttpRequest request = token_request(url.to, url.target, std::move(form));
  request.secrets.push_back(subject);
  Outcome<TokenPlan> plan =
      TokenPlan(token_step(machine.call("exchanging a token for one of the workload identity pool",
                                        std::move(request), kPoolAdvice),
                           machine.lock_policy()));
  if (!impersonates) return plan;
  return and_then(std::move(plan),
                  [account](TokenCache::Fetched pool) { return impersonate(account, pool); });
}

// --- The subject: somebody else's token ---

/// A text out of a file or of an answer, as credential_source.format says.
Outcome<Subject> subject_in(const Account& account, WipedText text) {
  const std::string_view type = account->text({"credential_source", "format", "type"});
  std::string_view token = text.view();
  if (type == "json") {
    const auto json = JsonAnswer::parse(std::move(text));
    const auto field = account->text({"credential_source", "format", "subject_token_field_name"});
    const auto found = json ? json->text({field}) : std::nullopt;
    if (!found || !is_token_text(*found))
      return account->failure("the subject's token is not in JSON, or not in its field");
    return Subject(*found);
  }
  if (!type.empty() && type != "text")
    return account->failure("an unknown format of the subject's token: " + quoted(type));
  token = token.substr(0, token.find_last_not_of("\r\n") + 1);
  if (!is_token_text(token))
    return account->failure("the subject's token is empty, or not one line of printable ASCII");
  return Subject(token);
}

Outcome<TokenPlan> from_file(const Account& account) {
  const std::string path(account->text({"credential_source", "file"}));
  FLE_TRY(auto text, account->machine().file("credential_source.file", path));
  if (!text) return account->failure("the file of the subject's token is not there");
  FLE_TRY(const Subject subject, subject_in(account, std::move(*text)));
  return exchange_subject(account, subject);
}

Outcome<TokenPlan> from_url(const Account& account) {
  constexpr std::string_view kNear[] = {"169.254.169.254"};
  FLE_TRY(const HttpUrl url, account->url("credential_source.url",
                                          account->text({"credential_source", "url"}), kNear));
  HttpRequest request = Machine::request("GET", url, {});
  const std::string_view path[] = {"credential_source", "headers"};
  if (account->file().has(path)) {
    const auto headers = account->file().texts(path);
    if (!headers) return account->failure("credential_source.headers has more than texts");
    for (const auto& [name, value] : *headers) {
      if (name.empty() || !std::ranges::all_of(name, is_unreserved) || !is_token_text(value))
        return account->failure("credential_source.headers has what is no header");
      request.headers.push_back({std::string(name), WipedText(value)});
      request.secrets.emplace_back(value);
    }
  }
  return TokenPlan(TokenStep{
      account->machine().call("asking for the subject's token", std::move(request), kPoolAdvice),
      [account](const HttpCall& asked, HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
        auto body = body_of(asked, std::move(response));
        if (!body) return want_of_credentials(body.error());
        FLE_TRY(const Subject subject, subject_in(account, std::move(*body)));
        return exchange_subject(account, subject);
      }});
}

/// The token is a signed request to AWS, which Google makes to learn whose credentials they are.
Outcome<TokenPlan> from_aws(const Account& account) {
  if (account->text({"credential_source", "environment_id"}) != "aws1")
    return account->failure("an unknown environment_id of credential_source");
  const std::string region(aws_region(account->machine()));
  if (!is_aws_region(region))
    return account->failure("a subject on AWS needs AWS_REGION or AWS_DEFAULT_REGION");
  FoundPlan credentials = find_credentials(account->machine(), "aws");
  if (!credentials) return account->failure("AWS has no credentials on this machine");
  const auto sign = [account, region](const TokenCache::Fetched& fetched) -> Outcome<TokenPlan> {
    const Machine& machine = account->machine();
    FLE_TRY(const auto signer,
            AwsCredentials::parse_text(machine.provider_id(), text_of(fetched.token),
                                       machine.lock_policy()));
    HttpRequest asks;
    asks.to.host = "sts." + region + std::string(aws_partition_of(region).domain);
    asks.target = "/?Action=GetCallerIdentity&Version=2011-06-15";
    asks.headers.push_back({"host", WipedText(asks.to.host)});
    asks.headers.push_back(
        {"x-goog-cloud-target-resource", WipedText(account->text({"audience"}))});
    FLE_CHECK(sign_v4(asks, signer.signing_key(region, "sts"), machine.now()));
    WipedText token(R"({"url": )");
    token.append_json("https://" + asks.to.host + asks.target);
    token.append(R"(, "method": "POST", "headers": [)");
    for (const HttpHeader& h : asks.headers) {
      token.append(&h == asks.headers.data() ? "" : ", ").append(R"({"key": )");
      token.append_json(h.name).append(R"(, "value": )").append_json(h.value.view()).append('}');
    }
    token.append("]}");
    Subject subject;
    subject.append_percent_encoded(token.view());
    return exchange_subject(account, subject);
  };
  return and_then(std::move(*credentials), sign);
}

struct SubjectKind {
  std::string_view field;  // of credential_source
  Outcome<TokenPlan> (*plan)(const Account&);
};
// An environment_id says what a URL beside it is for.
constexpr SubjectKind kKinds[] = {
    {"environment_id", from_aws}, {"file", from_file}, {"url", from_url}};

}  // namespace

FoundPlan gcp_workload(const Machine& machine) {
  const std::string path(machine.variable(kVariable));
  if (path.empty()) return std::nullopt;
  auto text = machine.file(kVariable, path);
  if (!text) return text.error();
  if (!*text) return machine.failure(std::string(kVariable) + ": the file is not there");
  auto json = JsonAnswer::parse(std::move(**text));
  if (!json) return machine.failure(std::string(kVariable) + ": the file is not a JSON object");
  const auto account = std::make_shared<const ExternalAccount>(machine, std::move(*json));
  if (account->text({"type"}) != "external_account")
    return account->failure(
        "expected a file of the type external_account; the email and private key of a service "
        "account stand in the options of the provider");
  for (const SubjectKind& kind : kKinds)
    if (!account->text({"credential_source", kind.field}).empty()) return kind.plan(account);
  return account->failure("credential_source has neither file nor url, nor is it AWS's");
}

}  // namespace fle::kms
