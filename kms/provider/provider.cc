#include "fle/kms/provider.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "document/master_key_pins.h"
#include "document/provider_id.h"
#include "document/seal_key.h"
#include "local_provider.h"
#include "registry.h"
#include "text/secret_json.h"
#include "text/text.h"

namespace fle::kms {
namespace {

Failure config(std::string why) { return {Errc::kms_config_invalid, std::move(why)}; }

Failure syntax_error(std::string_view text, const JsonFault& fault) {
  Failure f = config(std::string("kmsProviders is not JSON: ") + fault.why);
  if (fault.offset == JsonFault::kNowhere) return f;
  const std::string_view before = text.substr(0, fault.offset);
  f.line = static_cast<std::uint32_t>(1 + std::ranges::count(before, '\n'));
  f.column = static_cast<std::uint32_t>(before.size() - (before.rfind('\n') + 1) + 1);
  return f;
}

/// @param what  is said of the provider.
Done check_provider_id(std::string_view id, const char* what) {
  auto parsed = parse_provider_id(id);
  if (parsed) return ok;
  parsed.error().message.insert(0, std::string(what) + ": ");
  return parsed.error();
}

}  // namespace

Outcome<MasterKey> Provider::prepare(const MasterKey& asked) { return asked; }

std::unique_ptr<Exchange> Provider::begin_prepare(const MasterKey& asked) {
  return Exchange::ended(prepare(asked));
}

std::unique_ptr<Exchange> Provider::begin_wrap(const SecretBytes& data_key,
                                               const MasterKey& master_key) {
  return Exchange::ended(wrap(data_key, master_key));
}

std::unique_ptr<Exchange> Provider::begin_unwrap(Bytes key_material, const MasterKey& master_key) {
  return Exchange::ended(unwrap(key_material, master_key));
}

struct Providers::State {
  std::map<std::string, std::unique_ptr<Provider>, std::less<>> by_id;
  MasterKeyPins pins;
  std::chrono::milliseconds call_timeout = KmsOptions().call_timeout;
  std::optional<SealKey> seal_key;  // of the application; stands above a provider's own
  bool seals_new_keys = false;
  bool seals_required = false;

  [[nodiscard]] Done add(std::string_view id, std::unique_ptr<Provider> provider) {
    if (!by_id.try_emplace(std::string(id), std::move(provider)).second)
      return config("KMS provider " + quoted(id) + ": duplicate entry");
    return ok;
  }
};

Providers::Providers() : s_(std::make_unique<State>()) {}
Providers::Providers(Providers&&) noexcept = default;
Providers& Providers::operator=(Providers&&) noexcept = default;
Providers::~Providers() = default;

Outcome<Providers> Providers::from_json(std::string_view text, const KmsOptions& options) {
  FLE_TRY(WipedBuffer copy, with_nul(text));
  JsonDocument doc;
  if (const auto fault = parse_in_place(doc, copy.bytes())) return syntax_error(text, *fault);
  if (!doc.IsObject()) return config("kmsProviders must be a document");
  if (doc.ObjectEmpty()) return config("no kms provider set");
  Providers out;
  for (const auto& m : std::as_const(doc).GetObject()) {
    const std::string_view id(m.name.GetString(), m.name.GetStringLength());
    FLE_TRY(auto provider, make_provider(id, m.value, options));
    if (const auto pins = options.master_keys.find(id); pins != options.master_keys.end()) {
      FLE_CHECK(check_pins_of(id, pins->second));
      provider = with_pins(std::move(provider), pins->second);
    } else if (options.on_use_without_pins && parse_provider_id(id)->type->sends()) {
      provider = with_notice(std::move(provider), std::string(id), options.on_use_without_pins);
    }
    FLE_CHECK(out.s_->add(id, std::move(provider)));
  }
  for (const auto& [id, pins] : options.master_keys)
    if (!out.s_->by_id.contains(id))
      return config("pins of KMS provider " + quoted(id) + ", which is not configured");
  // A mistyped id would leave a provider without what says whom it trusts.
  for (const auto& [id, tls] : options.tls) FLE_CHECK(check_provider_id(id, "TLS options"));
  for (const auto& [id, hosts] : options.allowed_endpoints)
    FLE_CHECK(check_provider_id(id, "allowed endpoints"));
  out.s_->pins = options.master_keys;
  out.s_->call_timeout = options.call_timeout;
  FLE_CHECK(out.set_seals(options.seals, options.lock_policy));
  return out;
}

Done Providers::add_local(std::string_view id, Bytes master_key, LockPolicy policy) {
  FLE_TRY(const ProviderId parsed, parse_provider_id(id));
  if (parsed.type->name != "local")
    return config("KMS provider " + quoted(id) + ": expected local or local:NAME");
  FLE_TRY(auto provider, make_local_provider_from_key(id, master_key, policy));
  return s_->add(id, std::move(provider));
}

Done Providers::add(std::string_view id, std::unique_ptr<Provider> provider,
                    const std::optional<std::vector<MasterKeyPin>>& pins) {
  if (provider == nullptr) return config("KMS provider " + quoted(id) + ": expected a provider");
  FLE_CHECK(add_own_type(id));
  FLE_CHECK(parse_provider_id(id));  // the name behind a type that was there
  if (pins) {
    FLE_CHECK(check_pins_of(id, *pins));
    provider = with_pins(std::move(provider), *pins);
  }
  FLE_CHECK(s_->add(id, std::move(provider)));
  if (pins) s_->pins.emplace(id, *pins);
  return ok;
}

Done Providers::set_seals(const SealOptions& options, LockPolicy policy) {
  std::optional<SealKey> key;
  if (options.key != nullptr) {
    FLE_TRY(key, SealKey::from_secret(options.key->expose(), policy));
  }
  s_->seal_key = std::move(key);
  s_->seals_required = options.required;
  s_->seals_new_keys = options.create || options.required || options.key != nullptr;
  return ok;
}

bool Providers::seals_new_keys() const noexcept { return s_->seals_new_keys; }
bool Providers::seals_required() const noexcept { return s_->seals_required; }

const SealKey* Providers::seal_key(std::string_view id) const noexcept {
  if (s_->seal_key) return &*s_->seal_key;
  const auto it = s_->by_id.find(id);
  return it == s_->by_id.end() ? nullptr : it->second->seal_key();
}

Outcome<Provider*> Providers::find(std::string_view id) const {
  const auto it = s_->by_id.find(id);
  if (it != s_->by_id.end()) return it->second.get();
  std::string text = "KMS provider " + quoted(id) + " is not configured";
  constexpr std::size_t kMost = 8;
  std::size_t n = 0;
  for (const auto& [other, provider] : s_->by_id) {
    if (++n > kMost) break;
    text += (n == 1 ? ", only " : ", ") + quoted(other);
  }
  if (n > kMost) text += ", ...";
  return Failure{Errc::kms_not_configured, std::move(text)};
}

std::chrono::milliseconds Providers::call_timeout() const noexcept { return s_->call_timeout; }

bool Providers::is_pinned(std::string_view id) const {
  const auto parsed = parse_provider_id(id);
  if (!parsed || !s_->by_id.contains(id)) return false;
  return !parsed->type->sends() || s_->pins.contains(id);
}

Done Providers::check_pins(const MasterKey& master_key) const {
  const auto pins = s_->pins.find(master_key.provider);
  if (pins == s_->pins.end()) return ok;
  return check_pinned(master_key, pins->second);
}

std::vector<std::string> Providers::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, provider] : s_->by_id) out.push_back(id);
  return out;
}

}  // namespace fle::kms
