#ifndef FLE_KMS_AWS_PARTITIONS_H_
#define FLE_KMS_AWS_PARTITIONS_H_

#include <algorithm>
#include <string>
#include <string_view>

namespace fle::kms {

/// One of AWS's clouds that share nothing with the others (AWS SDKs: partitions.json).
struct AwsPartition {
  std::string_view name;
  std::string_view region_prefix;  ///< What its regions begin with; the last row takes all others.
  std::string_view domain;         ///< Of its hosts: kms[-fips].REGION, vpce-*.kms.REGION.vpce.
  std::string_view dual_stack;     ///< Of those that speak IPv6, too.
};

inline constexpr AwsPartition kAwsPartitions[] = {
    {"aws-cn", "cn-", ".amazonaws.com.cn", ".api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", ".amazonaws.com", ".api.aws"},
    {"aws-eusc", "eusc-", ".amazonaws.eu", ".api.amazonwebservices.eu"},
    {"aws-iso", "us-iso-", ".c2s.ic.gov", ".api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", ".sc2s.sgov.gov", ".api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", ".csp.hci.ic.gov", ".api.aws.hci.ic.gov"},
    {"aws", "", ".amazonaws.com", ".api.aws"},
};

/// Whether a text has the form of a region: groups of lower-case letters, then a number, with
/// hyphens between, as "us-gov-west-1" or "eusc-de-east-1". Two letters or more come first. (AWS
/// SDKs: the regionRegex of each partition; those of "aws" list the areas that there are today.)
[[nodiscard]] constexpr bool is_aws_region(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 32;
  if (text.size() > kLongest) return false;
  std::size_t groups = 0;
  for (std::size_t at = 0;; ++groups) {
    const std::size_t end = std::min(text.find('-', at), text.size());
    const std::string_view group = text.substr(at, end - at);
    if (group.empty()) return false;
    const auto all = [&](char low, char high) {
      return std::ranges::all_of(group, [=](char c) { return low <= c && c <= high; });
    };
    if (end == text.size()) return groups >= 2 && all('0', '9');
    if (!all('a', 'z') || (groups == 0 && group.size() < 2)) return false;
    at = end + 1;
  }
}

/// The partition that a region lies in, by its name alone: regions are made more often than
/// libraries.
[[nodiscard]] constexpr const AwsPartition& aws_partition_of(std::string_view region) noexcept {
  for (const AwsPartition& p : kAwsPartitions)
    if (region.starts_with(p.region_prefix)) return p;
  return kAwsPartitions[std::size(kAwsPartitions) - 1];
}

/// "kms.eu-central-1.amazonaws.com"
[[nodiscard]] inline std::string aws_kms_host(std::string_view region) {
  return "kms." + std::string(region) + std::string(aws_partition_of(region).domain);
}

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_PARTITIONS_H_
