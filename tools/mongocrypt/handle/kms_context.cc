#include "kms_context.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace fle::mongocrypt {

using kms::Exchange;

namespace {

std::string endpoint_of(const Exchange::Message& message) {
  const bool is_address = message.host.find(':') != std::string_view::npos;  // of IPv6
  return (is_address ? "[" + std::string(message.host) + "]" : std::string(message.host)) + ":" +
         std::to_string(message.port);
}

}  // namespace

Done KmsMessage::check_process() const {
  if (process_ == process_number()) return ok;
  return Failure(
      Errc::key_not_inherited,
      "this message was made before the process forked: make a new context in the child");
}

KmsContext::KmsContext(Exchange& exchange, std::string provider_id)
    : KmsMessage(std::move(provider_id), endpoint_of(exchange.message())), exchange_(&exchange) {
  const Bytes bytes = exchange_->message().bytes;
  message_.assign(bytes.begin(), bytes.end());
}

bool KmsContext::is_same_as(const KmsContext& other) const noexcept {
  return endpoint() == other.endpoint() && std::ranges::equal(message_, other.message_);
}

Outcome<Bytes> KmsContext::message() {
  if (waits()) {
    exchange_->resume();
    sending_ = true;
    const Bytes again = exchange_->message().bytes;
    message_.assign(again.begin(), again.end());
  }
  return Bytes(message_);
}

void KmsContext::note_sent() {
  if (!sending_ || over_ || exchange_->state() != Exchange::State::send) return;
  sending_ = false;
  exchange_->sent();
}

std::uint32_t KmsContext::bytes_needed() {
  note_sent();
  if (over_ || exchange_->state() != Exchange::State::receive) return 0;
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::uint32_t>(std::min(kMost, exchange_->bytes_needed()));
}

std::int64_t KmsContext::microseconds_to_wait() const noexcept {
  if (!waits()) return 0;
  return std::chrono::duration_cast<std::chrono::microseconds>(exchange_->delay()).count();
}

void KmsContext::retire() noexcept {
  exchange_ = nullptr;
  over_ = true;
  handed_out_ = true;
  WipedBytes().swap(message_);
}

bool KmsContext::waits() const noexcept {
  return !over_ && exchange_->state() == Exchange::State::wait;
}

void KmsContext::see_what_is_next() noexcept {
  // State::send: the next message of the exchange, which is the business of another context.
  const Exchange::State state = exchange_->state();
  over_ = state != Exchange::State::receive && state != Exchange::State::wait;
  if (state == Exchange::State::wait) handed_out_ = false;
}

Outcome<bool> KmsContext::feed(Bytes bytes) {
  if (bytes.size() > bytes_needed())
    return Failure(Errc::invalid_argument, "KMS response fed more bytes than were needed");
  if (bytes.empty()) return Failure(Errc::invalid_argument, "KMS response fed no bytes");
  exchange_->feed(bytes);
  see_what_is_next();
  if (exchange_->state() == Exchange::State::failed) return exchange_->failure();
  return waits();
}

bool KmsContext::lost() {
  if (over_) return false;
  if (exchange_->state() == Exchange::State::send || exchange_->state() == Exchange::State::receive)
    exchange_->lost("the driver reports a network error");
  see_what_is_next();
  return waits();
}

}  // namespace fle::mongocrypt
