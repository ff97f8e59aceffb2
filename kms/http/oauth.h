#ifndef FLE_KMS_OAUTH_H_
#define FLE_KMS_OAUTH_H_

#include <optional>
#include <string_view>

#include "http_call.h"
#include "token_cache.h"

namespace fle::kms {

/// A call for an access token: POST of a form (RFC 6749 section 4), JSON back.
[[nodiscard]] HttpRequest token_request(const HttpEndpoint& to, std::string target, WipedText form);

/// access_token and expires_in of the answer to it.
/// @retval Errc::kms_no_credentials  refused, or an answer without a token
/// @retval Errc::kms_unreachable, Errc::kms_busy
[[nodiscard]] Outcome<TokenCache::Fetched> token_in(HttpResult<HttpResponse> response,
                                                    const HttpCall& request, LockPolicy policy);

/// Adds "Authorization: Bearer", and makes the token one of the request's secrets.
void add_bearer(HttpRequest& request, std::string_view token);

/// True if `text` may stand in a header: visible ASCII, at least one.
[[nodiscard]] bool is_header_safe(std::string_view text) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_OAUTH_H_
