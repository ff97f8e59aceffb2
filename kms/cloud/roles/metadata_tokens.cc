#include "metadata_tokens.h"

#include <utility>

#include "cloud/oauth.h"

namespace fle::kms {
namespace {

/// Where a cloud's machines get tokens from.
struct MetadataService {
  const char* host;
  const char* target;
  std::string_view header;
  std::string_view value;
};
// Microsoft, "Azure Instance Metadata Service"; Google, "About VM metadata".
constexpr MetadataService kAzureService{
    "169.254.169.254",
    "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net"
    "%2F",
    "Metadata", "true"};
constexpr MetadataService kGoogleService{
    "metadata.google.internal", "/computeMetadata/v1/instance/service-accounts/default/token",
    "Metadata-Flavor", "Google"};

TokenPlan plan_of(const Machine& machine, const MetadataService& service) {
  HttpUrl url;
  url.to = {service.host, HttpEndpoint::kHttpPort, false, true};
  url.target = service.target;
  HttpRequest request = Machine::request(
      "GET", url, {{"Accept", "application/json"}, {service.header, service.value}});
  return token_step(machine.call("asking the metadata service for a token", std::move(request),
                                 "check that this machine has an identity with access to keys"),
                    machine.lock_policy());
}

}  // namespace

FoundPlan azure_instance(const Machine& machine) { return plan_of(machine, kAzureService); }
FoundPlan gcp_instance(const Machine& machine) { return plan_of(machine, kGoogleService); }

}  // namespace fle::kms
