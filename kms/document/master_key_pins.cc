#include "master_key_pins.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "bson_fields.h"
#include "key_names.h"
#include "master_key.h"
#include "provider_id.h"
#include "text/text.h"

namespace fle::kms {
namespace {

bool is_endpoint(std::string_view field) noexcept {
  return field == "endpoint" || field == "keyVaultEndpoint";
}

/// As hosts are compared; what is no host at all stays as it is, and equals only itself.
std::string host_of(std::string_view text, std::string_view type) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?"));
  const std::string_view default_port = type == "kmip" ? ":5696" : ":443";
  if (text.ends_with(default_port)) text.remove_suffix(default_port.size());
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool fits(const std::string& pin, const std::string& value) {
  if (!pin.ends_with('*')) return value == pin;
  return value.starts_with(std::string_view(pin).substr(0, pin.size() - 1));
}

bool fits(const MasterKeyPin& pin, const MasterKey& master_key, std::string_view type) {
  return std::ranges::all_of(pin, [&](const auto& field) {
    const auto& [name, text] = field;
    if (!has_master_key_field(master_key, name)) return false;
    const std::string value = master_key_text(master_key, name);
    if (is_endpoint(name)) return fits(host_of(text, type), host_of(value, type));
    return fits(text, value);
  });
}

/// What may be used, for errors: the first pins, and how many there are beside them.
std::string listed(const std::vector<MasterKeyPin>& pins) {
  constexpr std::size_t kMost = 8;
  if (pins.empty()) return "none";
  std::string out;
  for (std::size_t i = 0; i < std::min(pins.size(), kMost); ++i) {
    std::string fields;
    for (const auto& [name, text] : pins[i])
      fields += (fields.empty() ? "" : ", ") + name + " " + quoted(text);
    out += (out.empty() ? "(" : ", (") + fields + ")";
  }
  if (pins.size() > kMost) out += " and " + std::to_string(pins.size() - kMost) + " more";
  return out;
}

/// Whether a pin could fit a master key that passes the checks of its provider.
bool can_be(std::string_view text, std::string_view field, std::string_view type) {
  if (text.ends_with('*')) return true;
  return std::ranges::none_of(name_rules(type), [&](const NameRule& rule) {
    return rule.field == field && !is_name_by(rule, text);
  });
}

/// A provider behind a check of the master keys that it is asked about.
class GuardedProvider final : public Provider {
 public:
  using Guard = std::function<Done(const MasterKey& master_key)>;
  GuardedProvider(std::unique_ptr<Provider> inner, Guard guard)
      : inner_(std::move(inner)), guard_(std::move(guard)) {}

  Outcome<MasterKey> prepare(const MasterKey& asked) override {
    FLE_CHECK(guard_(asked));
    return inner_->prepare(asked);
  }
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                          const MasterKey& master_key) override {
    FLE_CHECK(guard_(master_key));
    return inner_->wrap(data_key, master_key);
  }
  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    FLE_CHECK(guard_(master_key));
    return inner_->unwrap(key_material, master_key);
  }
  std::unique_ptr<Exchange> begin_prepare(const MasterKey& asked) override {
    if (const Done allowed = guard_(asked); !allowed)
      return Exchange::ended(Outcome<MasterKey>(allowed.error()));
    return inner_->begin_prepare(asked);
  }
  std::unique_ptr<Exchange> begin_wrap(const SecretBytes& data_key,
                                       const MasterKey& master_key) override {
    if (const Done allowed = guard_(master_key); !allowed)
      return Exchange::ended(Outcome<std::vector<std::uint8_t>>(allowed.error()));
    return inner_->begin_wrap(data_key, master_key);
  }
  std::unique_ptr<Exchange> begin_unwrap(Bytes key_material, const MasterKey& master_key) override {
    if (const Done allowed = guard_(master_key); !allowed)
      return Exchange::ended(Outcome<SecretBytes>(allowed.error()));
    return inner_->begin_unwrap(key_material, master_key);
  }

