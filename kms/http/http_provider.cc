#include "http_provider.h"

#include <algorithm>
#include <utility>

#include "document/key_names.h"
#include "document/provider_id.h"
#include "fle/data_key.h"
#include "oauth.h"
#include "provider/allowed_endpoints.h"
#include "trusted_hosts.h"

namespace fle::kms {

Outcome<HttpEndpoint> endpoint_option(std::string_view id, const rapidjson::Value& options,
                                      std::string_view field, std::string_view fallback) {
  const std::string what = "KMS provider " + quoted(id) + ": " + std::string(field);
  if (!has_option(options, field)) return parse_endpoint(what, fallback);
  FLE_TRY(const SecretBytes text, text_option(id, options, field, LockPolicy::best_effort));
  return parse_endpoint(what, text_of(text));
}

HttpProvider::HttpProvider(std::string id, const Traits& traits, const KmsOptions& kms,
                           const HttpHooks& hooks)
    : id_(std::move(id)),
      traits_(traits),
      lock_policy_(kms.lock_policy),
      now_(hooks.now ? hooks.now : std::chrono::system_clock::now),
      client_(HttpClient::settings_for(id_, kms, hooks)),
      tokens_(hooks.monotonic ? hooks.monotonic : std::chrono::steady_clock::now) {
  const auto it = kms.allowed_endpoints.find(id_);
  if (it != kms.allowed_endpoints.end()) allowed_endpoints_ = it->second;
}

Outcome<MasterKey> HttpProvider::prepare(const MasterKey& asked) {
  FLE_CHECK(check(asked));
  if (master_key_text(asked, traits_.endpoint_field).empty()) return asked;
  FLE_TRY(const HttpEndpoint to, endpoint_of(asked, {}));
  return with_master_key_text(asked, traits_.endpoint_field, to.stored());
}

Outcome<std::vector<std::uint8_t>> HttpProvider::wrap(const SecretBytes& data_key,
                                                      const MasterKey& master_key) {
  if (data_key.size() != DataKey::kLen)
    return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
  FLE_CHECK(check(master_key));
  return do_wrap(data_key.expose(), master_key);
}

Outcome<SecretBytes> HttpProvider::unwrap(Bytes key_material, const MasterKey& master_key) {
  FLE_CHECK(check(master_key));
  return do_unwrap(key_material, master_key);
}

Done HttpProvider::check(const MasterKey& master_key) const {
  FLE_CHECK(process_.check(id_));
  FLE_TRY(const MasterKey parsed, parse_master_key(master_key.bson));
  if (parsed.provider != id_)
    return Failure{
        Errc::invalid_argument,
        "KMS provider " + quoted(id_) + " was given a master key of " + quoted(parsed.provider)};
  for (const NameRule& rule : name_rules(traits_.type)) {
    const std::string value = master_key_text(parsed, rule.field);
    if (is_name_by(rule, value) || !has_master_key_field(parsed, rule.field)) continue;
    return Failure{Errc::kms_config_invalid,
                   "KMS provider " + quoted(id_) + ": masterKey." + std::string(rule.field) +
                       ": expected " + std::string(rule.expected) + ", got " + quoted(value)};
  }
  return ok;
}

Outcome<HttpEndpoint> HttpProvider::endpoint_of(const MasterKey& master_key,
                                                const std::string& fallback) const {
  const std::string what =
      "KMS provider " + quoted(id_) + ": masterKey." + std::string(traits_.endpoint_field);
  const std::string given = master_key_text(master_key, traits_.endpoint_field);
  FLE_TRY(HttpEndpoint to, parse_endpoint(what, given.empty() ? fallback : given));
  const std::string region = master_key_text(master_key, "region");
  if (given.empty() || is_cloud_kms(traits_.type, to, region) ||
      is_allowed(to.host, to.port, allowed_endpoints_))
    return to;
  return Failure{Errc::kms_config_invalid,
                 what + ": " + quoted(to.stored()) + " is not a KMS of this cloud" +
                     (region.empty() ? "" : " in region " + quoted(region)) +
                     "; if it is to be trusted with credentials and keys, name it in "
                     "KmsOptions::allowed_endpoints"};
}

HttpCall HttpProvider::make_call(std::string what, HttpRequest request) const {
  return {id_, std::move(what), std::move(request), traits_.is_transient, {}};
}

Outcome<std::vector<std::uint8_t>> HttpProvider::wrapped_in(const JsonAnswer& answer,
                                                            std::string_view field,
                                                            Base64Alphabet alphabet,
                                                            const HttpCall& asked) {
  const auto text = answer.text({field});
  // What is wrapped is not secret, and so needs no locked memory.
  FLE_TRY(const auto bytes,
          decode_base64(text.value_or(std::string_view()), alphabet, LockPolicy::best_effort));
  if (bytes) return std::vector<std::uint8_t>(bytes->expose().begin(), bytes->expose().end());
  return asked.failure(Errc::kms_bad_answer,
                       "the answer has no base64 in its field " + quoted(field));
}

Outcome<SecretBytes> HttpProvider::opened_in(const JsonAnswer& answer, std::string_view field,
                                             Base64Alphabet alphabet, const HttpCall& asked) const {
  const auto text = answer.text({field});
  FLE_TRY(auto bytes, decode_base64(text.value_or(std::string_view()), alphabet, lock_policy_));
  if (!bytes)
    return asked.failure(Errc::kms_bad_answer,
                         "the answer has no base64 in its field " + quoted(field));
  if (bytes->size() == DataKey::kLen) return std::move(*bytes);
  return asked.failure(
      Errc::key_unwrap_failed,
      "decrypted key is incorrect length, expected: 96, got: " + std::to_string(bytes->size()));
}

Outcome<TokenCache::Fetched> HttpProvider::given_token(const SecretBytes& token) const {
  FLE_TRY(SecretBytes copy, SecretBytes::copy_of(token.expose(), lock_policy_));
  return TokenCache::Fetched{std::move(copy), std::chrono::seconds(0)};
}

Result<JsonAnswer, CallFault> HttpProvider::call_with_token(HttpCall& asked,
                                                            const std::string& scope,
                                                            const TokenCache::Fetch& fetch) {
  const std::size_t n_headers = asked.request.headers.size();
  for (bool fresh = false;;) {
    bool fetched = false;
    const auto token = tokens_.get(scope, [&] {
      fetched = true;
      return fetch();
    });
    if (!token) return CallFault{token.error(), 0, {}};
    asked.request.headers.resize(n_headers);
    add_bearer(asked.request, text_of(**token));
    auto answer = call(client_, asked);
    if (answer || answer.error().status != 401) return answer;
    tokens_.forget(scope, *token);
    if (fresh || fetched) return answer;
    fresh = true;
  }
}

}  // namespace fle::kms
