#include "kmip_provider.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rapidjson/document.h>

#include "document/bson_fields.h"
#include "document/master_key_pins.h"
#include "fle/data_key.h"
#include "fle/random.h"
#include "kmip_client.h"
#include "kmip_master_key.h"
#include "kmip_message.h"
#include "provider/allowed_endpoints.h"
#include "provider/local_provider.h"
#include "provider/provider_options.h"
#include "text/text.h"

namespace fle::kms {
namespace {

using kmip::Client;
using kmip::Endpoint;
using kmip::Request;

constexpr std::size_t kIvLen = 16;
constexpr std::size_t kBlockLen = 16;
constexpr std::size_t kMaxDelegatedLen = 4096;  // an IV and 112 bytes are expected

/// One master key on one server, with all that errors have to say about it.
struct Target {
  Endpoint endpoint;
  bool delegated = false;
  std::string key_id;  // empty: none yet
};

class KmipProvider final : public Provider {
 public:
  KmipProvider(std::string id, std::optional<Endpoint> endpoint, const TlsOptions& tls,
               const KmsOptions& kms)
      : id_(std::move(id)),
        endpoint_(std::move(endpoint)),
        policy_(kms.lock_policy),
        client_(tls, kms) {
    if (const auto it = kms.allowed_endpoints.find(id_); it != kms.allowed_endpoints.end())
      allowed_ = it->second;
    if (const auto it = kms.master_keys.find(id_); it != kms.master_keys.end())
      std::ranges::copy_if(it->second, std::back_inserter(endpoint_pins_),
                           [](const MasterKeyPin& pin) { return pin.contains("endpoint"); });
  }

  Outcome<MasterKey> prepare(const MasterKey& asked) override {
    FLE_TRY(KmipMasterKey fields, read_kmip_master_key(asked));
    FLE_TRY(Target target, target_of(fields, asked));
    if (target.key_id.empty()) {
      FLE_CHECK(make_object(target));
    } else {
      FLE_CHECK(check_state(target));
    }
    fields.key_id = target.key_id;
    if (!fields.endpoint.empty()) fields.endpoint = target.endpoint.text;
    return to_master_key(asked.provider, fields);
  }

  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                          const MasterKey& master_key) override {
    if (data_key.size() != DataKey::kLen)
      return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
    FLE_TRY(const Target target, existing(master_key));
    if (target.delegated) return encrypt(data_key, target);
    FLE_TRY(const auto local, local_under(target));
    return local->wrap(data_key, master_key);
  }

  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    FLE_TRY(const Target target, existing(master_key));
    if (target.delegated) return decrypt(key_material, target);
    FLE_TRY(const auto local, local_under(target));
    Outcome<SecretBytes> opened = local->unwrap(key_material, master_key);
    if (!opened) opened.error().message += " (keyId " + quoted(target.key_id) + ")";
    return opened;
  }

 private:
  [[nodiscard]] Outcome<Target> target_of(const KmipMasterKey& fields,
                                          const MasterKey& master_key) const {
    FLE_TRY(Endpoint endpoint,
            fields.endpoint.empty() ? configured() : named(fields.endpoint, master_key));
    return Target{std::move(endpoint), fields.delegated, fields.key_id};
  }

  [[nodiscard]] Outcome<Endpoint> configured() const {
    if (endpoint_) return *endpoint_;
    return Failure{Errc::kms_config_invalid,
                   "KMS provider " + quoted(id_) +
                       ": endpoint not set for KMIP request: name it in the provider's options or "
                       "the masterKey"};
  }

  /// The endpoint of a master key, which comes out of a key document and so from anybody who can
  /// write to the vault. A CA may vouch for more servers than those that keep keys.
  [[nodiscard]] Outcome<Endpoint> named(const std::string& text,
                                        const MasterKey& master_key) const {
    Outcome<Endpoint> to = kmip::parse_endpoint(text);
    if (!to) return Failure{Errc::key_document_invalid, to.error().message, "masterKey.endpoint"};
    const TlsPeer& peer = to->peer;
    const bool is_configured = endpoint_ && equal_ignoring_case(endpoint_->peer.host, peer.host) &&
                               endpoint_->peer.port == peer.port;
    if (is_configured || is_allowed(peer.host, peer.port, allowed_) ||
        is_pinned(master_key, endpoint_pins_))
      return to;
    return Failure{Errc::kms_config_invalid,
                   "KMS provider " + quoted(id_) + ": masterKey.endpoint " + quoted(to->text) +
                       " is not the configured endpoint, and whoever writes to the key vault could "
                       "name any; if it is to be trusted with keys, name it in "
                       "KmsOptions::allowed_endpoints, or in a pin"};
  }

  /// What wrap() and unwrap() work with.
  [[nodiscard]] Outcome<Target> existing(const MasterKey& master_key) const {
    FLE_TRY(const KmipMasterKey fields, read_kmip_master_key(master_key));
    if (fields.key_id.empty())
      return Failure{Errc::key_document_invalid, "KMIP key malformed, no keyId present",
                     "masterKey.keyId"};
    return target_of(fields, master_key);
  }

  /// One request; `read` makes of the payload of its answer what is wanted.
  template <class Read>
  auto run(const Target& target, const Outcome<Request>& request, Read read)
      -> decltype(read(Bytes{})) {
    if (!request) return request.error();
    const auto explain = [&](Failure why) {
      why.message = "KMS provider " + quoted(id_) + " at " + quoted(target.endpoint.text) + ": " +
                    (target.key_id.empty() ? "" : "keyId " + quoted(target.key_id) + ": ") +
                    why.message;
      return why;
    };
    const auto answer = client_.exchange(target.endpoint, *request);
    if (!answer) {
      Failure why = answer.error();
      why.message = std::string(kmip::name(request->operation)) + ": " + why.message;
      return explain(std::move(why));
    }
    const auto payload = kmip::payload_of(answer->expose(), request->operation);
    if (!payload) return explain(payload.error());
    auto result = read(*payload);
    if (!result) return explain(result.error());
    return result;
  }

