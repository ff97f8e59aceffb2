#include "kmip_provider.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "document/bson_fields.h"
#include "document/master_key_pins.h"
#include "fle/data_key.h"
#include "fle/random.h"
#include "kmip_driver.h"
#include "kmip_master_key.h"
#include "kmip_message.h"
#include "provider/allowed_endpoints.h"
#include "provider/local_provider.h"
#include "provider/provider_options.h"
#include "text/secret_json.h"
#include "text/text.h"

namespace fle::kms {
namespace {

using kmip::Driver;
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
  /// @param driver  null: exchanges alone
  KmipProvider(std::string id, std::optional<Endpoint> endpoint, std::unique_ptr<Driver> driver,
               const KmsOptions& kms)
      : id_(std::move(id)),
        endpoint_(std::move(endpoint)),
        policy_(kms.lock_policy),
        driver_(std::move(driver)) {
    if (const auto it = kms.allowed_endpoints.find(id_); it != kms.allowed_endpoints.end())
      allowed_ = it->second;
    if (const auto it = kms.master_keys.find(id_); it != kms.master_keys.end())
      std::ranges::copy_if(it->second, std::back_inserter(endpoint_pins_),
                           [](const MasterKeyPin& pin) { return pin.contains("endpoint"); });
  }

  Outcome<MasterKey> prepare(const MasterKey& asked) override { return run(plan_prepare(asked)); }
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                          const MasterKey& master_key) override {
    return run(plan_wrap(data_key, master_key));
  }
  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    return run(plan_unwrap(key_material, master_key));
  }

  std::unique_ptr<Exchange> begin_prepare(const MasterKey& asked) override {
    return begin(plan_prepare(asked));
  }
  std::unique_ptr<Exchange> begin_wrap(const SecretBytes& data_key,
                                       const MasterKey& master_key) override {
    return begin(plan_wrap(data_key, master_key));
  }
  std::unique_ptr<Exchange> begin_unwrap(Bytes key_material, const MasterKey& master_key) override {
    return begin(plan_unwrap(key_material, master_key));
  }

 private:
  /// One request to a server.
  struct Round {
    Target target;
    Request request;
  };
  using Answer = Outcome<SecretBytes>;

  /// How far a call has got: it has a result, or a request is to be sent and `then` makes of its
  /// answer the next step. Nothing is sent twice, and there is no input or output in here.
  template <class T>
  struct Step {
    using Then = std::function<Outcome<Step>(const Round&, Answer)>;
    Step(T result_now) : result(std::move(result_now)) {}  // NOLINT(*-explicit-*): as in Outcome
    Step(Round next, Then then_go) : round(std::move(next)), then(std::move(then_go)) {}

    std::optional<T> result;
    std::optional<Round> round;
    Then then;
  };
  template <class T>
  using Steps = Outcome<Step<T>>;

  /// Steps over the network of this build.
  template <class T>
  Outcome<T> run(Steps<T> step) {
    if (driver_ == nullptr) return exchanges_alone(id_, "TLS");
    while (step && step->round) {
      const Step<T> now = std::move(*step);
      step =
          now.then(*now.round, driver_->exchange(now.round->target.endpoint, now.round->request));
    }
    if (!step) return step.error();
    return std::move(*step->result);
  }

  template <class T>
  [[nodiscard]] std::unique_ptr<Exchange> begin(Steps<T> first) const {
    return std::make_unique<KmipExchange<T>>(policy_, std::move(first));
  }

  /// Steps over a network that the caller has.
  template <class T>
  class KmipExchange final : public Exchange {
   public:
    KmipExchange(LockPolicy policy, Steps<T> first) : policy_(policy), reader_(policy) {
      go_on(std::move(first));
    }

   private:
    [[nodiscard]] Message do_message() const override {
      const TlsPeer& peer = step_->round->target.endpoint.peer;
      return {peer.host, peer.port, step_->round->request.bytes()};
    }
    void do_sent() override {
      step_->round->request.memory = {};
      step_->round->request.size = 0;
      wants_answer();
    }
    [[nodiscard]] std::size_t do_bytes_needed() const noexcept override {
      return reader_.n_wanted();
    }
    void do_feed(Bytes bytes) override {
      while (!bytes.empty() && reader_.n_wanted() != 0) {
        const MutBytes room = reader_.room();
        const std::size_t n = std::min(room.size(), bytes.size());
        std::ranges::copy(bytes.first(n), room.begin());
        bytes = bytes.subspan(n);
        if (const Done taken = reader_.took(n); !taken) return take(taken.error());
      }
      if (!bytes.empty())
        return take(Failure{Errc::kms_bad_answer, "bytes after the end of the answer"});
      if (reader_.n_wanted() == 0) take(std::move(reader_.answer()));
    }
    void do_closed() override { do_lost("the server closed the connection"); }
    void do_lost(std::string_view why) override {
      take(Failure{Errc::kms_unreachable, shortened(why, kMaxWhy)});
    }

    /// The caller may keep an exchange that has ended: no key stays with it.
    void take(Answer answer) {
      const Step<T> now = *std::exchange(step_, std::nullopt);
      reader_ = kmip::AnswerReader(policy_);
      go_on(now.then(*now.round, std::move(answer)));
    }
    void go_on(Steps<T> next) {
      if (!next) return finish(Outcome<T>(next.error()));
      if (!next->round) return finish(Outcome<T>(std::move(*next->result)));
      step_ = std::move(*next);
      wants_to_send();
    }

    static constexpr std::size_t kMaxWhy = 200;
    const LockPolicy policy_;
    std::optional<Step<T>> step_;  // until the end
    kmip::AnswerReader reader_;
  };

  /// Registers or creates the managed object and activates it, or looks at the one that is named.
  [[nodiscard]] Steps<MasterKey> plan_prepare(const MasterKey& asked) const {
    FLE_TRY(const KmipMasterKey fields, read_kmip_master_key(asked));
    FLE_TRY(Target target, target_of(fields, asked));
    const auto named = [id = asked.provider, fields](const Target& t) {
      KmipMasterKey out = fields;
      out.key_id = t.key_id;
      if (!out.endpoint.empty()) out.endpoint = t.endpoint.text;
      return to_master_key(id, out);
    };
    if (!target.key_id.empty()) return plan_look(std::move(target), named);
    return plan_make(std::move(target), named);
  }
  using Named = std::function<Outcome<MasterKey>(const Target&)>;

  [[nodiscard]] Steps<MasterKey> plan_make(Target target, const Named& named) const {
    FLE_TRY(SecretBytes secret, SecretBytes::create(DataKey::kLen, policy_));
    FLE_CHECK(random_key_material(secret.expose_mut()));
    FLE_TRY(Request request, target.delegated ? kmip::create_request(policy_)
                                              : kmip::register_request(secret.expose(), policy_));
    return Step<MasterKey>(
        {std::move(target), std::move(request)},
        [this, named](const Round& made, const Answer& answer) -> Steps<MasterKey> {
          Target with_id = made.target;
          FLE_TRY(with_id.key_id, read_answer(made, answer, kmip::key_id_in));
          FLE_TRY(Request activate, kmip::activate_request(with_id.key_id, policy_));
          return Step<MasterKey>(
              {std::move(with_id), std::move(activate)},
              [this, named](const Round& r, const Answer& said) -> Steps<MasterKey> {
                const auto nothing = [](Bytes) -> Done { return ok; };
                if (Done activated = read_answer(r, said, nothing); !activated) {
                  activated.error().message += "; the object was made and is not in use: remove it";
                  return activated.error();
                }
                FLE_TRY(MasterKey out, named(r.target));
                return Step<MasterKey>(std::move(out));
              });
        });
  }

  /// New data keys belong under a master key that is in use. Servers that do not tell are believed.
  [[nodiscard]] Steps<MasterKey> plan_look(Target target, const Named& named) const {
    FLE_TRY(Request request, kmip::state_request(target.key_id, policy_));
    return Step<MasterKey>(
        {std::move(target), std::move(request)},
        [this, named](const Round& r, const Answer& answer) -> Steps<MasterKey> {
          const auto state = read_answer(r, answer, [](Bytes payload) -> Outcome<std::string> {
            FLE_TRY(const std::string_view text, kmip::state_in(payload));
            return std::string(text);
          });
          if (!state && state.error().code != Errc::kms_refused) return state.error();
          if (state && !state->empty() && *state != "Active")
            return Failure{Errc::kms_refused,
                           "KMS provider " + quoted(id_) + " at " + quoted(r.target.endpoint.text) +
                               ": keyId " + quoted(r.target.key_id) + ": the object is " + *state +
                               ", expected Active: activate it, or name another"};
          FLE_TRY(MasterKey out, named(r.target));
          return Step<MasterKey>(std::move(out));
        });
  }

  using Wrapped = std::vector<std::uint8_t>;
  [[nodiscard]] Steps<Wrapped> plan_wrap(const SecretBytes& data_key,
                                         const MasterKey& master_key) const {
    if (data_key.size() != DataKey::kLen)
      return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
    FLE_TRY(Target target, existing(master_key));
    if (target.delegated) {
      FLE_TRY(Request request, kmip::encrypt_request(target.key_id, data_key.expose(), policy_));
      return Step<Wrapped>({std::move(target), std::move(request)},
                           [this](const Round& r, const Answer& answer) -> Steps<Wrapped> {
                             FLE_TRY(Wrapped out, encrypted_in(r, answer));
                             return Step<Wrapped>(std::move(out));
                           });
    }
    FLE_TRY(Request request, kmip::get_request(target.key_id, policy_));
    FLE_TRY(SecretBytes copy, SecretBytes::copy_of(data_key.expose(), policy_));
    return Step<Wrapped>({std::move(target), std::move(request)},
                         [this, key = std::make_shared<const SecretBytes>(std::move(copy))](
                             const Round& r, const Answer& answer) -> Steps<Wrapped> {
                           FLE_TRY(const auto local, local_under(r, answer));
                           FLE_TRY(Wrapped out, local->wrap(*key, MasterKey()));
                           return Step<Wrapped>(std::move(out));
                         });
  }

  [[nodiscard]] Steps<SecretBytes> plan_unwrap(Bytes key_material,
                                               const MasterKey& master_key) const {
    FLE_TRY(Target target, existing(master_key));
    if (target.delegated) {
      FLE_CHECK(check_delegated(key_material));
      FLE_TRY(Request request, kmip::decrypt_request(target.key_id, key_material.subspan(kIvLen),
                                                     key_material.first(kIvLen), policy_));
      return Step<SecretBytes>({std::move(target), std::move(request)},
                               [this](const Round& r, const Answer& answer) -> Steps<SecretBytes> {
                                 FLE_TRY(SecretBytes key, decrypted_in(r, answer));
                                 return Step<SecretBytes>(std::move(key));
                               });
    }
    FLE_TRY(Request request, kmip::get_request(target.key_id, policy_));
    return Step<SecretBytes>({std::move(target), std::move(request)},
                             [this, material = Wrapped(key_material.begin(), key_material.end())](
                                 const Round& r, const Answer& answer) -> Steps<SecretBytes> {
                               FLE_TRY(const auto local, local_under(r, answer));
                               Outcome<SecretBytes> key = local->unwrap(material, MasterKey());
                               if (key) return Step<SecretBytes>(std::move(*key));
                               key.error().message += " (keyId " + quoted(r.target.key_id) + ")";
                               return key.error();
                             });
  }

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

  /// What `read` makes of the payload of the answer to `round`.
  template <class Read>
  [[nodiscard]] auto read_answer(const Round& round, const Answer& answer, Read read) const
      -> decltype(read(Bytes{})) {
    const Target& target = round.target;
    const kmip::Operation operation = round.request.operation;
    const auto explain = [&](Failure why) {
      why.message = "KMS provider " + quoted(id_) + " at " + quoted(target.endpoint.text) + ": " +
                    (target.key_id.empty() ? "" : "keyId " + quoted(target.key_id) + ": ") +
                    why.message;
      return why;
    };
    if (!answer) {
      Failure why = answer.error();
      why.message = std::string(kmip::name(operation)) + ": " + why.message;
      return explain(std::move(why));
    }
    const auto payload = kmip::payload_of(answer->expose(), operation);
    if (!payload) return explain(payload.error());
    auto result = read(*payload);
    if (!result) return explain(result.error());
    return result;
  }

  /// The local provider under the secret that the server keeps.
  [[nodiscard]] Outcome<std::unique_ptr<Provider>> local_under(const Round& round,
                                                               const Answer& answer) const {
    const std::string& key_id = round.target.key_id;
    return read_answer(round, answer, [&](Bytes payload) -> Outcome<std::unique_ptr<Provider>> {
      FLE_TRY(const Bytes secret, kmip::secret_in(payload, key_id));
      if (secret.size() != DataKey::kLen)
        return Failure{Errc::kms_refused,
                       "expected Secret Data of 96 bytes, found " + std::to_string(secret.size())};
      return make_local_provider_from_key(id_, secret, policy_);
    });
  }

  [[nodiscard]] Outcome<std::vector<std::uint8_t>> encrypted_in(const Round& round,
                                                                const Answer& answer) const {
    return read_answer(round, answer, [](Bytes payload) -> Outcome<std::vector<std::uint8_t>> {
      FLE_TRY(const Bytes iv, kmip::iv_in(payload));
      FLE_TRY(const Bytes data, kmip::data_in(payload));
      if (data.empty() || data.size() % kBlockLen != 0 || data.size() > kMaxDelegatedLen - kIvLen)
        return Failure{Errc::kms_bad_answer, "the ciphertext is not whole AES blocks"};
      std::vector<std::uint8_t> out(iv.begin(), iv.end());
      out.insert(out.end(), data.begin(), data.end());
      return out;
    });
  }

  [[nodiscard]] Done check_delegated(Bytes key_material) const {
    const std::size_t n = key_material.size();
    if (n >= kIvLen + kBlockLen && n % kBlockLen == 0 && n <= kMaxDelegatedLen) return ok;
    return Failure{Errc::key_unwrap_failed, "KMS provider " + quoted(id_) + ": keyMaterial has " +
                                                std::to_string(n) +
                                                " bytes, expected an IV and whole AES blocks"};
  }

  [[nodiscard]] Outcome<SecretBytes> decrypted_in(const Round& round, const Answer& answer) const {
    return read_answer(round, answer, [&](Bytes payload) -> Outcome<SecretBytes> {
      FLE_TRY(const Bytes data, kmip::data_in(payload));
      if (data.size() != DataKey::kLen)
        return Failure{
            Errc::key_unwrap_failed,
            "decrypted key is incorrect length, expected: 96, got: " + std::to_string(data.size())};
      FLE_TRY(SecretBytes key, SecretBytes::copy_of(data, policy_));
      return key;
    });
  }

  const std::string id_;
  const std::optional<Endpoint> endpoint_;
  std::vector<std::string> allowed_;         // as in KmsOptions::allowed_endpoints
  std::vector<MasterKeyPin> endpoint_pins_;  // those that name an endpoint
  const LockPolicy policy_;
  const std::unique_ptr<Driver> driver_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_kmip_provider(std::string_view id, const JsonValue& options,
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
  auto driver = kmip::make_driver(tls, kms);
  if (!driver) return invalid_options(id, driver.error().message);
  return std::unique_ptr<Provider>(std::make_unique<KmipProvider>(
      std::string(id), std::move(endpoint), std::move(*driver), kms));
}

}  // namespace fle::kms
