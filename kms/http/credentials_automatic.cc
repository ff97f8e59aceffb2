#include "credentials_automatic.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "http_call.h"
#include "oauth.h"
#include "provider/credentials.h"

namespace fle::kms {
namespace {

constexpr std::chrono::seconds kTimeout{10};
constexpr std::uint16_t kHttpPort = 80;

/// Where a cloud's machines get tokens from.
struct MetadataService {
  std::string_view provider;
  const char* host;
  const char* target;
  const char* header;
  const char* value;
};
// Microsoft, "Azure Instance Metadata Service"; Google, "About VM metadata".
constexpr MetadataService kServices[] = {
    {"azure", "169.254.169.254",
     "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net"
     "%2F",
     "Metadata", "true"},
    {"gcp", "metadata.google.internal",
     "/computeMetadata/v1/instance/service-accounts/default/token", "Metadata-Flavor", "Google"},
};

bool is_transient(int status) { return status == 429 || status >= 500; }

Outcome<WipedBuffer> to_buffer(const WipedText& text) {
  WipedBuffer out;
  FLE_CHECK(out.reset(text.size()));
  std::ranges::copy(text.bytes(), out.bytes().begin());
  return out;
}

Outcome<WipedBuffer> aws_environment() {
  struct Variable {
    const char* name;
    const char* option;
    bool required;
  };
  constexpr Variable kVariables[] = {{"AWS_ACCESS_KEY_ID", "accessKeyId", true},
                                     {"AWS_SECRET_ACCESS_KEY", "secretAccessKey", true},
                                     {"AWS_SESSION_TOKEN", "sessionToken", false}};
  WipedText json("{");
  for (const Variable& v : kVariables) {
    const char* value = std::getenv(v.name);
    const bool absent = value == nullptr || *value == '\0';
    if (absent && v.required)
      return Failure(Errc::kms_no_credentials,
                     std::string("the environment variable ") + v.name + " is not set");
    if (absent) continue;
    if (json.size() > 1) json.append(", ");
    json.append_json(v.option).append(": ").append_json(value);
  }
  return to_buffer(json.append('}'));
}

class Automatic {
 public:
  Automatic(LockPolicy policy, const HttpHooks& hooks)
      : policy_(policy),
        driver_(make_http_driver(settings(hooks))),
        tokens_(hooks.monotonic ? hooks.monotonic : std::chrono::steady_clock::now) {}

  Outcome<WipedBuffer> operator()(std::string_view id) {
    if (id == "aws") return aws_environment();
    FLE_CHECK(process_.check(id));
    const auto* service = std::ranges::find(kServices, id, &MetadataService::provider);
    if (service == std::end(kServices))
      return Failure(Errc::kms_no_credentials,
                     "this machine has automatic credentials for aws, azure and gcp alone");
    if (driver_ == nullptr)
      return Failure(Errc::not_in_build,
                     "the metadata service is asked over libcurl, which this build lacks: give "
                     "KmsOptions::credentials a function of your own");
    FLE_TRY(const TokenCache::Token token,
            tokens_.get(std::string(id), [&] { return ask(*service); }));
    WipedText json("{\"accessToken\": ");
    return to_buffer(json.append_json(text_of(*token)).append('}'));
  }

 private:
  static HttpSettings settings(const HttpHooks& hooks) {
    HttpSettings s;
    s.plain = true;
    s.connect_timeout = kTimeout;
    s.connect_to = hooks.connect_to;
    s.request_timeout = kTimeout;
    s.sleep = hooks.sleep;
    return s;
  }

  Outcome<TokenCache::Fetched> ask(const MetadataService& service) {
    HttpRequest request;
    request.to = {service.host, kHttpPort, true};
    request.method = "GET";
    request.target = service.target;
    request.headers.push_back({"Host", WipedText(service.host)});
    request.headers.push_back({"Accept", WipedText("application/json")});
    request.headers.push_back({service.header, WipedText(service.value)});
    const HttpCall asked{std::string(service.provider), "asking the metadata service for a token",
                         std::move(request), is_transient,
                         "check that this machine has an identity with access to keys"};
    return token_in(driver_->exchange(asked), asked, policy_);
  }

  const LockPolicy policy_;
  SameProcess process_;
  const std::unique_ptr<HttpDriver> driver_;  // null: there is no libcurl
  TokenCache tokens_;
};

}  // namespace

decltype(KmsOptions::credentials) automatic_credentials_with(LockPolicy policy,
                                                             const HttpHooks& hooks) {
  const auto source = std::make_shared<Automatic>(policy, hooks);
  return [source](std::string_view id) { return (*source)(id); };
}

decltype(KmsOptions::credentials) automatic_credentials(LockPolicy policy) {
  return automatic_credentials_with(policy, HttpHooks());
}

}  // namespace fle::kms
