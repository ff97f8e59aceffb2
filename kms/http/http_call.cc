#include "http_call.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "text/text.h"

namespace fle::kms {
namespace {

struct Advice {
  int from, to;
  const char* text;
};
constexpr Advice kAdvice[] = {
    {300, 399, "redirects are not followed: check the endpoint"},
    {401, 401, "check the credentials"},
    {403, 403, "check the credentials, and that they may use this key"},
    {404, 404, "check the key's name, its region or vault, and the endpoint"},
    {429, 429, "retry later, or ask the provider for a higher limit"},
    {400, 499, "check the master key's fields, the key's state and the credentials"},
    {500, 999, "retry later"},
};

const char* advice_for(int status) noexcept {
  const auto* a = std::ranges::find_if(
      kAdvice, [&](const Advice& x) { return status >= x.from && status <= x.to; });
  return a == std::end(kAdvice) ? "check the endpoint" : a->text;
}

// Long enough not to be met by chance, short enough to leave nothing of use.
constexpr std::size_t kFragment = 8;

constexpr std::size_t kMaxCode = 80;
constexpr std::size_t kMaxMessage = 300;
constexpr std::size_t kMaxRequestId = 128;

bool repeats(std::string_view text, std::string_view secret) noexcept {
  if (secret.size() < kFragment)
    return !secret.empty() && text.find(secret) != std::string_view::npos;
  for (std::size_t i = 0; i + kFragment <= text.size(); ++i)
    if (secret.find(text.substr(i, kFragment)) != std::string_view::npos) return true;
  return false;
}

// A server may echo what it was sent. Judged before anything is copied: a string is freed unwiped.
std::string quote(std::string_view said, std::size_t max, const HttpRequest& request) {
  const bool echo = std::ranges::any_of(
      request.secrets, [&](const WipedText& s) { return repeats(said, s.view()); });
  if (!echo) return words(said, max);
  return "(the server's text is left out, for it repeats a secret of the request)";
}

struct FaultText {
  HttpFault::Kind kind;
  Errc code;
  const char* advice;
};
constexpr FaultText kFaults[] = {
    {HttpFault::Kind::transient, Errc::kms_unreachable,
     "; check the endpoint, the network and the timeouts"},
    {HttpFault::Kind::permanent, Errc::kms_unreachable, "; check the endpoint and TlsOptions"},
    {HttpFault::Kind::no_http, Errc::kms_bad_answer, "; check that the endpoint is a KMS"},
};

const FaultText& text_of(HttpFault::Kind kind) noexcept {
  return *std::ranges::find(kFaults, kind, &FaultText::kind);
}

Errc code_for(int status) noexcept {
  // Only an error status is a refusal. Anything else is not the protocol of a KMS.
  if (status == 429 || status >= 500) return Errc::kms_busy;
  return status >= 400 ? Errc::kms_refused : Errc::kms_bad_answer;
}

CallFault refused(const HttpCall& c, HttpResponse& response) {
  CallFault out;
  out.status = response.status;
  std::string why = "HTTP status " + std::to_string(response.status);
  if (const auto answer = JsonAnswer::parse(std::move(response.body))) {
    const Refusal said = refusal_of(*answer);
    out.code = quote(said.code, kMaxCode, c.request);
    if (!said.code.empty()) why += ": " + out.code;
    if (!said.message.empty()) why += ": " + quote(said.message, kMaxMessage, c.request);
  }
  if (!response.request_id.empty())
    why += " (request id " + quote(response.request_id.view(), kMaxRequestId, c.request) + ")";
  const bool own_advice = !c.advice.empty() && response.status >= 400 && response.status < 500 &&
                          response.status != 429;
  why += "; ";
  why += own_advice ? c.advice : advice_for(response.status);
  out.failure = c.failure(code_for(response.status), why);
  return out;
}

}  // namespace

Failure HttpCall::failure(Errc code, std::string_view why) const {
  return {code, "KMS provider " + quoted(provider_id) + ": " + what + " at " + request.to.shown() +
                    ": " + std::string(why)};
}

Result<WipedText, CallFault> body_of(const HttpCall& request, HttpResult<HttpResponse> response) {
  if (!response) {
    const FaultText& text = text_of(response.error().kind);
    return CallFault{request.failure(text.code, response.error().why + text.advice), 0, {}};
  }
  if (response->status != 200) return refused(request, *response);
  return std::move(response->body);
}

Result<JsonAnswer, CallFault> judge(const HttpCall& request, HttpResult<HttpResponse> response) {
  FLE_TRY(WipedText body, body_of(request, std::move(response)));
  auto answer = JsonAnswer::parse(std::move(body));
  if (answer) return std::move(*answer);
  return CallFault{request.failure(Errc::kms_bad_answer,
                                   "HTTP status 200, but the answer is not a JSON object; check "
                                   "that this is the KMS and not a gateway"),
                   200,
                   {}};
}

}  // namespace fle::kms
