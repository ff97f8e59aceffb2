#include "provider_id.h"

#include <algorithm>
#include <array>
#include <iterator>
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

std::string suggested_type(std::string_view name) {
  std::array<std::string_view, std::size(kTypes)> names;
  std::ranges::transform(kTypes, names.begin(), &ProviderType::name);
  return did_you_mean(name, names);
}

}  // namespace

Outcome<ProviderId> parse_provider_id(std::string_view id) {
  const std::size_t colon = id.find(':');
  const std::string_view type_name = id.substr(0, colon);
  const auto* type = std::ranges::find(kTypes, type_name, &ProviderType::name);
  if (type == std::end(kTypes))
    return refuse(id, "unrecognized KMS provider type, expected aws, azure, gcp, kmip or local." +
                          suggested_type(type_name));
  if (colon == std::string_view::npos) return ProviderId{type, {}};
  const std::string_view name = id.substr(colon + 1);
  if (name.empty()) return refuse(id, "empty name after the colon");
  if (!std::ranges::all_of(name, name_char))
    return refuse(id, "unsupported character in the name, expected only [a-zA-Z0-9_]");
  return ProviderId{type, name};
}

}  // namespace fle::kms
