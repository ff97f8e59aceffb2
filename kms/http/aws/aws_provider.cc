#include "aws_provider.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "document/aws_partitions.h"
#include "http/http_provider.h"
#include "http/oauth.h"
#include "provider/credentials.h"
#include "provider/kms_call.h"
#include "sigv4.h"

namespace fle::kms {
namespace {

struct AwsCredentials {
  SecretBytes access_key_id;
  SecretBytes secret_access_key;
  SecretBytes session_token;  // empty: none

  static Outcome<AwsCredentials> parse(std::string_view id, const rapidjson::Value& options,
                                       LockPolicy policy) {
    static constexpr std::string_view kAllowed[] = {"accessKeyId", "secretAccessKey",
                                                    "sessionToken"};
    FLE_CHECK(check_option_names(id, options, kAllowed));
    AwsCredentials c;
    FLE_TRY(c.access_key_id, header_option(id, options, "accessKeyId", policy));
    FLE_TRY(c.secret_access_key, text_option(id, options, "secretAccessKey", policy));
    if (has_option(options, "sessionToken")) {
      FLE_TRY(c.session_token, header_option(id, options, "sessionToken", policy));
    }
    return c;
  }
};

bool is_transient(int status) {
  constexpr int kTransient[] = {408, 429, 500, 502, 503, 509};
  return std::ranges::find(kTransient, status) != std::end(kTransient);
}

// Codes that say that this master key never wrapped these bytes.
bool says_wrong_key(std::string_view code) noexcept {
  return code == "InvalidCiphertextException" || code == "IncorrectKeyException";
}

class AwsProvider final : public HttpProvider {
 public:
  AwsProvider(std::string id, CredentialSource<AwsCredentials> credentials, const KmsOptions& kms,
              const HttpHooks& hooks)
      : HttpProvider(std::move(id), {"aws", "endpoint", is_transient}, kms, hooks),
        credentials_(std::move(credentials)),
        pinned_(kms.master_keys.contains(this->id())) {}

 private:
  Outcome<HttpPlan> plan_wrap(Bytes data_key, const MasterKey& mk) override {
    WipedText plaintext;
    plaintext.append_base64(data_key);
    WipedText body("{\"Plaintext\": \"");
    body.append(plaintext.view()).append("\", \"KeyId\": ");
    body.append_json(master_key_text(mk, "key")).append('}');
    FLE_TRY(auto asked, prepare_call("Encrypt", mk, std::move(body)));
    asked.request.secrets.push_back(std::move(plaintext));
    return HttpPlan{std::move(asked), "CiphertextBlob", Base64Alphabet::standard};
  }

  Outcome<HttpPlan> plan_unwrap(Bytes key_material, const MasterKey& mk) override {
    WipedText body("{\"CiphertextBlob\": \"");
    body.append_base64(key_material).append("\"");
    // The ciphertext names a key of its own: without this one, who wrote it chooses.
    const KmsCall* const whole = KmsCall::current();
    if (pinned_ || (whole != nullptr && whole->binds_keys()))
      body.append(", \"KeyId\": ").append_json(master_key_text(mk, "key"));
    body.append("}");
    FLE_TRY(auto asked, prepare_call("Decrypt", mk, std::move(body)));
    return HttpPlan{std::move(asked), "Plaintext", Base64Alphabet::standard, says_wrong_key};
  }

  Outcome<HttpCall> prepare_call(std::string_view operation, const MasterKey& mk, WipedText body) {
    const std::string region = master_key_text(mk, "region");
    const std::string key = master_key_text(mk, "key");
    FLE_TRY(const HttpEndpoint to, endpoint_of(mk, aws_kms_host(region)));
    FLE_TRY(const auto credentials, credentials_.get());
    HttpRequest request = http_post(to, "/", "application/x-amz-json-1.1", std::move(body));
    request.headers.push_back(
        {"X-Amz-Target", std::move(WipedText("TrentService.").append(operation))});
    const SigningKey signer{text_of(credentials->access_key_id),
                            text_of(credentials->secret_access_key),
                            text_of(credentials->session_token), region, "kms"};
    FLE_CHECK(sign_v4(request, signer, now()));
    return make_call(std::string(operation) + " with key " + quoted(key), std::move(request));
  }

  CredentialSource<AwsCredentials> credentials_;
  const bool pinned_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_aws_provider(std::string_view id,
                                                     const rapidjson::Value& options,
                                                     const KmsOptions& kms,
                                                     const HttpHooks& hooks) {
  FLE_TRY(auto credentials, CredentialSource<AwsCredentials>::create(id, options, kms));
  return std::unique_ptr<Provider>(
      std::make_unique<AwsProvider>(std::string(id), std::move(credentials), kms, hooks));
}

}  // namespace fle::kms