  /// Registers or creates the managed object and activates it; sets target.key_id.
  Done make_object(Target& target) {
    FLE_TRY(SecretBytes secret, SecretBytes::create(DataKey::kLen, policy_));
    FLE_CHECK(random_key_material(secret.expose_mut()));
    FLE_TRY(target.key_id, run(target,
                               target.delegated ? kmip::create_request(policy_)
                                                : kmip::register_request(secret.expose(), policy_),
                               kmip::key_id_in));
    Done activated = run(target, kmip::activate_request(target.key_id, policy_),
                         [](Bytes) -> Done { return ok; });
    if (!activated)
      activated.error().message += "; the object was made and is not in use: remove it";
    return activated;
  }

  /// New data keys belong under a master key that is in use. Servers that do not tell are believed.
  Done check_state(const Target& target) {
    const Outcome<std::string> state =
        run(target, kmip::state_request(target.key_id, policy_),
            [](Bytes payload) -> Outcome<std::string> {
              FLE_TRY(const std::string_view text, kmip::state_in(payload));
              return std::string(text);
            });
    if (!state && state.error().code != Errc::kms_refused) return state.error();
    if (!state || state->empty() || *state == "Active") return ok;
    return Failure{Errc::kms_refused, "KMS provider " + quoted(id_) + " at " +
                                          quoted(target.endpoint.text) + ": keyId " +
                                          quoted(target.key_id) + ": the object is " + *state +
                                          ", expected Active: activate it, or name another"};
  }

  /// The local provider under the secret that the server keeps.
  Outcome<std::unique_ptr<Provider>> local_under(const Target& target) {
    return run(target, kmip::get_request(target.key_id, policy_),
               [&](Bytes payload) -> Outcome<std::unique_ptr<Provider>> {
                 FLE_TRY(const Bytes secret, kmip::secret_in(payload, target.key_id));
                 if (secret.size() != DataKey::kLen)
                   return Failure{Errc::kms_refused, "expected Secret Data of 96 bytes, found " +
                                                         std::to_string(secret.size())};
                 return make_local_provider_from_key(id_, secret, policy_);
               });
  }

  Outcome<std::vector<std::uint8_t>> encrypt(const SecretBytes& data_key, const Target& target) {
    return run(target, kmip::encrypt_request(target.key_id, data_key.expose(), policy_),
               [](Bytes payload) -> Outcome<std::vector<std::uint8_t>> {
                 FLE_TRY(const Bytes iv, kmip::iv_in(payload));
                 FLE_TRY(const Bytes data, kmip::data_in(payload));
                 if (data.empty() || data.size() % kBlockLen != 0 ||
                     data.size() > kMaxDelegatedLen - kIvLen)
                   return Failure{Errc::kms_bad_answer, "the ciphertext is not whole AES blocks"};
                 std::vector<std::uint8_t> out(iv.begin(), iv.end());
                 out.insert(out.end(), data.begin(), data.end());
                 return out;
               });
  }

  Outcome<SecretBytes> decrypt(Bytes key_material, const Target& target) {
    const std::size_t n = key_material.size();
    if (n < kIvLen + kBlockLen || n % kBlockLen != 0 || n > kMaxDelegatedLen)
      return Failure{Errc::key_unwrap_failed, "KMS provider " + quoted(id_) + ": keyMaterial has " +
                                                  std::to_string(n) +
                                                  " bytes, expected an IV and whole AES blocks"};
    return run(target,
               kmip::decrypt_request(target.key_id, key_material.subspan(kIvLen),
                                     key_material.first(kIvLen), policy_),
               [&](Bytes payload) -> Outcome<SecretBytes> {
                 FLE_TRY(const Bytes data, kmip::data_in(payload));
                 if (data.size() != DataKey::kLen)
                   return Failure{Errc::key_unwrap_failed,
                                  "decrypted key is incorrect length, expected: 96, got: " +
                                      std::to_string(data.size())};
                 FLE_TRY(SecretBytes key, SecretBytes::copy_of(data, policy_));
                 return key;
               });
  }

  const std::string id_;
  const std::optional<Endpoint> endpoint_;
  std::vector<std::string> allowed_;         // as in KmsOptions::allowed_endpoints
  std::vector<MasterKeyPin> endpoint_pins_;  // those that name an endpoint
  const LockPolicy policy_;
  Client client_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_kmip_provider(std::string_view id,
                                                      const rapidjson::Value& options,
                                                      const KmsOptions& kms) {
  static constexpr std::string_view kAllowed[] = {"endpoint"};
  FLE_CHECK(check_option_names(id, options, kAllowed));
  std::optional<Endpoint> endpoint;
  if (const auto it = options.FindMember("endpoint"); it != options.MemberEnd()) {
    if (!it->value.IsString()) return invalid_options(id, "expected UTF-8 for 'endpoint'");
    auto parsed = kmip::parse_endpoint({it->value.GetString(), it->value.GetStringLength()});
    if (!parsed) return invalid_options(id, parsed.error().message);
    endpoint = *std::move(parsed);
  }
  TlsOptions tls;
  if (const auto it = kms.tls.find(id); it != kms.tls.end()) tls = it->second;
  if (const Done checked = check_tls_options(tls); !checked)
    return invalid_options(id, checked.error().message);
  return std::unique_ptr<Provider>(
      std::make_unique<KmipProvider>(std::string(id), std::move(endpoint), tls, kms));
}

}  // namespace fle::kms