 private:
  std::unique_ptr<Provider> inner_;
  Guard guard_;
};

}  // namespace

Done check_pins_of(std::string_view id, const std::vector<MasterKeyPin>& pins) {
  FLE_TRY(const ProviderId parsed, parse_provider_id(id));
  const std::string what = "pins of KMS provider " + quoted(id) + ": ";
  const auto refuse = [&](const std::string& why) {
    return Failure(Errc::kms_config_invalid, what + why);
  };
  const auto& fields = parsed.type->master_key;
  if (!parsed.type->sends()) return refuse("it has one master key, and so none to pin");
  for (const MasterKeyPin& pin : pins) {
    if (pin.empty()) return refuse("one without a field would fit every master key");
    for (const auto& [name, text] : pin) {
      const auto it = std::ranges::find(fields, name, &MasterKeyField::name);
      const bool known = it != fields.end() && it->kind == MasterKeyField::Kind::string;
      if (!parsed.type->own && !known)
        return refuse("a master key of it has no text " + quoted(name));
      if (text.empty()) return refuse("the text of " + quoted(name) + " is empty");
      if (text == "*" || (is_endpoint(name) && host_of(text, parsed.type->name) == "*"))
        return refuse(quoted(name) + " with '*' alone would fit every master key");
      if (!can_be(text, name, parsed.type->name))
        return refuse("no " + quoted(name) + " of a master key reads " + quoted(text));
    }
  }
  return ok;
}

bool is_pinned(const MasterKey& master_key, const std::vector<MasterKeyPin>& pins) {
  const auto id = parse_provider_id(master_key.provider);
  return id && std::ranges::any_of(pins, [&](const MasterKeyPin& pin) {
           return fits(pin, master_key, id->type->name);
         });
}

Done check_pinned(const MasterKey& master_key, const std::vector<MasterKeyPin>& pins) {
  if (is_pinned(master_key, pins)) return ok;
  return Failure(Errc::master_key_not_pinned,
                 "KMS provider " + quoted(master_key.provider) + ": the master key (" +
                     described(master_key) +
                     ") is none of those that KmsOptions::master_keys pins: " + listed(pins) +
                     "; nothing was sent");
}

std::string described(const MasterKey& master_key) {
  std::string out;
  const auto id = parse_provider_id(master_key.provider);
  if (!id) return out;
  const auto add = [&](std::string_view name, std::string_view text) {
    if (!out.empty()) out += ", ";
    out += std::string(name) + " " + quoted(text);
  };
  for (const MasterKeyField& field : id->type->master_key)
    if (field.kind == MasterKeyField::Kind::string && has_master_key_field(master_key, field.name))
      add(field.name, master_key_text(master_key, field.name));
  if (!id->type->own) return out;
  const Done read = each_field(master_key.bson, Failure(), [&](const bson_iter_t& it) -> Done {
    const auto text = string_of(it);
    if (text && key_of(it) != "provider") add(key_of(it), *text);
    return ok;
  });
  return read ? out : std::string();
}

std::unique_ptr<Provider> with_pins(std::unique_ptr<Provider> inner,
                                    std::vector<MasterKeyPin> pins) {
  return std::make_unique<GuardedProvider>(
      std::move(inner),
      [pins = std::move(pins)](const MasterKey& mk) { return check_pinned(mk, pins); });
}

std::unique_ptr<Provider> with_notice(std::unique_ptr<Provider> inner, std::string id,
                                      decltype(KmsOptions::on_use_without_pins) notice) {
  return std::make_unique<GuardedProvider>(
      std::move(inner),
      [id = std::move(id), notice = std::move(notice),
       told = std::make_shared<std::atomic_flag>()](const MasterKey&) -> Done {
        if (!told->test_and_set()) notice(id);
        return ok;
      });
}

}  // namespace fle::kms
