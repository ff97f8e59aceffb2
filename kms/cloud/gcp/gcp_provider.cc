#include "gcp_provider.h"

#include <string>
#include <utility>
#include <vector>

#include "cloud/http_provider.h"
#include "cloud/oauth.h"
#include "gcp_jwt.h"
#include "provider/credentials.h"
#include "text/text.h"

namespace fle::kms {
namespace {

struct GcpCredentials {
  SecretBytes access_token;  // empty: the rest is there
  SecretBytes email;
  SecretBytes private_key;  // PKCS#8 DER
  HttpEndpoint token_service;

  static Outcome<GcpCredentials> parse(std::string_view id, const rapidjson::Value& options,
                                       LockPolicy policy) {
    static constexpr std::string_view kToken[] = {"accessToken"};
    static constexpr std::string_view kAccount[] = {"email", "privateKey", "endpoint"};
    GcpCredentials c;
    if (has_option(options, "accessToken")) {
      FLE_CHECK(check_option_names(id, options, kToken));
      FLE_TRY(c.access_token, header_option(id, options, "accessToken", policy));
      return c;
    }
    FLE_CHECK(check_option_names(id, options, kAccount));
    FLE_TRY(c.email, text_option(id, options, "email", policy));
    FLE_TRY(c.private_key, secret_option(id, options, "privateKey", policy));
    if (!is_jwt_key(c.private_key.expose()))
      return invalid_options(
          id, "expected the PKCS#8 DER of an RSA key of 2048 bits or more for 'privateKey'");
    FLE_TRY(c.token_service, endpoint_option(id, options, "endpoint", "oauth2.googleapis.com"));
    return c;
  }
};

bool is_transient(int status) { return status == 408 || status == 429 || status >= 500; }

constexpr std::string_view kCloud = ".googleapis.com";

class GcpProvider final : public HttpProvider {
 public:
  GcpProvider(std::string id, CredentialSource<GcpCredentials> credentials, const KmsOptions& kms,
              const HttpHooks& hooks)
      : HttpProvider(std::move(id), {"gcp", "endpoint", is_transient}, kms, hooks,
                     credentials.fixed() == nullptr),
        credentials_(std::move(credentials)) {}

 private:
  Outcome<HttpPlan> plan_wrap(Bytes data_key, const MasterKey& mk) override {
    const std::string version = master_key_text(mk, "keyVersion");
    const std::string suffix = version.empty() ? "" : "/cryptoKeyVersions/" + version;
    FLE_TRY(auto asked, prepare_call("encrypt", suffix, "plaintext", mk, data_key));
    return plan(std::move(asked), "ciphertext");
  }

  // Never with a version: the ciphertext names its own.
  Outcome<HttpPlan> plan_unwrap(Bytes key_material, const MasterKey& mk) override {
    FLE_TRY(auto asked, prepare_call("decrypt", "", "ciphertext", mk, key_material));
    return plan(std::move(asked), "plaintext");
  }

  Outcome<HttpCall> prepare_call(std::string_view operation, const std::string& version_suffix,
                                 std::string_view field, const MasterKey& mk, Bytes value) {
    std::string key;
    constexpr std::pair<std::string_view, std::string_view> kParts[] = {
        {"projects/", "projectId"},
        {"/locations/", "location"},
        {"/keyRings/", "keyRing"},
        {"/cryptoKeys/", "keyName"}};
    for (const auto& [segment, name] : kParts)
      key.append(segment).append(master_key_text(mk, name));
    FLE_TRY(const HttpEndpoint to, endpoint_of(mk, "cloudkms.googleapis.com"));
    WipedText encoded;
    encoded.append_base64(value);
    WipedText body("{\"");
    body.append(field).append("\": \"").append(encoded.view()).append("\"}");
    HttpRequest request =
        http_post(to, "/v1/" + key + version_suffix + ":" + std::string(operation),
                  "application/json", std::move(body));
    request.headers.push_back({"Accept", WipedText("application/json")});
    request.secrets.push_back(std::move(encoded));
    return make_call(std::string(operation) + " with key " + words(key, kMaxKeyName),
                     std::move(request));
  }

  static HttpPlan plan(HttpCall asked, std::string_view field) {
    // libmongocrypt derives the scope from any endpoint. Google's regional and private endpoints
    // ("cloudkms.REGION.rep.googleapis.com") have no scope of their own.
    const HttpEndpoint& to = asked.request.to;
    const std::string domain =
        to.host.ends_with(kCloud) ? "googleapis.com" : std::string(to.domain());
    std::string scope = "https://www." + domain + "/auth/cloudkms";
    return {std::move(asked), field, Base64Alphabet::standard, nullptr, std::move(scope)};
  }

  // RFC 7523 section 2.1.
  Outcome<TokenPlan> plan_token(const std::string& scope) override {
    FLE_TRY(const auto c, credentials_.get());
    if (c->access_token.size() != 0) return given_token(c->access_token);
    const std::string audience = "https://" + c->token_service.authority() + "/token";
    FLE_TRY(WipedText jwt,
            make_jwt({text_of(c->email), audience, scope}, c->private_key.expose(), now()));
    WipedText form("grant_type=");
    form.append_percent_encoded("urn:ietf:params:oauth:grant-type:jwt-bearer");
    form.append("&assertion=").append(jwt.view());
    HttpRequest request = token_request(c->token_service, "/token", std::move(form));
    request.secrets.push_back(std::move(jwt));
    HttpCall asked = make_call("asking for an access token", std::move(request));
    asked.advice = "check email and privateKey, and this machine's clock";
    return TokenPlan(token_step(std::move(asked), lock_policy()));
  }

  static constexpr std::size_t kMaxKeyName = 256;
  CredentialSource<GcpCredentials> credentials_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_gcp_provider(std::string_view id,
                                                     const rapidjson::Value& options,
                                                     const KmsOptions& kms,
                                                     const HttpHooks& hooks) {
  FLE_TRY(auto credentials, CredentialSource<GcpCredentials>::create(id, options, kms));
  return std::unique_ptr<Provider>(
      std::make_unique<GcpProvider>(std::string(id), std::move(credentials), kms, hooks));
}

}  // namespace fle::kms
