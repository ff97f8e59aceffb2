#include "registry.h"

#include <algorithm>
#include <iterator>
#include <string>

#include <rapidjson/document.h>

#include "document/provider_id.h"
#include "kmip/kmip_provider.h"
#include "local_provider.h"
#include "provider_options.h"
#include "text/text.h"
#if FLE_WITH_CURL
#include "http/aws/aws_provider.h"
#include "http/azure/azure_provider.h"
#include "http/gcp/gcp_provider.h"
#endif

namespace fle::kms {
namespace {

/// Builds the provider `id` from its options in a kmsProviders map and from `kms`.
using MakeProvider = Outcome<std::unique_ptr<Provider>> (*)(std::string_view id,
                                                            const rapidjson::Value& options,
                                                            const KmsOptions& kms);

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

struct Maker {
  std::string_view type;
  MakeProvider make;
};
constexpr Maker kMakers[] = {
    {"aws", kMakeAws},
    {"azure", kMakeAzure},
    {"gcp", kMakeGcp},
    {"kmip", make_kmip_provider},
    {"local", make_local_provider},
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_provider(std::string_view id,
                                                 const rapidjson::Value& options,
                                                 const KmsOptions& kms) {
  FLE_TRY(const ProviderId parsed, parse_provider_id(id));
  if (!options.IsObject()) return invalid_options(id, "expected a document of options");
  if (options.MemberCount() == 0 && !parsed.name.empty())
    return invalid_options(id, "on-demand credentials are not supported for named KMS providers");
  const auto* maker = std::ranges::find(kMakers, parsed.type->name, &Maker::type);
  if (maker == std::end(kMakers))
    return Failure{Errc::kms_unsupported, "KMS provider " + quoted(id) + " is not in this version"};
  return maker->make(id, options, kms);
}

#if !FLE_WITH_CURL
decltype(KmsOptions::credentials) automatic_credentials(LockPolicy) {
  return [](std::string_view id) -> Outcome<WipedBuffer> { return lacks_curl(id); };
}
#endif

}  // namespace fle::kms
