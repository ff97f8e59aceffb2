#include "azure_provider.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cloud/http_provider.h"
#include "cloud/oauth.h"
#include "provider/credentials.h"

namespace fle::kms {
namespace {

struct AzureCredentials {
  SecretBytes access_token;  // empty: the rest is there
  SecretBytes tenant_id;
  SecretBytes client_id;
  SecretBytes client_secret;
  HttpEndpoint identity_platform;

  static Outcome<AzureCredentials> parse(std::string_view id, const rapidjson::Value& options,
                                         LockPolicy policy) {
    static constexpr std::string_view kToken[] = {"accessToken"};
    static constexpr std::string_view kClient[] = {"tenantId", "clientId", "clientSecret",
                                                   "identityPlatformEndpoint"};
    AzureCredentials c;
    if (has_option(options, "accessToken")) {
      FLE_CHECK(check_option_names(id, options, kToken));
      FLE_TRY(c.access_token, header_option(id, options, "accessToken", policy));
      return c;
    }
    FLE_CHECK(check_option_names(id, options, kClient));
    FLE_TRY(c.tenant_id, text_option(id, options, "tenantId", policy));
    if (!std::ranges::all_of(text_of(c.tenant_id), is_unreserved))
      return invalid_options(id, "expected letters, digits and any of -._~ for 'tenantId'");
    FLE_TRY(c.client_id, text_option(id, options, "clientId", policy));
    FLE_TRY(c.client_secret, text_option(id, options, "clientSecret", policy));
    FLE_TRY(c.identity_platform,
            endpoint_option(id, options, "identityPlatformEndpoint", "login.microsoftonline.com"));
    return c;
  }
};

bool is_transient(int status) {
  constexpr int kTransient[] = {408, 429, 500, 502, 503, 504};
  return std::ranges::find(kTransient, status) != std::end(kTransient);
}

class AzureProvider final : public HttpProvider {
 public:
  AzureProvider(std::string id, CredentialSource<AzureCredentials> credentials,
                const KmsOptions& kms, const HttpHooks& hooks)
      : HttpProvider(std::move(id), {"azure", "keyVaultEndpoint", is_transient}, kms, hooks,
                     credentials.fixed() == nullptr),
        credentials_(std::move(credentials)) {}

 private:
  Outcome<HttpPlan> plan_wrap(Bytes data_key, const MasterKey& mk) override {
    return plan("wrapkey", mk, data_key);
  }

  Outcome<HttpPlan> plan_unwrap(Bytes key_material, const MasterKey& mk) override {
    return plan("unwrapkey", mk, key_material);
  }

  Outcome<HttpPlan> plan(std::string_view operation, const MasterKey& mk, Bytes value) {
    const std::string name = master_key_text(mk, "keyName");
    const std::string version = master_key_text(mk, "keyVersion");
    FLE_TRY(const HttpEndpoint to, endpoint_of(mk, {}));
    WipedText encoded;
    encoded.append_base64url(value);
    WipedText body(R"({"alg": "RSA-OAEP-256", "value": ")");
    body.append(encoded.view()).append("\"}");
    // Without a version the segment stays, empty, as drivers have it.
    HttpRequest request = http_post(
        to, "/keys/" + name + "/" + version + "/" + std::string(operation) + "?api-version=7.1",
        "application/json", std::move(body));
    request.headers.push_back({"Accept", WipedText("application/json")});
    request.secrets.push_back(std::move(encoded));
    return HttpPlan{
        make_call(std::string(operation) + " with key " + quoted(name), std::move(request)),
        "value", Base64Alphabet::url, nullptr, "https://" + std::string(to.domain()) + "/.default"};
  }

  // RFC 6749 section 4.4, with the scope of Microsoft's identity platform 2.0.
  Outcome<TokenPlan> plan_token(const std::string& scope) override {
    FLE_TRY(const auto c, credentials_.get());
    if (c->access_token.size() != 0) return given_token(c->access_token);
    WipedText form("client_id=");
    form.append_percent_encoded(text_of(c->client_id));
    form.append("&scope=").append_percent_encoded(scope);
    form.append("&client_secret=").append_percent_encoded(text_of(c->client_secret));
    form.append("&grant_type=client_credentials");
    HttpRequest request = token_request(
        c->identity_platform, "/" + std::string(text_of(c->tenant_id)) + "/oauth2/v2.0/token",
        std::move(form));
    request.secrets.emplace_back(text_of(c->client_secret));
    request.secrets.emplace_back(
        WipedText().append_percent_encoded(text_of(c->client_secret)).view());
    HttpCall asked = make_call("asking for an access token", std::move(request));
    asked.advice = "check tenantId, clientId and clientSecret";
    return TokenPlan(token_step(std::move(asked), lock_policy()));
  }

  CredentialSource<AzureCredentials> credentials_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_azure_provider(std::string_view id,
                                                       const rapidjson::Value& options,
                                                       const KmsOptions& kms,
                                                       const HttpHooks& hooks) {
  FLE_TRY(auto credentials, CredentialSource<AzureCredentials>::create(id, options, kms));
  return std::unique_ptr<Provider>(
      std::make_unique<AzureProvider>(std::string(id), std::move(credentials), kms, hooks));
}

}  // namespace fle::kms
