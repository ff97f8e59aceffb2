#include "token_cache.h"

#include <algorithm>
#include <utility>

#include "provider/kms_call.h"

namespace fle::kms {
namespace {

// A scope is made from a key document's endpoint, and so from outside.
constexpr std::size_t kMaxScopes = 32;
constexpr std::chrono::seconds kOnTheWay{5};       // a request with a token in it
constexpr std::chrono::seconds kUntilNextTry{30};  // to renew one that holds

// Against overflow; no service gives a token for much longer than a day.
constexpr std::chrono::seconds kLongestLife{86'400};

/// What is left of a lifetime when its end is cut off: half of it, at least.
constexpr std::chrono::seconds without_end(std::chrono::seconds lifetime,
                                           std::chrono::seconds end) noexcept {
  return lifetime - std::min(end, lifetime / 2);
}

/// The result of a flight that this thread's call has time for; null when it has not landed by
/// then.
template <class T>
const T* wait_for(Flight<T>& flight) {
  const KmsCall* const whole = KmsCall::current();
  if (whole == nullptr || whole->deadline() == KmsCall::Clock::time_point::max())
    return &flight.wait();
  return flight.wait_until(whole->deadline());
}

}  // namespace

Outcome<TokenCache::Token> TokenCache::get(const std::string& scope, const Fetch& fetch) {
  for (;;) {
    std::shared_ptr<AnswerFlight> flight;
    bool is_ours = false;
    {
      const std::lock_guard lock(mutex_);
      make_room();
      Entry& e = entries_[scope];
      const Time now = now_();
      if (e.token && now < e.renew_from) return e.token;
      if (e.token && now < e.use_until && e.flight != nullptr) return e.token;
      is_ours = e.flight == nullptr;
      if (is_ours) e.flight = std::make_shared<AnswerFlight>();
      flight = e.flight;
    }
    if (is_ours) return fly(scope, *flight, fetch);
    const Answer* const answer = wait_for(*flight);
    if (answer == nullptr) return Failure(Errc::kms_unreachable, "no access token in time");
    const KmsCall* const whole = KmsCall::current();
    // The end of another call's time is not the end of this one's.
    if (!answer->cut_short || (whole != nullptr && whole->is_over())) return answer->token;
  }
}

Outcome<TokenCache::Token> TokenCache::fly(const std::string& scope, AnswerFlight& flight,
                                           const Fetch& fetch) {
  // Also when fetch() throws: whoever waits is let go.
  struct Landing {
    TokenCache& cache;
    const std::string& scope;
    AnswerFlight& flight;
    Answer answer{
        Failure(Errc::no_memory, {})};  // a text would need some, before the flight can land
    ~Landing() {
      {
        const std::lock_guard lock(cache.mutex_);
        cache.entries_.find(scope)->second.flight = nullptr;
      }
      flight.land(std::move(answer));
    }
  };
  Landing landing{*this, scope, flight};
  auto fetched = fetch();
  const KmsCall* const whole = KmsCall::current();
  landing.answer.cut_short =
      !fetched && whole != nullptr && (whole->is_over() || whole->is_cut_short());
  const std::lock_guard lock(mutex_);
  if (!fetched) {
    const Token old = hold_on(entries_.find(scope)->second);
    landing.answer.token = old ? Outcome<Token>(old) : fetched.error();
    if (old) landing.answer.cut_short = false;
  } else {
    landing.answer.token = keep_in(entries_.find(scope)->second, std::move(*fetched));
  }
  return landing.answer.token;
}

TokenCache::Token TokenCache::cached(const std::string& scope) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(scope);
  return it != entries_.end() && now_() < it->second.renew_from ? it->second.token : nullptr;
}

TokenCache::Token TokenCache::held(const std::string& scope) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(scope);
  return it != entries_.end() ? hold_on(it->second) : nullptr;
}

TokenCache::Token TokenCache::hold_on(Entry& e) {
  const Time now = now_();
  if (!e.token || now >= e.use_until) return nullptr;
  e.renew_from = std::min(now + kUntilNextTry, e.use_until);
  return e.token;
}

TokenCache::Token TokenCache::keep(const std::string& scope, Fetched fetched) {
  const std::lock_guard lock(mutex_);
  make_room();
  return keep_in(entries_[scope], std::move(fetched));
}

TokenCache::Token TokenCache::keep_in(Entry& e, Fetched fetched) {
  const Token token = std::make_shared<const SecretBytes>(std::move(fetched.token));
  const Time now = now_();
  const auto lifetime = std::clamp(fetched.lifetime, std::chrono::seconds(0), kLongestLife);
  e.token = lifetime.count() > 0 ? token : nullptr;
  e.renew_from = now + without_end(lifetime, fetched.renew_before);
  e.use_until = now + without_end(lifetime, kOnTheWay);
  return token;
}

void TokenCache::forget(const std::string& scope, const Token& token) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(scope);
  if (it != entries_.end() && it->second.token == token) it->second.token = nullptr;
}

// An entry that somebody is asking for stays.
void TokenCache::make_room() {
  if (entries_.size() >= kMaxScopes)
    std::erase_if(entries_, [](const auto& e) { return e.second.flight == nullptr; });
}

}  // namespace fle::kms
