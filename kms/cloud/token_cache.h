#ifndef FLE_KMS_TOKEN_CACHE_H_
#define FLE_KMS_TOKEN_CACHE_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/secret.h"
#include "fle/single_flight.h"

namespace fle::kms {

/// Access tokens and credentials that end at some time, by scope. Single flight: threads that miss
/// the same token at once cause one request and share its result, failures included, but for one
/// that comes of the end of the time of the call that asked: then the next one asks. Failures are
/// not kept.
///
/// A token is renewed in its last minute (Fetched::renew_before), or in the second half of a short
/// life, by one thread, and the others use it meanwhile. If that fails it is used on until it ends,
/// and another try is made half a minute later. None is used in its last five seconds: a request
/// may take that long on its way.
///
/// Thread-safe.
class TokenCache {
 public:
  using Token = std::shared_ptr<const SecretBytes>;
  using Time = std::chrono::steady_clock::time_point;
  struct Fetched {
    SecretBytes token;
    std::chrono::seconds lifetime{0};            ///< `expires_in`; 0: not to be kept.
    std::chrono::seconds renew_before{kMargin};  ///< The end of the lifetime.
  };
  static constexpr std::chrono::seconds kMargin{60};
  using Fetch = std::function<Outcome<Fetched>()>;

  explicit TokenCache(std::function<Time()> now) : now_(std::move(now)) {}

  [[nodiscard]] Outcome<Token> get(const std::string& scope, const Fetch& fetch);
  /// The token that get() would return without asking; null for none.
  [[nodiscard]] Token cached(const std::string& scope);
  /// One that still holds, though it is time to renew it; null for none. For those who failed in
  /// that: cached() has it again for a while.
  [[nodiscard]] Token held(const std::string& scope);
  /// What somebody fetched without get().
  Token keep(const std::string& scope, Fetched fetched);
  /// Drops `token`, which a server has refused; a newer one stays.
  void forget(const std::string& scope, const Token& token);

 private:
  struct Answer {
    Outcome<Token> token;
    bool cut_short = false;  // the call that asked had no more time
  };
  using AnswerFlight = Flight<Answer>;
  struct Entry {
    Token token;
    Time renew_from{};
    Time use_until{};
    std::shared_ptr<AnswerFlight> flight;  // null: nobody is asking
  };

  /// The token of an entry that holds still, and is left alone for a while; null: none does.
  Token hold_on(Entry& entry);
  Outcome<Token> fly(const std::string& scope, AnswerFlight& flight, const Fetch& fetch);
  Token keep_in(Entry& entry, Fetched fetched);
  void make_room();

  const std::function<Time()> now_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace fle::kms

#endif  // FLE_KMS_TOKEN_CACHE_H_
