#include "fle/kms/exchange.h"

#include <string>
#include <utility>

#include <unistd.h>

namespace fle::kms {

class Exchange::Ended final : public Exchange {
 public:
  template <class T>
  explicit Ended(Outcome<T> result) {
    finish(std::move(result));
  }
};

Exchange::Exchange() noexcept : owner_(::getpid()) {}
Exchange::~Exchange() = default;

bool Exchange::is_at_home() {
  if (::getpid() == owner_) return true;
  finish(Outcome<MasterKey>(
      Failure(Errc::key_not_inherited,
              "an exchange is not carried into a forked child: begin a new one there")));
  result_ = std::monostate();
  return false;
}

Exchange::Message Exchange::message() const {
  return state_ == State::send && ::getpid() == owner_ ? do_message() : Message{};
}

void Exchange::sent() {
  if (is_at_home() && state_ == State::send) do_sent();
}

std::size_t Exchange::bytes_needed() const noexcept {
  return state_ == State::receive ? do_bytes_needed() : 0;
}

void Exchange::feed(Bytes bytes) {
  if (is_at_home() && state_ == State::receive) do_feed(bytes);
}

void Exchange::closed() {
  if (is_at_home() && state_ == State::receive) do_closed();
}

void Exchange::lost(std::string_view why) {
  if (is_at_home() && (state_ == State::send || state_ == State::receive)) do_lost(why);
}

void Exchange::resume() {
  if (is_at_home() && state_ == State::wait) do_resume();
}

template <class T>
Outcome<T> Exchange::take(const char* what) {
  if (!is_at_home() || state_ == State::failed) return failure_;
  if (std::holds_alternative<T>(result_))
    return std::get<T>(std::exchange(result_, std::monostate()));
  return Failure{Errc::invalid_argument, std::string("this exchange has no ") + what + " to take"};
}

Outcome<MasterKey> Exchange::take_master_key() { return take<MasterKey>("master key"); }
Outcome<std::vector<std::uint8_t>> Exchange::take_wrapped() {
  return take<std::vector<std::uint8_t>>("wrapped key");
}
Outcome<SecretBytes> Exchange::take_key() { return take<SecretBytes>("key"); }

void Exchange::wants_to_wait(std::chrono::milliseconds delay) noexcept {
  delay_ = delay;
  state_ = State::wait;
}

template <class T>
void Exchange::end_with(Outcome<T> result) {
  state_ = result ? State::done : State::failed;
  if (result) {
    result_ = std::move(*result);
  } else {
    failure_ = std::move(result.error());
  }
}

void Exchange::finish(Outcome<MasterKey> master_key) { end_with(std::move(master_key)); }
void Exchange::finish(Outcome<std::vector<std::uint8_t>> wrapped) { end_with(std::move(wrapped)); }
void Exchange::finish(Outcome<SecretBytes> key) { end_with(std::move(key)); }

std::unique_ptr<Exchange> Exchange::ended(Outcome<MasterKey> master_key) {
  return std::make_unique<Ended>(std::move(master_key));
}

std::unique_ptr<Exchange> Exchange::ended(Outcome<std::vector<std::uint8_t>> wrapped) {
  return std::make_unique<Ended>(std::move(wrapped));
}

std::unique_ptr<Exchange> Exchange::ended(Outcome<SecretBytes> key) {
  return std::make_unique<Ended>(std::move(key));
}

}  // namespace fle::kms
