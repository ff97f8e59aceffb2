#ifndef FLE_KMS_OAUTH_H_
#define FLE_KMS_OAUTH_H_

#include <chrono>
#include <string>
#include <string_view>

#include "token_plan.h"

namespace fle::kms {

/// A call for an access token: POST of a form (RFC 6749 section 4), JSON back.
[[nodiscard]] HttpRequest token_request(const HttpEndpoint& to, std::string target, WipedText form);

/// The step that ends with access_token and expires_in of the answer to it.
/// @retval Errc::kms_no_credentials  refused, or an answer without a token
/// @retval Errc::kms_unreachable, Errc::kms_busy
[[nodiscard]] TokenStep token_step(HttpCall call, LockPolicy policy);

/// The failure of a call for credentials: a refusal is want of them.
[[nodiscard]] Failure want_of_credentials(CallFault fault);

/// A token that is used for so long; 0: once.
/// @retval Errc::lock_failed, Errc::no_memory
[[nodiscard]] Outcome<TokenPlan> token_of(std::string_view token, std::chrono::seconds lifetime,
                                          LockPolicy policy);

/// Adds "Authorization: Bearer", and makes the token one of the request's secrets.
void add_bearer(HttpRequest& request, std::string_view token);

/// True if `text` may stand in a header: visible ASCII, at least one.
[[nodiscard]] bool is_header_safe(std::string_view text) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_OAUTH_H_
