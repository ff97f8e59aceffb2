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

HttpSettings HttpSettings::of(std::string_view id, const KmsOptions& kms, const HttpHooks& hooks) {
  HttpSettings s;
  if (const auto tls = kms.tls.find(id); tls != kms.tls.end()) s.tls = tls->second;
  s.connect_timeout = kms.connect_timeout;
  s.request_timeout = kms.request_timeout;
  s.max_retries = kms.max_retries;
  s.sleep = hooks.sleep;
  s.connect_to = hooks.connect_to;
  return s;
}

namespace {

/// What automatic_credentials() gave; null: there is none, or a callback of an application's own.
std::shared_ptr<TokenSource> machine_of(const KmsOptions& kms) {
  const auto* const callable = kms.credentials.target<CallableSource>();
  return callable != nullptr ? callable->source : nullptr;
}

}  // namespace

HttpSettings HttpSettings::of_near(const HttpHooks& hooks) {
  HttpSettings s;
  // What is near answers within milliseconds, or is not there.
  s.connect_timeout = std::chrono::seconds(2);
  s.request_timeout = std::chrono::seconds(10);
  s.max_retries = 1;
  s.sleep = hooks.sleep;
  s.connect_plain_to = hooks.connect_plain_to;
  return s;
}

HttpProvider::HttpProvider(std::string id, const Traits& traits, const KmsOptions& kms,
                           const HttpHooks& hooks, bool on_demand)
    : id_(std::move(id)),
      traits_(traits),
      lock_policy_(kms.lock_policy),
      now_(hooks.now ? hooks.now : std::chrono::system_clock::now),
      max_retries_(kms.max_retries),
      random_(hooks.random),
      driver_(make_http_driver(HttpSettings::of(id_, kms, hooks))),
      machine_(on_demand ? machine_of(kms) : nullptr),
      near_(machine_ ? make_http_driver(HttpSettings::of_near(hooks)) : nullptr),
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

Outcome<HttpPlan> HttpProvider::checked_wrap(const SecretBytes& data_key,
                                             const MasterKey& master_key) {
  if (data_key.size() != DataKey::kLen)
    return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
  FLE_CHECK(check(master_key));
  return with_scope(plan_wrap(data_key.expose(), master_key));
}

Outcome<HttpPlan> HttpProvider::checked_unwrap(Bytes key_material, const MasterKey& master_key) {
  FLE_CHECK(check(master_key));
  return with_scope(plan_unwrap(key_material, master_key));
}

Outcome<HttpPlan> HttpProvider::with_scope(Outcome<HttpPlan> plan) const {
  if (plan && is_of_machine()) plan->scope = id_;
  return plan;
}

Outcome<std::vector<std::uint8_t>> HttpProvider::wrap(const SecretBytes& data_key,
                                                      const MasterKey& master_key) {
  FLE_CHECK(check_driver());
  FLE_TRY(HttpPlan plan, checked_wrap(data_key, master_key));
  return run(std::move(plan)).wrapped();
}

Outcome<SecretBytes> HttpProvider::unwrap(Bytes key_material, const MasterKey& master_key) {
  FLE_CHECK(check_driver());
  FLE_TRY(HttpPlan plan, checked_unwrap(key_material, master_key));
  return run(std::move(plan)).opened(lock_policy_);
}

Done HttpProvider::check_driver() const {
  if (driver_ != nullptr) return ok;
  return exchanges_alone(id_, "libcurl");
}

HttpSteps HttpProvider::run(HttpPlan plan) {
  HttpSteps steps(std::move(plan));
  while (!steps.is_done()) {
    if (!steps.wants_token()) {
      steps.give_answer(driver_->exchange(steps.call()), tokens());
      continue;
    }
    bool fetched = false;
    auto token = tokens().get(steps.scope(), [&] {
      fetched = true;
      return follow(begin_token(steps.scope()), {driver_.get(), near_.get()});
    });
    steps.give_token(std::move(token), fetched);
  }
  return steps;
}

Outcome<TokenPlan> HttpProvider::begin_token(const std::string& scope) {
  return machine_ != nullptr ? machine_->plan(id_) : plan_token(scope);
}

Outcome<TokenPlan> HttpProvider::plan_token(const std::string&) {
  return Failure{Errc::invalid_argument, "this provider has no tokens"};
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

Outcome<TokenPlan> HttpProvider::given_token(const SecretBytes& token) const {
  return token_of(text_of(token), std::chrono::seconds(0), lock_policy_);
}

}  // namespace fle::kms
