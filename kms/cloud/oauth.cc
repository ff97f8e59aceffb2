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

TokenStep token_step(HttpCall call, LockPolicy policy) {
  return {std::move(call),
          [policy](const HttpCall& asked, HttpResult<HttpResponse> response) -> Outcome<TokenPlan> {
            const auto answer = judge(asked, std::move(response));
            if (!answer) return want_of_credentials(answer.error());
            const auto token = answer->text({"access_token"});
            const auto seconds = answer->count("expires_in");
            if (!token || !is_header_safe(*token))
              return asked.failure(Errc::kms_no_credentials,
                                   "the answer has no usable access_token");
            if (!seconds)
              return asked.failure(Errc::kms_no_credentials, "the answer has no usable expires_in");
            return token_of(*token, std::chrono::seconds(*seconds), policy);
          }};
}

Failure want_of_credentials(CallFault fault) {
  Failure& f = fault.failure;
  if (f.code != Errc::kms_unreachable && f.code != Errc::kms_busy)
    f.code = Errc::kms_no_credentials;
  return std::move(f);
}

Outcome<TokenPlan> token_of(std::string_view token, std::chrono::seconds lifetime,
                            LockPolicy policy) {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(token.data()), token.size());
  FLE_TRY(SecretBytes copy, SecretBytes::copy_of(bytes, policy));
  return TokenPlan(TokenCache::Fetched{std::move(copy), lifetime});
}

void add_bearer(HttpRequest& request, std::string_view token) {
  request.headers.push_back({"Authorization", std::move(WipedText("Bearer ").append(token))});
  request.secrets.emplace_back(token);
}

bool is_header_safe(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace fle::kms
