#include <optional>
#include <utility>

#include "fle/kms/exchange.h"
#include "http/http_retry.h"
#include "http_provider.h"
#include "oauth.h"
#include "text/text.h"

namespace fle::kms {

/// A plan over a network that the caller has: tokens first, then the call, each as often as
/// HttpRetry allows.
class HttpProvider::HttpExchange final : public Exchange {
 public:
  enum class End : std::uint8_t { wrapped, key };
  HttpExchange(HttpProvider& provider, HttpPlan plan, End end)
      : p_(provider), steps_(std::move(plan)), end_(end) {
    go_on();
  }

 private:
  static constexpr std::size_t kMaxWhy = 200;

  [[nodiscard]] Message do_message() const override {
    const HttpEndpoint& to = call().request.to;
    return {to.host, to.port, message_.bytes(), !to.plain};
  }
  void do_sent() override {
    message_.clear();
    reader_.emplace();
    wants_answer();
  }
  [[nodiscard]] std::size_t do_bytes_needed() const noexcept override { return reader_->wanted(); }
  void do_feed(Bytes bytes) override {
    if (const char* const wrong = reader_->feed(bytes)) {
      take(HttpFault{wrong, HttpFault::Kind::no_http});
    } else if (reader_->complete()) {
      take(std::move(reader_->response()));
    }
  }
  void do_closed() override {
    if (const char* const wrong = reader_->end_of_stream()) {
      take(HttpFault{wrong, HttpFault::Kind::transient});
    } else {
      take(std::move(reader_->response()));
    }
  }
  void do_lost(std::string_view why) override {
    take(HttpFault{words(why, kMaxWhy), HttpFault::Kind::transient});
  }
  void do_resume() override {
    retry_->count();
    send();
  }

  /// What is under way.
  [[nodiscard]] const HttpCall& call() const noexcept {
    return token_step_ ? token_step_->call : steps_->call();
  }

  void send() {
    message_ = serialize(call().request, true);  // as libmongocrypt does
    wants_to_send();
  }

  /// To the next request, or to the end.
  void go_on() {
    if (!token_step_ && steps_->wants_token()) find_token();
    if (!steps_->is_done()) {
      retry_.emplace(p_.max_retries_, call().is_transient, &p_.random_);
      send();
    } else {
      if (end_ == End::wrapped)
        finish(steps_->wrapped());
      else
        finish(steps_->opened(p_.lock_policy_));
      // The caller may keep an exchange that has ended: no key or token stays with it.
      steps_.reset();
      retry_.reset();
    }
  }

  void find_token() {
    if (TokenCache::Token cached = p_.tokens().cached(steps_->scope()))
      return steps_->give_token(std::move(cached), false);
    follow(p_.begin_token(steps_->scope()));
  }

  /// To the next request for a token, or to the token.
  void follow(Outcome<TokenPlan> plan) {
    if (!plan) {
      if (TokenCache::Token old = p_.tokens().held(steps_->scope()))
        return steps_->give_token(std::move(old), false);
      return steps_->give_token(plan.error(), true);
    }
    if (auto* const fetched = std::get_if<TokenCache::Fetched>(&*plan))
      return steps_->give_token(p_.tokens().keep(steps_->scope(), std::move(*fetched)), true);
    token_step_ = std::move(std::get<TokenStep>(*plan));
  }

  /// The end of one attempt.
  void take(HttpResult<HttpResponse> result) {
    message_.clear();
    reader_.reset();
    if (retry_->may_help(result)) {
      if (!retry_->is_used_up()) return wants_to_wait(retry_->wait());
      result = retry_->given_up(std::move(result));
    }
    if (token_step_) {
      const TokenStep asked = *std::exchange(token_step_, std::nullopt);
      follow(asked.then(asked.call, std::move(result)));
    } else {
      steps_->give_answer(std::move(result), p_.tokens());
    }
    go_on();
  }

  HttpProvider& p_;
  std::optional<HttpSteps> steps_;  // until the end
  const End end_;
  std::optional<TokenStep> token_step_;  // under way before the call of the plan
  std::optional<HttpRetry> retry_;
  std::optional<HttpResponseReader> reader_;
  WipedText message_;
};

std::unique_ptr<Exchange> HttpProvider::begin_wrap(const SecretBytes& data_key,
                                                   const MasterKey& master_key) {
  auto plan = checked_wrap(data_key, master_key);
  if (!plan) return Exchange::ended(Outcome<std::vector<std::uint8_t>>(plan.error()));
  return std::make_unique<HttpExchange>(*this, std::move(*plan), HttpExchange::End::wrapped);
}

std::unique_ptr<Exchange> HttpProvider::begin_unwrap(Bytes key_material,
                                                     const MasterKey& master_key) {
  auto plan = checked_unwrap(key_material, master_key);
  if (!plan) return Exchange::ended(Outcome<SecretBytes>(plan.error()));
  return std::make_unique<HttpExchange>(*this, std::move(*plan), HttpExchange::End::key);
}

}  // namespace fle::kms
