#include "trusted_hosts.h"

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

bool trusted(std::string_view type, const std::string& text) {
  const auto endpoint = parse_endpoint("endpoint", text);
  return endpoint && is_cloud_kms(type, *endpoint, "us-east-1");
}

// What customers run below the clouds' own domains, and names that only look like a KMS.
TEST(TrustedHosts, AreKmsHostsAndNotAllThatACloudRunsForItsCustomers) {
  for (const char* host : {"a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
                           "bucket.s3.amazonaws.com",
                           "s3.us-east-1.amazonaws.com",
                           "ec2-203-0-113-25.compute-1.amazonaws.com",
                           "abc.us-east-1.elb.amazonaws.com",
                           "kms.amazonaws.com",
                           "amazonaws.com",
                           "kms.us-east-1.elb.amazonaws.com",
                           "kms.us-west-2.amazonaws.com",
                           "x.kms.us-east-1.amazonaws.com",
                           "kms.x.us-east-1.amazonaws.com",
                           "kms.us-east-1.amazonaws.com.cn",
                           "kms.us-east-1.amazonaws.eu",
                           "kms.us-east-1.amazonaws.com.evil.example",
                           "kms.us-east-1.evil.amazonaws.com",
                           "vpce-0123.vpce-svc-0123.us-east-1.vpce.amazonaws.com",
                           "vpce-0123.execute-api.us-east-1.vpce.amazonaws.com",
                           "evil.kms.us-east-1.vpce.amazonaws.com",
                           "vpce-.kms.us-east-1.vpce.amazonaws.com",
                           "x.vpce-0123.kms.us-east-1.vpce.amazonaws.com",
                           "kms.us-east-1.vpce.amazonaws.com",
                           "kms-fips.us-east-1.amazonaws.com:8443",
                           "kms.us-east-1.amazonaws.com:80",
                           "kms.us-east-1.amazonaws.com.",
                           "kms_us-east-1.amazonaws.com",
                           "user@kms.us-east-1.amazonaws.com",
                           "[::1]",
                           "127.0.0.1",
                           "kms%2eus-east-1.amazonaws.com"})
    EXPECT_FALSE(trusted("aws", host)) << host;
  for (const char* host :
       {"vault.azure.net", "a.b.vault.azure.net", "medco.vault.azure.net.evil.example",
        "medco.blob.core.windows.net", "medco.azurewebsites.net", "medco.vault.azure.net:8443",
        "-medco.vault.azure.net", "xvault.azure.net", "medco.vault.azure.com", "127.0.0.1"})
    EXPECT_FALSE(trusted("azure", host)) << host;
  for (const char* host :
       {"googleapis.com", "storage.googleapis.com", "bucket.storage.googleapis.com",
        "oauth2.googleapis.com", "cloudkms.googleapis.com:8443", "xcloudkms.googleapis.com",
        "cloudkms.evil.googleapis.com", "a.b.p.googleapis.com", "evil.p.googleapis.com",
        "cloudkms.googleapis.com.evil.example", "cloudkms.a.b.rep.googleapis.com"})
    EXPECT_FALSE(trusted("gcp", host)) << host;
}

TEST(TrustedHosts, AreThoseOfEachCloud) {
  for (const char* host :
       {"kms.us-east-1.amazonaws.com", "https://KMS.us-east-1.amazonaws.com:443/",
        "kms-fips.us-east-1.amazonaws.com", "kms.us-east-1.api.aws",
        "vpce-0abc12.kms.us-east-1.vpce.amazonaws.com",
        "vpce-0abc12-xyz-us-east-1b.kms-fips.us-east-1.vpce.amazonaws.com"})
    EXPECT_TRUE(trusted("aws", host)) << host;
  for (const char* host : {"medco.vault.azure.net", "m-1.vault.azure.cn",
                           "medco.vault.usgovcloudapi.net", "medco.managedhsm.azure.net"})
    EXPECT_TRUE(trusted("azure", host)) << host;
  for (const char* host :
       {"cloudkms.googleapis.com", "cloudkms.mtls.googleapis.com",
        "cloudkms.europe-west3.rep.googleapis.com", "cloudkms-medco.p.googleapis.com"})
    EXPECT_TRUE(trusted("gcp", host)) << host;
  EXPECT_FALSE(trusted("gcp", "kms.us-east-1.amazonaws.com")) << "another cloud's";
}

TEST(TrustedHosts, AreAlsoThoseThatTheOptionsName) {
  const std::vector<std::string> names = {"kms.example.com", "one.example.org:8443",
                                          ".below.example"};
  EXPECT_TRUE(is_allowed({"kms.example.com", 8443}, names));
  EXPECT_FALSE(is_allowed({"x.kms.example.com"}, names));
  EXPECT_TRUE(is_allowed({"one.example.org", 8443}, names));
  EXPECT_FALSE(is_allowed({"one.example.org"}, names));
  EXPECT_TRUE(is_allowed({"a.b.below.example"}, names));
  EXPECT_FALSE(is_allowed({"below.example"}, names));
  EXPECT_FALSE(is_allowed({"kms.us-east-1.amazonaws.com"}, {"."}));
}

}  // namespace
}  // namespace fle::kms
