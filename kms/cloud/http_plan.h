#ifndef FLE_KMS_HTTP_PLAN_H_
#define FLE_KMS_HTTP_PLAN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http_call.h"
#include "token_cache.h"

namespace fle::kms {

/// What a provider asks of its KMS to wrap or unwrap one key, and where the answer has it.
struct HttpPlan {
  HttpCall call;
  std::string_view field;  ///< Of the answer; base64.
  Base64Alphabet alphabet = Base64Alphabet::standard;
  /// Whether this code of a refusal says that the master key never wrapped these bytes; null: none.
  bool (*says_wrong_key)(std::string_view code) = nullptr;
  std::string scope = {};  ///< Of the token that the call needs; empty: none.
  /// Puts the token into the request; null: as bearer token.
  std::function<Done(HttpRequest&, std::string_view token)> authorize = {};
  /// Whether a refusal says that the token does not hold any more; null: a status of 401 does.
  bool (*says_stale)(const CallFault&) = nullptr;
};

/// The steps from a plan to its end, without input or output: whoever runs them brings tokens and
/// answers. A cached token that the server does not accept is replaced, once.
class HttpSteps {
 public:
  explicit HttpSteps(HttpPlan plan);

  [[nodiscard]] bool wants_token() const noexcept { return !ended_ && !has_token_; }
  [[nodiscard]] bool is_done() const noexcept { return ended_; }
  [[nodiscard]] const std::string& scope() const noexcept { return plan_.scope; }
  /// @param fresh  false: it may have been there for a while
  void give_token(Outcome<TokenCache::Token> token, bool fresh);
  /// What to send when it wants no token.
  [[nodiscard]] const HttpCall& call() const noexcept { return plan_.call; }
  /// The last answer to it, retries included.
  /// @param tokens  forget one that was refused
  void give_answer(HttpResult<HttpResponse> response, TokenCache& tokens);

  /// Once done. The keyMaterial or data key in the answer.
  /// @retval Errc::kms_bad_answer     no such text
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> wrapped() const;
  /// @retval Errc::key_unwrap_failed  not 96 bytes, or of another master key
  [[nodiscard]] Outcome<SecretBytes> opened(LockPolicy policy) const;

 private:
  [[nodiscard]] Outcome<SecretBytes> decoded(LockPolicy policy) const;

  HttpPlan plan_;
  std::size_t n_headers_;  // without the token's
  std::size_t n_secrets_;  // likewise
  bool has_token_;
  bool ended_ = false;
  bool renewed_ = false;
  bool fresh_ = false;
  TokenCache::Token token_;
  Result<JsonAnswer, CallFault> answer_ = CallFault{};
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_PLAN_H_
