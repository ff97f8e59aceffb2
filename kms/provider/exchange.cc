#include "fle/kms/exchange.h"

#include <utility>

namespace fle::kms {

class Exchange::Ended final : public Exchange {
 public:
  template <class T>
  explicit Ended(Outcome<T> result) {
    finish(std::move(result));
  }
};

Exchange::~Exchange() = default;

Exchange::Message Exchange::message() const {
  return state_ == State::send ? do_message() : Message{};
}

void Exchange::sent() {
  if (state_ == State::send) do_sent();
}

std::size_t Exchange::bytes_needed() const noexcept {
  return state_ == State::receive ? do_bytes_needed() : 0;
}

void Exchange::feed(Bytes bytes) {
  if (state_ == State::receive) do_feed(bytes);
}

void Exchange::closed() {
  if (state_ == State::receive) do_closed();
}

void Exchange::lost(std::string_view why) {
  if (state_ == State::send || state_ == State::receive) do_lost(why);
}

void Exchange::resume() {
  if (state_ == State::wait) do_resume();
}

Outcome<std::vector<std::uint8_t>> Exchange::take_wrapped() {
  if (state_ == State::failed) return failure_;
  if (std::exchange(has_wrapped_, false)) return std::move(wrapped_);
  return Failure{Errc::invalid_argument, "this exchange has no wrapped key to take"};
}

Outcome<SecretBytes> Exchange::take_key() {
  if (state_ == State::failed) return failure_;
  if (std::exchange(has_key_, false)) return std::move(key_);
  return Failure{Errc::invalid_argument, "this exchange has no key to take"};
}

void Exchange::wants_to_wait(std::chrono::milliseconds delay) noexcept {
  delay_ = delay;
  state_ = State::wait;
}

void Exchange::finish(Outcome<std::vector<std::uint8_t>> wrapped) {
  has_wrapped_ = wrapped.has_value();
  state_ = has_wrapped_ ? State::done : State::failed;
  if (wrapped) {
    wrapped_ = std::move(*wrapped);
  } else {
    failure_ = std::move(wrapped.error());
  }
}

void Exchange::finish(Outcome<SecretBytes> key) {
  has_key_ = key.has_value();
  state_ = has_key_ ? State::done : State::failed;
  if (key) {
    key_ = std::move(*key);
  } else {
    failure_ = std::move(key.error());
  }
}

std::unique_ptr<Exchange> Exchange::ended(Outcome<std::vector<std::uint8_t>> wrapped) {
  return std::make_unique<Ended>(std::move(wrapped));
}

std::unique_ptr<Exchange> Exchange::ended(Outcome<SecretBytes> key) {
  return std::make_unique<Ended>(std::move(key));
}

}  // namespace fle::kms
