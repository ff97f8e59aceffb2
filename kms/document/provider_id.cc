#include "provider_id.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "fle/did_you_mean.h"
#include "text/text.h"

namespace fle::kms {
namespace {

// libmongocrypt: mongocrypt-kek.c.
constexpr MasterKeyField kAws[] = {{"region", true}, {"key", true}, {"endpoint", false}};
constexpr MasterKeyField kAzure[] = {
    {"keyVaultEndpoint", true}, {"keyName", true}, {"keyVersion", false}};
constexpr MasterKeyField kGcp[] = {{"projectId", true}, {"location", true},    {"keyRing", true},
                                   {"keyName", true},   {"keyVersion", false}, {"endpoint", false}};
// keyId may be absent here: a KMIP server names the key only once it has been made. The provider
// asks for it when it unwraps.
constexpr MasterKeyField kKmip[] = {
    {"endpoint", false}, {"delegated", false, MasterKeyField::Kind::boolean}, {"keyId", false}};

constexpr ProviderType kTypes[] = {
    {"aws", kAws}, {"azure", kAzure}, {"gcp", kGcp}, {"kmip", kKmip, "keyId"}, {"local", {}},
};

// Not std::isalnum: the grammar does not depend on the locale.
constexpr bool name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

Failure refuse(std::string_view id, std::string_view why) {
  return {Errc::kms_config_invalid, "KMS provider id " + quoted(id) + ": " + std::string(why)};
}

/// Types that programs have added. A ProviderId points into it, so nothing ever leaves it.
class OwnTypes {
 public:
  [[nodiscard]] const ProviderType* find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto it = types_.find(name);
    return it == types_.end() ? nullptr : &it->second;
  }
  void add(std::string_view name) {
    const std::unique_lock lock(mutex_);
    const auto [it, is_new] = types_.try_emplace(std::string(name));
    if (is_new) it->second = {it->first, {}, {}, true};
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, ProviderType, std::less<>> types_;
};

OwnTypes& own_types() {
  // Never destroyed: other threads may still read key documents while the process ends.
  static OwnTypes& types = *new OwnTypes;
  return types;
}

Done check_name(std::string_view id, std::string_view name) {
  if (name.empty()) return refuse(id, "empty name after the colon");
  if (!std::ranges::all_of(name, name_char))
    return refuse(id, "unsupported character in the name, expected only [a-zA-Z0-9_]");
  return ok;
}

const ProviderType* find_type(std::string_view name) {
  const auto* type = std::ranges::find(kTypes, name, &ProviderType::name);
  return type != std::end(kTypes) ? type : own_types().find(name);
}

std::string suggested_type(std::string_view name) {
  std::array<std::string_view, std::size(kTypes)> names;
  std::ranges::transform(kTypes, names.begin(), &ProviderType::name);
  return did_you_mean(name, names);
}

}  // namespace

Outcome<ProviderId> parse_provider_id(std::string_view id) {
  const std::size_t colon = id.find(':');
  const std::string_view type_name = id.substr(0, colon);
  const ProviderType* type = find_type(type_name);
  if (type == nullptr)
    return refuse(id, "unrecognized KMS provider type, expected aws, azure, gcp, kmip or local." +
                          suggested_type(type_name));
  if (colon == std::string_view::npos) return ProviderId{type, {}};
  FLE_CHECK(check_name(id, id.substr(colon + 1)));
  return ProviderId{type, id.substr(colon + 1)};
}

Done add_own_type(std::string_view id) {
  constexpr std::size_t kMost = 64;
  const std::string_view type_name = id.substr(0, id.find(':'));
  if (find_type(type_name) != nullptr) return ok;
  if (type_name.empty() || type_name.size() > kMost || !std::ranges::all_of(type_name, name_char))
    return refuse(id, "expected a type of 1 to 64 characters of [a-zA-Z0-9_]");
  if (type_name.size() < id.size()) FLE_CHECK(check_name(id, id.substr(type_name.size() + 1)));
  own_types().add(type_name);
  return ok;
}

}  // namespace fle::kms
