#include "provider_type.h"

#include <algorithm>
#include <array>
#include <string>

#include "fle/did_you_mean.h"
#include "kmip/kmip_provider.h"
#include "local_provider.h"
#include "text/text.h"
#if FLE_WITH_CURL
#include "http/aws/aws_provider.h"
#include "http/azure/azure_provider.h"
#include "http/gcp/gcp_provider.h"
#endif

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

#if FLE_WITH_CURL
template <auto make>
Outcome<std::unique_ptr<Provider>> over_https(std::string_view id, const rapidjson::Value& options,
                                              const KmsOptions& kms) {
  return make(id, options, kms, HttpHooks());
}
constexpr MakeProvider kMakeAws = over_https<make_aws_provider>;
constexpr MakeProvider kMakeAzure = over_https<make_azure_provider>;
constexpr MakeProvider kMakeGcp = over_https<make_gcp_provider>;
#else
Failure lacks_curl(std::string_view id) {
  return {Errc::not_in_build, "KMS provider " + quoted(id) +
                                  " needs libcurl, which this build lacks: install its "
                                  "development package and build anew"};
}
Outcome<std::unique_ptr<Provider>> without_curl(std::string_view id, const rapidjson::Value&,
                                                const KmsOptions&) {
  return lacks_curl(id);
}
constexpr MakeProvider kMakeAws = without_curl;
constexpr MakeProvider kMakeAzure = without_curl;
constexpr MakeProvider kMakeGcp = without_curl;
#endif

constexpr ProviderType kTypes[] = {
    {"aws", kAws, kMakeAws},
    {"azure", kAzure, kMakeAzure},
    {"gcp", kGcp, kMakeGcp},
    {"kmip", kKmip, make_kmip_provider},
    {"local", {}, make_local_provider},
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

#if !FLE_WITH_CURL
decltype(KmsOptions::credentials) automatic_credentials(LockPolicy) {
  return [](std::string_view id) -> Outcome<WipedBuffer> { return lacks_curl(id); };
}
#endif

}  // namespace fle::kms
