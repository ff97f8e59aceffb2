#include "kmip_client.h"

#include <algorithm>
#include <utility>

#include "fle/longest.h"
#include "provider/kms_call.h"

namespace fle::kms::kmip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeptFor{10};  // a longer silence is not worth a surprise

bool is_repeatable(Operation op) noexcept {
  return op == Operation::get || op == Operation::get_attributes || op == Operation::decrypt;
}

}  // namespace

Outcome<std::unique_ptr<Driver>> make_driver(const TlsOptions& tls, const KmsOptions& options) {
  FLE_CHECK(check_tls_options(tls));
  return std::unique_ptr<Driver>(std::make_unique<Client>(tls, options));
}

Client::Client(TlsOptions tls, const KmsOptions& options)
    : tls_(std::move(tls)),
      connect_timeout_(at_longest_a_century(options.connect_timeout)),
      request_timeout_(at_longest_a_century(options.request_timeout)),
      policy_(options.lock_policy) {}

std::optional<TlsStream> Client::take_kept(const TlsPeer& peer) {
  std::optional<Kept> kept;  // closed outside the lock, if it is not the one
  {
    const std::lock_guard lock(mutex_);
    kept = std::exchange(kept_, std::nullopt);
  }
  if (!kept || kept->host != peer.host || kept->port != peer.port || Clock::now() > kept->until ||
      !kept->stream.is_idle())
    return std::nullopt;
  return std::move(kept->stream);
}

void Client::keep(TlsStream stream, const TlsPeer& peer) {
  std::optional<Kept> old(Kept{std::move(stream), peer.host, peer.port, Clock::now() + kKeptFor});
  const std::lock_guard lock(mutex_);
  std::swap(kept_, old);
}

Outcome<SecretBytes> Client::ask(TlsStream& stream, const Request& request, Deadline by) {
  FLE_CHECK(stream.write(request.bytes(), by));
  AnswerReader reader(policy_);
  for (MutBytes room = reader.room(); !room.empty(); room = reader.room()) {
    FLE_CHECK(stream.read(room, by));
    FLE_CHECK(reader.took(room.size()));
  }
  return std::move(reader.answer());
}

Outcome<SecretBytes> Client::exchange(const Endpoint& to, const Request& request) {
  if (tls_.certificate_file.empty())
    return Failure{Errc::kms_config_invalid,
                   "no client certificate: name one in the TLS options of this provider"};
  KmsCall* const whole = KmsCall::current();
  if (whole == nullptr) return exchange_by(to, request, Clock::now() + request_timeout_);
  if (whole->is_down(this, to.text))
    return Failure{Errc::kms_unreachable,
                   "it has just not answered for another key, and is not asked again in this call"};
  if (whole->is_over()) return Failure{Errc::kms_unreachable, "the time of this call is over"};
  auto answer =
      exchange_by(to, request, std::min(Clock::now() + request_timeout_, whole->deadline()));
  if (!answer && answer.error().code == Errc::kms_unreachable) whole->note_down(this, to.text);
  return answer;
}

Outcome<SecretBytes> Client::exchange_by(const Endpoint& to, const Request& request, Deadline by) {
  if (std::optional<TlsStream> kept = take_kept(to.peer)) {
    const std::uint64_t before = kept->n_read();
    Outcome<SecretBytes> answer = ask(*kept, request, by);
    if (answer) keep(std::move(*kept), to.peer);
    const bool stale = !answer && answer.error().code == Errc::kms_unreachable &&
                       kept->n_read() == before && Clock::now() < by;
    if (!stale || !is_repeatable(request.operation)) return answer;
  }
  FLE_TRY(TlsStream stream,
          TlsStream::connect(to.peer, tls_, std::min(by, Clock::now() + connect_timeout_)));
  FLE_TRY(SecretBytes answer, ask(stream, request, by));
  keep(std::move(stream), to.peer);
  return answer;
}

}  // namespace fle::kms::kmip
