#include "http_plan.h"

#include "fle/data_key.h"
#include "oauth.h"
#include "provider/credentials.h"
#include "text/text.h"

namespace fle::kms {

HttpSteps::HttpSteps(HttpPlan plan)
    : plan_(std::move(plan)),
      n_headers_(plan_.call.request.headers.size()),
      n_secrets_(plan_.call.request.secrets.size()),
      has_token_(plan_.scope.empty()) {}

void HttpSteps::give_token(Outcome<TokenCache::Token> token, bool fresh) {
  const auto fail = [this](Failure why) {
    answer_ = CallFault{std::move(why), 0, {}};
    ended_ = true;
  };
  if (!token) return fail(token.error());
  token_ = std::move(*token);
  fresh_ = fresh;
  has_token_ = true;
  HttpRequest& request = plan_.call.request;
  request.headers.resize(n_headers_);
  request.secrets.resize(n_secrets_);
  if (plan_.authorize == nullptr) return add_bearer(request, text_of(*token_));
  const Done done = plan_.authorize(request, text_of(*token_));
  if (!done) fail(done.error());
}

void HttpSteps::give_answer(HttpResult<HttpResponse> response, TokenCache& tokens) {
  answer_ = judge(plan_.call, std::move(response));
  const auto is_stale = [this](const CallFault& fault) {
    return plan_.says_stale == nullptr ? fault.status == 401 : plan_.says_stale(fault);
  };
  if (!answer_ && token_ != nullptr && is_stale(answer_.error())) {
    tokens.forget(plan_.scope, token_);
    if (!fresh_ && !renewed_) {
      renewed_ = true;
      has_token_ = false;
      return;
    }
  }
  ended_ = true;
}

Outcome<SecretBytes> HttpSteps::decoded(LockPolicy policy) const {
  if (!answer_) {
    Failure f = answer_.error().failure;
    if (plan_.says_wrong_key != nullptr && plan_.says_wrong_key(answer_.error().code))
      f.code = Errc::key_unwrap_failed;
    return f;
  }
  const auto text = answer_->text({plan_.field});
  FLE_TRY(auto bytes, decode_base64(text.value_or(std::string_view()), plan_.alphabet, policy));
  if (bytes) return std::move(*bytes);
  return plan_.call.failure(Errc::kms_bad_answer,
                            "the answer has no base64 in its field " + quoted(plan_.field));
}

Outcome<std::vector<std::uint8_t>> HttpSteps::wrapped() const {
  // What is wrapped is not secret, and so needs no locked memory.
  FLE_TRY(const SecretBytes bytes, decoded(LockPolicy::best_effort));
  return std::vector<std::uint8_t>(bytes.expose().begin(), bytes.expose().end());
}

Outcome<SecretBytes> HttpSteps::opened(LockPolicy policy) const {
  FLE_TRY(SecretBytes bytes, decoded(policy));
  if (bytes.size() == DataKey::kLen) return bytes;
  return plan_.call.failure(
      Errc::key_unwrap_failed,
      "decrypted key is incorrect length, expected: 96, got: " + std::to_string(bytes.size()));
}

}  // namespace fle::kms
