#include "sigv4.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "text/text.h"

namespace fle::kms {
namespace {

// Digests and keys on the stack: signing keys are as good as the secret for a day.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  Digest() = default;
  Digest(const Digest&) = default;
  Digest& operator=(const Digest&) = default;
  ~Digest() { wipe(bytes); }
};

Bytes bytes_of(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

Outcome<Digest> sha256(Bytes data) {
  Digest out;
  unsigned n = 0;
  if (EVP_Digest(data.data(), data.size(), out.bytes.data(), &n, EVP_sha256(), nullptr) == 1)
    return out;
  return Failure(Errc::crypto_failed, "SHA-256");
}

Outcome<Digest> hmac(Bytes key, std::string_view data) {
  Digest out;
  unsigned n = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(data).data(),
           data.size(), out.bytes.data(), &n) != nullptr)
    return out;
  return Failure(Errc::crypto_failed, "HMAC-SHA-256");
}

std::string hex(const Digest& d) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t b : d.bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

// 20150830T123600Z
std::string timestamp(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[24] = {};
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return text;
}

std::string lower_case(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

struct SignedHeaders {
  WipedText canonical;  // "name:value\n" each; may hold a session token
  std::string names;    // joined by ';'
};

SignedHeaders signed_headers(const HttpRequest& request) {
  std::vector<std::pair<std::string, std::string_view>> sorted;
  for (const HttpHeader& h : request.headers)
    if (!equal_ignoring_case(h.name, "connection"))
      sorted.emplace_back(lower_case(h.name), h.value.view());
  std::ranges::sort(sorted);
  SignedHeaders out;
  for (const auto& [name, value] : sorted) {
    out.canonical.append(name).append(':').append(value).append('\n');
    out.names += (out.names.empty() ? "" : ";") + name;
  }
  return out;
}

Outcome<Digest> signing_key(const SigningKey& key, std::string_view date) {
  WipedText secret("AWS4");
  secret.append(key.secret_access_key);
  FLE_TRY(Digest k, hmac(secret.bytes(), date));
  for (const std::string_view part : {key.region, key.service, std::string_view("aws4_request")}) {
    FLE_TRY(const Digest next, hmac(k.bytes, part));
    k = next;
  }
  return k;
}

}  // namespace

Done sign_v4(HttpRequest& request, const SigningKey& key,
             std::chrono::system_clock::time_point now) {
  const std::string time = timestamp(now);
  const std::string date = time.substr(0, 8);
  request.headers.push_back({"X-Amz-Date", WipedText(time)});
  if (!key.session_token.empty()) {
    request.headers.push_back({"X-Amz-Security-Token", WipedText(key.session_token)});
    request.secrets.emplace_back(key.session_token);
  }
  const SignedHeaders headers = signed_headers(request);
  FLE_TRY(const Digest body, sha256(request.body.bytes()));
  WipedText canonical(request.method);
  const std::size_t path = std::min(request.target.find('?'), request.target.size());
  canonical.append('\n').append(std::string_view(request.target).substr(0, path)).append('\n');
  if (path < request.target.size())
    canonical.append(std::string_view(request.target).substr(path + 1));
  canonical.append('\n').append(headers.canonical.view()).append('\n');
  canonical.append(headers.names).append('\n').append(hex(body));
  FLE_TRY(const Digest canonical_digest, sha256(canonical.bytes()));

  const std::string scope =
      date + "/" + std::string(key.region) + "/" + std::string(key.service) + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + hex(canonical_digest);
  FLE_TRY(const Digest k, signing_key(key, date));
  FLE_TRY(const Digest signature, hmac(k.bytes, to_sign));

  WipedText authorization("AWS4-HMAC-SHA256 Credential=");
  authorization.append(key.access_key_id).append('/').append(scope);
  authorization.append(", SignedHeaders=").append(headers.names);
  authorization.append(", Signature=").append(hex(signature));
  request.headers.push_back({"Authorization", std::move(authorization)});
  request.secrets.emplace_back(hex(signature));
  request.secrets.emplace_back(key.secret_access_key);
  return ok;
}

}  // namespace fle::kms
