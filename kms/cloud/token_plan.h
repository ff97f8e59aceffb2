#ifndef FLE_KMS_TOKEN_PLAN_H_
#define FLE_KMS_TOKEN_PLAN_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "http/http_call.h"
#include "http/http_driver.h"
#include "token_cache.h"

// How tokens and credentials are got, without input or output: whoever follows a plan brings the
// answers, libfle's own connections or an Exchange.
namespace fle::kms {

struct TokenStep;
/// How to get a token: it is there, or somebody is to be asked.
using TokenPlan = std::variant<TokenCache::Fetched, TokenStep>;

/// One request on the way to a token, and what follows from the last answer to it, retries
/// included.
struct TokenStep {
  using Then = std::function<Outcome<TokenPlan>(const HttpCall&, HttpResult<HttpResponse>)>;
  HttpCall call;
  Then then;  ///< Once.
};

/// A plan that goes on with what `plan` gets: a role is assumed with the credentials of another.
using AfterToken = std::function<Outcome<TokenPlan>(TokenCache::Fetched)>;
[[nodiscard]] Outcome<TokenPlan> and_then(Outcome<TokenPlan> plan, AfterToken after);

/// Those that connect for a plan; null in a library without libcurl.
struct HttpDrivers {
  HttpDriver* secure;  ///< Over TLS.
  HttpDriver* near;    ///< Without, to what is near.
};
/// Follows a plan to its end.
/// @retval Errc::not_in_build
[[nodiscard]] Outcome<TokenCache::Fetched> follow(Outcome<TokenPlan> plan,
                                                  const HttpDrivers& drivers);

/// What this machine has in place of credentials in the options: roles, identities. The same for
/// all providers that were given it. Thread-safe.
class TokenSource {
 public:
  explicit TokenSource(const HttpHooks& hooks)
      : tokens_(hooks.monotonic ? hooks.monotonic : std::chrono::steady_clock::now) {}
  virtual ~TokenSource() = default;
  /// How to get what authorizes calls of provider `id`, which has no name: for aws an options
  /// document with its credentials, else a bearer token.
  [[nodiscard]] virtual Outcome<TokenPlan> plan(std::string_view id) = 0;
  /// The whole options document, for callers that follow no plan.
  [[nodiscard]] virtual Outcome<WipedBuffer> options(std::string_view id) = 0;
  /// By provider id.
  [[nodiscard]] TokenCache& tokens() noexcept { return tokens_; }

 private:
  TokenCache tokens_;
};

/// What automatic_credentials() puts into KmsOptions::credentials. Providers find it in there, and
/// follow its plans themselves: over their own connections and TLS options, or in their exchanges.
struct CallableSource {
  std::shared_ptr<TokenSource> source;
  Outcome<WipedBuffer> operator()(std::string_view id) const { return source->options(id); }
};

}  // namespace fle::kms

#endif  // FLE_KMS_TOKEN_PLAN_H_
