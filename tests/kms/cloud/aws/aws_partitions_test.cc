#include "document/aws_partitions.h"

#include <gtest/gtest.h>

#include "cloud/trusted_hosts.h"

namespace fle::kms {
namespace {

// AWS SDKs, partitions.json: the domain of each partition, and a region of it.
constexpr std::pair<const char*, const char*> kHosts[] = {
    {"us-east-1", "kms.us-east-1.amazonaws.com"},
    {"eu-central-1", "kms.eu-central-1.amazonaws.com"},
    {"us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"},
    {"cn-north-1", "kms.cn-north-1.amazonaws.com.cn"},
    {"eusc-de-east-1", "kms.eusc-de-east-1.amazonaws.eu"},
    {"us-iso-east-1", "kms.us-iso-east-1.c2s.ic.gov"},
    {"us-isob-east-1", "kms.us-isob-east-1.sc2s.sgov.gov"},
    {"eu-isoe-west-1", "kms.eu-isoe-west-1.cloud.adc-e.uk"},
    {"us-isof-south-1", "kms.us-isof-south-1.csp.hci.ic.gov"},
    {"of-the-future-1", "kms.of-the-future-1.amazonaws.com"},
};

TEST(AwsPartitions, GiveEachRegionItsDomain) {
  for (const auto& [region, host] : kHosts) EXPECT_EQ(aws_kms_host(region), host);
  EXPECT_EQ(aws_partition_of("us-isob-east-1").name, "aws-iso-b");
  EXPECT_EQ(aws_partition_of("us-isolated-1").name, "aws");
}

TEST(AwsPartitions, KnowTheFormOfARegion) {
  for (const auto& [region, host] : kHosts) EXPECT_TRUE(is_aws_region(region)) << region;
  for (const char* other :
       {"",           "-",          "us",
        "us-east",    "us-1",       "us-east-",
        "us--east-1", "-us-east-1", "us-east-1-",
        "US-east-1",  "us-east-1a", "us-east1-1",
        "u-east-1",   "us.east.1",  "us-east-1.evil",
        "us-east-1 ", "s3",         "execute-api",
        "vpce-1-2",   "1-2-3",      "us-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1"})
    EXPECT_FALSE(is_aws_region(other)) << other;
}

TEST(AwsPartitions, AreTrustedWithTheirOwnHosts) {
  for (const auto& [region, host] : kHosts) {
    const auto trusted = [in_region = region](const std::string& h) {
      return is_cloud_kms("aws", {h}, in_region);
    };
    EXPECT_TRUE(trusted(host));
    const std::string domain(aws_partition_of(region).domain);
    const std::string in = "." + std::string(region);
    EXPECT_TRUE(trusted("kms-fips" + in + domain));
    EXPECT_TRUE(trusted("vpce-0123-abcd.kms" + in + ".vpce" + domain));
    EXPECT_TRUE(trusted("vpce-0123-abcd-eu-central-1a.kms-fips" + in + ".vpce" + domain));
    EXPECT_TRUE(trusted("kms" + in + std::string(aws_partition_of(region).dual_stack)));
    EXPECT_FALSE(trusted("kms" + in + domain + ".evil.example"));
    EXPECT_FALSE(trusted("evil" + domain.substr(1)));
  }
}

}  // namespace
}  // namespace fle::kms
