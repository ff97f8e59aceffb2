#include "token_cache.h"

#include <algorithm>
#include <utility>

#include "provider/kms_call.h"

namespace fle::kms {
namespace {

// A scope is made from a key document's endpoint, and so from outside.
constexpr std::size_t kMaxScopes = 32;
constexpr std::chrono::seconds kMargin{60};

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

std::chrono::seconds TokenCache::usable(std::chrono::seconds lifetime) noexcept {
  // Against overflow; no service gives a token for longer than a day.
  lifetime = std::clamp(lifetime, std::chrono::seconds(0), std::chrono::seconds(86'400));
  return lifetime - std::min(kMargin, lifetime / 2);
}

Outcome<TokenCache::Token> TokenCache::get(const std::string& scope, const Fetch& fetch) {
  for (;;) {
    std::shared_ptr<AnswerFlight> flight;
    bool is_ours = false;
    {
      const std::lock_guard lock(mutex_);
      make_room();
      Entry& e = entries_[scope];
      if (e.token && now_() < e.use_until) return e.token;
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
  if (!fetched) {
    landing.answer.token = fetched.error();
  } else {
    const std::lock_guard lock(mutex_);
    landing.answer.token = keep_in(entries_.find(scope)->second, std::move(*fetched));
  }
  return landing.answer.token;
}

TokenCache::Token TokenCache::cached(const std::string& scope) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(scope);
  return it != entries_.end() && now_() < it->second.use_until ? it->second.token : nullptr;
}

TokenCache::Token TokenCache::keep(const std::string& scope, Fetched fetched) {
  const std::lock_guard lock(mutex_);
  make_room();
  return keep_in(entries_[scope], std::move(fetched));
}

TokenCache::Token TokenCache::keep_in(Entry& e, Fetched fetched) {
  const Token token = std::make_shared<const SecretBytes>(std::move(fetched.token));
  const auto lifetime = usable(fetched.lifetime);
  e.token = lifetime.count() > 0 ? token : nullptr;
  e.use_until = now_() + lifetime;
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
