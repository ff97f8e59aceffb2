#include "azure_workload.h"

#include <algorithm>
#include <string>
#include <utility>

#include "cloud/oauth.h"
#include "text/text.h"

namespace fle::kms {
namespace {

/// Clouds that share nothing with the public one have an authority and vaults of their own.
struct AzureCloud {
  std::string_view authority;
  std::string_view scope;
};
constexpr AzureCloud kClouds[] = {
    {"login.microsoftonline.us", "https://vault.usgovcloudapi.net/.default"},
    {"login.chinacloudapi.cn", "https://vault.azure.cn/.default"},
    {"login.partner.microsoftonline.cn", "https://vault.azure.cn/.default"},
};
constexpr std::string_view kScope = "https://vault.azure.net/.default";

std::string_view scope_at(std::string_view authority) noexcept {
  const auto* const found = std::ranges::find(kClouds, authority, &AzureCloud::authority);
  return found == std::end(kClouds) ? kScope : found->scope;
}

}  // namespace

FoundPlan azure_workload(const Machine& machine) {
  constexpr const char* kFile = "AZURE_FEDERATED_TOKEN_FILE";
  constexpr const char* kHost = "AZURE_AUTHORITY_HOST";
  const std::string_view file = machine.variable(kFile);
  if (file.empty()) return std::nullopt;
  const std::string_view client = machine.variable("AZURE_CLIENT_ID");
  const std::string_view tenant = machine.variable("AZURE_TENANT_ID");
  if (client.empty() || tenant.empty())
    return machine.failure(std::string(kFile) +
                           " is set, and AZURE_CLIENT_ID or AZURE_TENANT_ID is not");
  if (!std::ranges::all_of(tenant, is_unreserved))
    return machine.failure("AZURE_TENANT_ID: expected letters, digits and any of -._~");
  const std::string_view given = machine.variable(kHost);
  auto authority = parse_url("KMS provider " + quoted(machine.provider_id()) + ": " + kHost,
                             given.empty() ? "https://login.microsoftonline.com/" : given, {});
  if (!authority) return authority.error();
  while (authority->target.ends_with('/')) authority->target.pop_back();
  auto assertion = machine.token_file(kFile, std::string(file));
  if (!assertion) return assertion.error();
  // RFC 7521 section 4.2, RFC 7523 section 2.2.
  WipedText form("client_id=");
  form.append_percent_encoded(client);
  form.append("&scope=").append_percent_encoded(scope_at(authority->to.host));
  form.append("&client_assertion_type=")
      .append_percent_encoded("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  form.append("&client_assertion=").append_percent_encoded(assertion->view());
  form.append("&grant_type=client_credentials");
  HttpRequest request = token_request(
      authority->to, authority->target + "/" + std::string(tenant) + "/oauth2/v2.0/token",
      std::move(form));
  request.secrets.push_back(std::move(*assertion));
  return TokenPlan(token_step(
      machine.call("exchanging the workload's token for an access token", std::move(request),
                   "check AZURE_CLIENT_ID, AZURE_TENANT_ID, the federated credential of the "
                   "identity, and that the token's file is renewed"),
      machine.lock_policy()));
}

}  // namespace fle::kms
