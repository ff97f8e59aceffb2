#ifndef FLE_KMS_HTTP_PROVIDER_H_
#define FLE_KMS_HTTP_PROVIDER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "document/master_key.h"
#include "fle/kms/provider.h"
#include "http/http_driver.h"
#include "http_plan.h"
#include "provider/credentials.h"
#include "token_plan.h"

namespace fle::kms {

/// A host given in a provider's options, or `fallback`.
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<HttpEndpoint> endpoint_option(std::string_view id,
                                                    const rapidjson::Value& options,
                                                    std::string_view field,
                                                    std::string_view fallback);

/// What the clouds' providers have in common: checks of what goes in and comes out, and the rule
/// which hosts a key document may name.
class HttpProvider : public Provider {
 public:
  /// Checks the endpoint, and brings it into the form that drivers store.
  [[nodiscard]] Outcome<MasterKey> prepare(const MasterKey& asked) final;
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                                        const MasterKey& master_key) final;
  [[nodiscard]] Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) final;
  [[nodiscard]] std::unique_ptr<Exchange> begin_wrap(const SecretBytes& data_key,
                                                     const MasterKey& master_key) final;
  [[nodiscard]] std::unique_ptr<Exchange> begin_unwrap(Bytes key_material,
                                                       const MasterKey& master_key) final;

 protected:
  struct Traits {
    std::string_view type;            ///< Of the rules in trusted_hosts.h and key_names.h.
    std::string_view endpoint_field;  ///< Of the masterKey.
    bool (*is_transient)(int status);
  };
  /// @param on_demand  the options have no credentials: KmsOptions::credentials does
  HttpProvider(std::string id, const Traits& traits, const KmsOptions& kms, const HttpHooks& hooks,
               bool on_demand);

  /// How to make keyMaterial of the 96 bytes of `data_key`, under a valid `master_key`.
  [[nodiscard]] virtual Outcome<HttpPlan> plan_wrap(Bytes data_key,
                                                    const MasterKey& master_key) = 0;
  [[nodiscard]] virtual Outcome<HttpPlan> plan_unwrap(Bytes key_material,
                                                      const MasterKey& master_key) = 0;
  /// How to get a bearer token; never asked of a provider whose plans name no scope, nor of one
  /// whose tokens are the machine's.
  [[nodiscard]] virtual Outcome<TokenPlan> plan_token(const std::string& scope);

  /// The masterKey's endpoint, or `fallback` if it names none.
  /// @retval Errc::kms_config_invalid  malformed, or a host that is not allowed
  [[nodiscard]] Outcome<HttpEndpoint> endpoint_of(const MasterKey& master_key,
                                                  const std::string& fallback) const;
  [[nodiscard]] HttpCall make_call(std::string what, HttpRequest request) const;
  /// A token out of the options: not the cache's to keep, it may have been renewed meanwhile.
  [[nodiscard]] Outcome<TokenPlan> given_token(const SecretBytes& token) const;

  /// Whether its credentials are those that the machine has: what authorizes its calls is then one
  /// token of the scope id().
  [[nodiscard]] bool is_of_machine() const noexcept { return machine_ != nullptr; }
  [[nodiscard]] LockPolicy lock_policy() const noexcept { return lock_policy_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] std::chrono::system_clock::time_point now() const { return now_(); }

 private:
  class HttpExchange;

  [[nodiscard]] Outcome<HttpPlan> checked_wrap(const SecretBytes& data_key,
                                               const MasterKey& master_key);
  [[nodiscard]] Outcome<HttpPlan> checked_unwrap(Bytes key_material, const MasterKey& master_key);
  [[nodiscard]] Outcome<HttpPlan> with_scope(Outcome<HttpPlan> plan) const;
  /// For wrap() and unwrap().
  /// @retval Errc::not_in_build  exchanges alone
  [[nodiscard]] Done check_driver() const;
  /// Runs a plan to its end with the drivers.
  [[nodiscard]] HttpSteps run(HttpPlan plan);
  [[nodiscard]] Outcome<TokenPlan> begin_token(const std::string& scope);
  [[nodiscard]] TokenCache& tokens() noexcept {
    return machine_ != nullptr ? machine_->tokens() : tokens_;
  }
  /// Whether it is one of this provider, with names that can be what they say.
  [[nodiscard]] Done check(const MasterKey& master_key) const;

  const std::string id_;
  const Traits traits_;
  const LockPolicy lock_policy_;
  const std::function<std::chrono::system_clock::time_point()> now_;
  std::vector<std::string> allowed_endpoints_;
  SameProcess process_;
  const std::uint32_t max_retries_;
  const std::function<std::uint32_t()> random_;
  const std::unique_ptr<HttpDriver> driver_;    // null: exchanges alone
  const std::shared_ptr<TokenSource> machine_;  // null: tokens and credentials are its own
  const std::unique_ptr<HttpDriver> near_;      // for that
  TokenCache tokens_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_PROVIDER_H_
