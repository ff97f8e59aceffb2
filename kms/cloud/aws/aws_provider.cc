#include "aws_provider.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aws_credentials.h"
#include "cloud/http_provider.h"
#include "document/aws_partitions.h"
#include "provider/credentials.h"
#include "provider/kms_call.h"

namespace fle::kms {
namespace {

bool is_transient(int status) {
  constexpr int kTransient[] = {408, 429, 500, 502, 503, 509};
  return std::ranges::find(kTransient, status) != std::end(kTransient);
}

// Codes that say that this master key never wrapped these bytes.
bool says_wrong_key(std::string_view code) noexcept {
  return code == "InvalidCiphertextException" || code == "IncorrectKeyException";
}

// Codes for credentials that have ended, or were taken back.
bool says_stale(const CallFault& fault) {
  constexpr std::string_view kStale[] = {"ExpiredTokenException", "ExpiredToken",
                                         "UnrecognizedClientException", "InvalidClientTokenId"};
  return std::ranges::find(kStale, fault.code) != std::end(kStale);
}

class AwsProvider final : public HttpProvider {
 public:
  AwsProvider(std::string id, CredentialSource<AwsCredentials> credentials, const KmsOptions& kms,
              const HttpHooks& hooks)
      : HttpProvider(std::move(id), {"aws", "endpoint", is_transient}, kms, hooks,
                     credentials.fixed() == nullptr),
        credentials_(std::move(credentials)),
        pinned_(kms.master_keys.contains(this->id())) {}

 private:
  Outcome<HttpPlan> plan_wrap(Bytes data_key, const MasterKey& mk) override {
    WipedText plaintext;
    plaintext.append_base64(data_key);
    WipedText body("{\"Plaintext\": \"");
    body.append(plaintext.view()).append("\", \"KeyId\": ");
    body.append_json(master_key_text(mk, "key")).append('}');
    return plan({"Encrypt", "CiphertextBlob", nullptr}, mk, std::move(body), std::move(plaintext));
  }

  Outcome<HttpPlan> plan_unwrap(Bytes key_material, const MasterKey& mk) override {
    WipedText body("{\"CiphertextBlob\": \"");
    body.append_base64(key_material).append("\"");
    // The ciphertext names a key of its own: without this one, who wrote it chooses.
    const KmsCall* const whole = KmsCall::current();
    if (pinned_ || (whole != nullptr && whole->binds_keys()))
      body.append(", \"KeyId\": ").append_json(master_key_text(mk, "key"));
    body.append("}");
    return plan({"Decrypt", "Plaintext", says_wrong_key}, mk, std::move(body), WipedText());
  }

  struct Operation {
    std::string_view name;
    std::string_view field;  // of the answer
    bool (*says_wrong_key)(std::string_view code);
  };
  Outcome<HttpPlan> plan(const Operation& operation, const MasterKey& mk, WipedText body,
                         WipedText secret) {
    const std::string region = master_key_text(mk, "region");
    const std::string key = master_key_text(mk, "key");
    FLE_TRY(const HttpEndpoint to, endpoint_of(mk, aws_kms_host(region)));
    HttpRequest request = http_post(to, "/", "application/x-amz-json-1.1", std::move(body));
    request.headers.push_back(
        {"X-Amz-Target", std::move(WipedText("TrentService.").append(operation.name))});
    request.secrets.push_back(std::move(secret));
    HttpPlan out{
        make_call(std::string(operation.name) + " with key " + quoted(key), std::move(request)),
        operation.field, Base64Alphabet::standard, operation.says_wrong_key};
    if (!is_of_machine()) {
      FLE_TRY(const auto credentials, credentials_.get());
      FLE_CHECK(sign_v4(out.call.request, credentials->signing_key(region, "kms"), now()));
      return out;
    }
    out.says_stale = says_stale;
    out.authorize = [this, region](HttpRequest& signed_later, std::string_view token) -> Done {
      FLE_TRY(const auto credentials, AwsCredentials::parse_text(id(), token, lock_policy()));
      return sign_v4(signed_later, credentials.signing_key(region, "kms"), now());
    };
    return out;
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
