#include "kmip_provider.h"

#include <algorithm>
#include <functional>
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
#include "kmip_driver.h"
#include "kmip_master_key.h"
#include "kmip_message.h"
#include "provider/allowed_endpoints.h"
#include "provider/local_provider.h"
#include "provider/provider_options.h"
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

  Outcome<MasterKey> prepare(const MasterKey& asked) override {
    FLE_CHECK(check_driver());
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
    FLE_CHECK(check_driver());
    FLE_TRY(const Round round, plan_wrap(data_key, master_key));
    return wrapped(round, ask(round.target, round.request), data_key);
  }

  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    FLE_CHECK(check_driver());
    FLE_TRY(const Round round, plan_unwrap(key_material, master_key));
    return opened(round, ask(round.target, round.request), key_material);
  }

  std::unique_ptr<Exchange> begin_wrap(const SecretBytes& data_key,
                                       const MasterKey& master_key) override {
    auto round = plan_wrap(data_key, master_key);
    auto copy = SecretBytes::copy_of(data_key.expose(), policy_);
    if (!round || !copy)
      return Exchange::ended(
          Outcome<std::vector<std::uint8_t>>(round ? Failure(copy.error()) : round.error()));
    return std::make_unique<KmipExchange>(*this, std::move(*round),
                                          [key = std::make_shared<SecretBytes>(std::move(*copy)),
                                           this](KmipExchange& e, const Round& r, Answer answer) {
                                            e.end(wrapped(r, std::move(answer), *key));
                                          });
  }

  std::unique_ptr<Exchange> begin_unwrap(Bytes key_material, const MasterKey& master_key) override {
    auto round = plan_unwrap(key_material, master_key);
    if (!round) return Exchange::ended(Outcome<SecretBytes>(round.error()));
    return std::make_unique<KmipExchange>(
        *this, std::move(*round),
        [material = std::vector<std::uint8_t>(key_material.begin(), key_material.end()), this](
            KmipExchange& e, const Round& r, Answer answer) {
          e.end(opened(r, std::move(answer), material));
        });
  }

 private:
  /// One request to a server, and its answer.
  struct Round {
    Target target;
    Request request;
  };
  using Answer = Outcome<SecretBytes>;

  /// A round over a network that the caller has. Nothing is sent twice.
  class KmipExchange final : public Exchange {
   public:
    using End = std::function<void(KmipExchange&, const Round&, Answer)>;
    KmipExchange(const KmipProvider& provider, Round round, End end)
        : round_(std::move(round)),
          end_(std::move(end)),
          policy_(provider.policy_),
          reader_(policy_) {
      wants_to_send();
    }
    template <class T>
    void end(Outcome<T> result) {
      finish(std::move(result));
    }

   private:
    [[nodiscard]] Message do_message() const override {
      const TlsPeer& peer = round_.target.endpoint.peer;
      return {peer.host, peer.port, round_.request.bytes()};
    }
    void do_sent() override {
      round_.request.memory = {};
      round_.request.size = 0;
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
        if (const Done taken = reader_.took(n); !taken) return end_with(taken.error());
      }
      if (!bytes.empty())
        return end_with(Failure{Errc::kms_bad_answer, "bytes after the end of the answer"});
      if (reader_.n_wanted() == 0) end_with(std::move(reader_.answer()));
    }
    void do_closed() override { do_lost("the server closed the connection"); }
    void do_lost(std::string_view why) override {
      end_with(Failure{Errc::kms_unreachable, shortened(why, kMaxWhy)});
    }

    /// Once. The caller may keep an exchange that has ended: no key stays with it.
    void end_with(Answer answer) {
      const End end = std::exchange(end_, nullptr);
      const Round round = std::move(round_);
      reader_ = kmip::AnswerReader(policy_);
      end(*this, round, std::move(answer));
    }

    static constexpr std::size_t kMaxWhy = 200;
    Round round_;
    End end_;
    LockPolicy policy_;
    kmip::AnswerReader reader_;
  };

  [[nodiscard]] Done check_driver() const {
    if (driver_ != nullptr) return ok;
    return exchanges_alone(id_, "TLS");
  }
  [[nodiscard]] Answer ask(const Target& target, const Request& request) const {
    return driver_->exchange(target.endpoint, request);
  }

  [[nodiscard]] Outcome<Round> plan_wrap(const SecretBytes& data_key,
                                         const MasterKey& master_key) const {
    if (data_key.size() != DataKey::kLen)
      return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
    FLE_TRY(Target target, existing(master_key));
    FLE_TRY(Request request, target.delegated
                                 ? kmip::encrypt_request(target.key_id, data_key.expose(), policy_)
                                 : kmip::get_request(target.key_id, policy_));
    return Round{std::move(target), std::move(request)};
  }

  [[nodiscard]] Outcome<Round> plan_unwrap(Bytes key_material, const MasterKey& master_key) const {
    FLE_TRY(Target target, existing(master_key));
    if (target.delegated) FLE_CHECK(check_delegated(key_material));
    FLE_TRY(Request request,
            target.delegated ? kmip::decrypt_request(target.key_id, key_material.subspan(kIvLen),
                                                     key_material.first(kIvLen), policy_)
                             : kmip::get_request(target.key_id, policy_));
    return Round{std::move(target), std::move(request)};
  }

  [[nodiscard]] Outcome<std::vector<std::uint8_t>> wrapped(const Round& round, Answer answer,
                                                           const SecretBytes& data_key) const {
    if (round.target.delegated) return encrypted_in(round, std::move(answer));
    FLE_TRY(const auto local, local_under(round, std::move(answer)));
    return local->wrap(data_key, MasterKey());
  }

  [[nodiscard]] Outcome<SecretBytes> opened(const Round& round, Answer answer,
                                            Bytes key_material) const {
    if (round.target.delegated) return decrypted_in(round, std::move(answer));
    FLE_TRY(const auto local, local_under(round, std::move(answer)));
    Outcome<SecretBytes> key = local->unwrap(key_material, MasterKey());
    if (!key) key.error().message += " (keyId " + quoted(round.target.key_id) + ")";
    return key;
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

  /// One request over TLS; `read` makes of the payload of its answer what is wanted.
  template <class Read>
  auto run(const Target& target, const Outcome<Request>& request, Read read)
      -> decltype(read(Bytes{})) {
    if (!request) return request.error();
    return read_answer(target, request->operation, ask(target, *request), read);
  }

  template <class Read>
  auto read_answer(const Target& target, kmip::Operation operation, const Answer& answer,
                   Read read) const -> decltype(read(Bytes{})) {
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
  [[nodiscard]] Outcome<std::unique_ptr<Provider>> local_under(const Round& round,
                                                               const Answer& answer) const {
    const std::string& key_id = round.target.key_id;
    return read_answer(round.target, round.request.operation, answer,
                       [&](Bytes payload) -> Outcome<std::unique_ptr<Provider>> {
                         FLE_TRY(const Bytes secret, kmip::secret_in(payload, key_id));
                         if (secret.size() != DataKey::kLen)
                           return Failure{Errc::kms_refused,
                                          "expected Secret Data of 96 bytes, found " +
                                              std::to_string(secret.size())};
                         return make_local_provider_from_key(id_, secret, policy_);
                       });
  }

  [[nodiscard]] Outcome<std::vector<std::uint8_t>> encrypted_in(const Round& round,
                                                                const Answer& answer) const {
    return read_answer(
        round.target, round.request.operation, answer,
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

  [[nodiscard]] Done check_delegated(Bytes key_material) const {
    const std::size_t n = key_material.size();
    if (n >= kIvLen + kBlockLen && n % kBlockLen == 0 && n <= kMaxDelegatedLen) return ok;
    return Failure{Errc::key_unwrap_failed, "KMS provider " + quoted(id_) + ": keyMaterial has " +
                                                std::to_string(n) +
                                                " bytes, expected an IV and whole AES blocks"};
  }

  [[nodiscard]] Outcome<SecretBytes> decrypted_in(const Round& round, const Answer& answer) const {
    return read_answer(round.target, round.request.operation, answer,
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
  const std::unique_ptr<Driver> driver_;
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
  auto driver = kmip::make_driver(tls, kms);
  if (!driver) return invalid_options(id, driver.error().message);
  return std::unique_ptr<Provider>(std::make_unique<KmipProvider>(
      std::string(id), std::move(endpoint), std::move(*driver), kms));
}

}  // namespace fle::kms
