#include "cloud/trusted_hosts.h"

#include <gtest/gtest.h>

#include "kms/cloud/server/hostile_hosts.h"

namespace fle::kms {
namespace {

bool trusted(std::string_view type, const std::string& text) {
  const auto endpoint = parse_endpoint("endpoint", text);
  return endpoint && is_cloud_kms(type, *endpoint, "us-east-1");
}

TEST(TrustedHosts, AreKmsHostsAndNotAllThatACloudRunsForItsCustomers) {
  for (const test::HostileHost& hostile : test::kHostileHosts)
    EXPECT_FALSE(trusted(hostile.type, std::string(hostile.host))) << hostile.host;
}

TEST(TrustedHosts, AreThoseOfEachCloud) {
  for (const char* host :
       {"kms.us-east-1.amazonaws.com", "https://KMS.us-east-1.amazonaws.com:443/",
        "kms-fips.us-east-1.amazonaws.com", "kms.us-east-1.api.aws", "kms-fips.us-east-1.api.aws",
        "vpce-0abc12.kms.us-east-1.vpce.amazonaws.com",
        "vpce-0abc12-xyz-us-east-1b.kms-fips.us-east-1.vpce.amazonaws.com"})
    EXPECT_TRUE(trusted("aws", host)) << host;
  for (const char* host : {"medco.vault.azure.net", "m-1.vault.azure.cn",
                           "medco.vault.usgovcloudapi.net", "medco.managedhsm.azure.net",
                           "medco.managedhsm.azure.cn", "medco.managedhsm.usgovcloudapi.net"})
    EXPECT_TRUE(trusted("azure", host)) << host;
  for (const char* host :
       {"cloudkms.googleapis.com", "cloudkms.mtls.googleapis.com",
        "cloudkms.europe-west3.rep.googleapis.com", "cloudkms-medco.p.googleapis.com"})
    EXPECT_TRUE(trusted("gcp", host)) << host;
  EXPECT_FALSE(trusted("gcp", "kms.us-east-1.amazonaws.com")) << "another cloud's";
}

}  // namespace
}  // namespace fle::kms
