#include "http_client.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "fle/secret.h"
#include "http_retry.h"
#include "provider/kms_call.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxIdle = 8;
// Below the time after which the clouds close an idle connection themselves (60 s and more).
constexpr std::chrono::seconds kMaxIdleTime{30};

struct WipedBlock {
  std::uint8_t bytes[8192];
  ~WipedBlock() { wipe(bytes); }
};

}  // namespace

std::unique_ptr<HttpDriver> make_http_driver(HttpSettings settings) {
  return std::make_unique<HttpClient>(std::move(settings));
}

HttpResult<HttpResponse> HttpClient::exchange(const HttpCall& call) {
  const HttpRequest& request = call.request;
  const std::string server = request.to.shown();
  KmsCall* const whole = KmsCall::current();
  if (whole != nullptr && whole->is_down(this, server))
    return HttpFault{
        "it has just not answered for another key, and is not asked again in this call",
        HttpFault::Kind::transient};
  const WipedText message = serialize(request);
  for (HttpRetry retry(settings_.max_retries, call.is_transient);; retry.count()) {
    if (whole != nullptr && whole->is_over())
      return HttpFault{"the time of this call is over", HttpFault::Kind::transient};
    auto result = attempt(request, message.bytes());
    if (!retry.may_help(result)) return result;
    const auto wait = retry.wait();
    const bool late = whole != nullptr && KmsCall::Clock::now() + wait >= whole->deadline();
    if (late || retry.is_used_up()) {
      if (late && !retry.is_used_up()) whole->note_cut_short();
      // Other transient statuses may be about this key alone.
      const bool down = !result || result->status == 429 || result->status == 503;
      if (whole != nullptr && down) whole->note_down(this, server);
      return retry.given_up(std::move(result));
    }
    sleep(wait);
  }
}

HttpResult<HttpResponse> HttpClient::attempt(const HttpRequest& request, Bytes message) {
  const KmsCall* const whole = KmsCall::current();
  Deadline deadline = std::chrono::steady_clock::now() + settings_.request_timeout;
  if (whole != nullptr) deadline = std::min(deadline, whole->deadline());
  const std::string authority = request.to.shown();
  bool untouched = true;
  // One with bytes of an answer that nobody asked for must not pass them off as the next.
  if (auto kept = take_idle(authority); kept != nullptr && kept->is_quiet()) {
    auto result = attempt_on(std::move(kept), authority, message, deadline, untouched);
    // The server may have closed a kept connection just now: that says nothing about the server.
    if (result || !untouched || std::chrono::steady_clock::now() >= deadline) return result;
  }
  auto fresh = HttpConnection::open(request.to, settings_, deadline);
  if (!fresh) return fresh.error();
  return attempt_on(std::move(*fresh), authority, message, deadline, untouched);
}

HttpResult<HttpResponse> HttpClient::attempt_on(std::unique_ptr<HttpConnection> connection,
                                                const std::string& authority, Bytes message,
                                                Deadline deadline, bool& untouched) {
  FLE_CHECK(connection->send(message, deadline));
  HttpResponseReader reader;
  WipedBlock block;
  while (!reader.complete()) {
    FLE_TRY(const std::size_t n, connection->receive(block.bytes, deadline));
    const char* wrong = n == 0 ? reader.end_of_stream() : reader.feed(Bytes(block.bytes).first(n));
    untouched = reader.untouched();
    if (wrong != nullptr)
      return HttpFault{wrong, n == 0 ? HttpFault::Kind::transient : HttpFault::Kind::no_http};
  }
  if (reader.keeps_alive()) keep(authority, std::move(connection));
  return std::move(reader.response());
}

std::unique_ptr<HttpConnection> HttpClient::take_idle(const std::string& authority) {
  const auto oldest = std::chrono::steady_clock::now() - kMaxIdleTime;
  std::vector<Idle> expired;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  const auto first_young =
      std::ranges::find_if(idle_, [&](const Idle& i) { return i.since >= oldest; });
  std::move(idle_.begin(), first_young, std::back_inserter(expired));
  idle_.erase(idle_.begin(), first_young);
  const auto it = std::find_if(idle_.rbegin(), idle_.rend(),
                               [&](const Idle& i) { return i.authority == authority; });
  if (it == idle_.rend()) return nullptr;
  auto out = std::move(it->connection);
  idle_.erase(std::next(it).base());
  return out;
}

void HttpClient::keep(const std::string& authority, std::unique_ptr<HttpConnection> connection) {
  Idle evicted;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  if (idle_.size() == kMaxIdle) {
    evicted = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
  idle_.push_back({authority, std::move(connection), std::chrono::steady_clock::now()});
}

void HttpClient::sleep(std::chrono::milliseconds wait) const {
  if (settings_.sleep) {
    settings_.sleep(wait);
  } else {
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace fle::kms
