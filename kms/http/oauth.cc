#include "oauth.h"

#include <algorithm>
#include <utility>

namespace fle::kms {

HttpRequest token_request(const HttpEndpoint& to, std::string target, WipedText form) {
  HttpRequest r =
      http_post(to, std::move(target), "application/x-www-form-urlencoded", std::move(form));
  r.headers.push_back({"Accept", WipedText("application/json")});
  return r;
}

Outcome<TokenCache::Fetched> token_in(HttpResult<HttpResponse> response, const HttpCall& request,
                                      LockPolicy policy) {
  auto answer = judge(request, std::move(response));
  if (!answer) {
    Failure f = std::move(answer.error().failure);
    if (f.code != Errc::kms_unreachable && f.code != Errc::kms_busy)
      f.code = Errc::kms_no_credentials;
    return f;
  }
  const auto token = answer->text({"access_token"});
  const auto seconds = answer->count("expires_in");
  if (!token || !is_header_safe(*token))
    return request.failure(Errc::kms_no_credentials, "the answer has no usable access_token");
  if (!seconds)
    return request.failure(Errc::kms_no_credentials, "the answer has no usable expires_in");
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(token->data()), token->size());
  FLE_TRY(SecretBytes copy, SecretBytes::copy_of(bytes, policy));
  return TokenCache::Fetched{std::move(copy), std::chrono::seconds(*seconds)};
}

void add_bearer(HttpRequest& request, std::string_view token) {
  request.headers.push_back({"Authorization", std::move(WipedText("Bearer ").append(token))});
  request.secrets.emplace_back(token);
}

bool is_header_safe(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace fle::kms
