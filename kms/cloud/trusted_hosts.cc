#include "trusted_hosts.h"

#include <algorithm>

#include "document/aws_partitions.h"

namespace fle::kms {
namespace {

/// A host, label by label. A word in braces stands for:
///   {region}      masterKey.region
///   {partition}   the domain of the region's AWS partition, {dual_stack} that of IPv6; at the end
///   {vpce}        the name of a VPC endpoint: "vpce-0123...", with a zone behind it or not
///   {psc}         "cloudkms-" and the name of a Private Service Connect endpoint
///   {name}        letters, digits and hyphens
struct HostRule {
  std::string_view type;
  std::string_view host;
};

// AWS General Reference, "AWS KMS endpoints and quotas"; AWS KMS Developer Guide, "Connect through
// a VPC endpoint". Azure: Key Vault, "Vault name and DNS suffixes", and Managed HSM. Google Cloud:
// KMS, "Service endpoints" and "Regional endpoints"; VPC, "Private Service Connect".
constexpr HostRule kRules[] = {
    {"aws", "kms.{region}.{partition}"},
    {"aws", "kms-fips.{region}.{partition}"},
    {"aws", "kms.{region}.{dual_stack}"},
    {"aws", "kms-fips.{region}.{dual_stack}"},
    {"aws", "{vpce}.kms.{region}.vpce.{partition}"},
    {"aws", "{vpce}.kms-fips.{region}.vpce.{partition}"},
    {"azure", "{name}.vault.azure.net"},
    {"azure", "{name}.vault.azure.cn"},
    {"azure", "{name}.vault.usgovcloudapi.net"},
    {"azure", "{name}.managedhsm.azure.net"},
    {"azure", "{name}.managedhsm.azure.cn"},
    {"azure", "{name}.managedhsm.usgovcloudapi.net"},
    {"gcp", "cloudkms.googleapis.com"},
    {"gcp", "cloudkms.mtls.googleapis.com"},
    {"gcp", "cloudkms.{name}.rep.googleapis.com"},
    {"gcp", "{psc}.p.googleapis.com"},
};

bool is_name(std::string_view label) noexcept {
  return !label.empty() && !label.starts_with('-') && !label.ends_with('-') &&
         std::ranges::all_of(label, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_name_after(std::string_view prefix, std::string_view label) noexcept {
  return label.starts_with(prefix) && is_name(label.substr(prefix.size()));
}

bool is_label(std::string_view rule, std::string_view label, std::string_view region) noexcept {
  if (rule == "{region}") return label == region;
  if (rule == "{name}") return is_name(label);
  if (rule == "{vpce}") return is_name_after("vpce-", label);
  if (rule == "{psc}") return is_name_after("cloudkms-", label);
  return label == rule;
}

/// Takes the first label off `host`.
std::string_view take_label(std::string_view& host) noexcept {
  const std::size_t dot = std::min(host.find('.'), host.size());
  const std::string_view label = host.substr(0, dot);
  host.remove_prefix(std::min(dot + 1, host.size()));
  return label;
}

bool fits(std::string_view rule, std::string_view host, std::string_view region) noexcept {
  while (!rule.empty()) {
    const std::string_view word = take_label(rule);
    if (word == "{partition}") return host == aws_partition_of(region).domain.substr(1);
    if (word == "{dual_stack}") return host == aws_partition_of(region).dual_stack.substr(1);
    if (!is_label(word, take_label(host), region)) return false;
  }
  return host.empty();
}

}  // namespace

bool is_cloud_kms(std::string_view type, const HttpEndpoint& endpoint,
                  std::string_view region) noexcept {
  return endpoint.port == HttpEndpoint::kHttpsPort &&
         std::ranges::any_of(kRules, [&](const HostRule& rule) {
           return rule.type == type && fits(rule.host, endpoint.host, region);
         });
}

}  // namespace fle::kms
