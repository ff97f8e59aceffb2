#include "registry.h"

#include <algorithm>
#include <iterator>
#include <string>

#include <rapidjson/document.h>

#include "cloud/aws/aws_provider.h"
#include "cloud/azure/azure_provider.h"
#include "cloud/gcp/gcp_provider.h"
#include "document/provider_id.h"
#include "kmip/kmip_provider.h"
#include "local_provider.h"
#include "provider_options.h"
#include "text/text.h"

namespace fle::kms {
namespace {

/// Builds the provider `id` from its options in a kmsProviders map and from `kms`.
using MakeProvider = Outcome<std::unique_ptr<Provider>> (*)(std::string_view id,
                                                            const rapidjson::Value& options,
                                                            const KmsOptions& kms);

template <auto make>
Outcome<std::unique_ptr<Provider>> over_https(std::string_view id, const rapidjson::Value& options,
                                              const KmsOptions& kms) {
  return make(id, options, kms, HttpHooks());
}

struct Maker {
  std::string_view type;
  MakeProvider make;
};
constexpr Maker kMakers[] = {
    {"aws", over_https<make_aws_provider>}, {"azure", over_https<make_azure_provider>},
    {"gcp", over_https<make_gcp_provider>}, {"kmip", make_kmip_provider},
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

}  // namespace fle::kms
