#include "provider/allowed_endpoints.h"

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

TEST(AllowedEndpoints, AreHostsHostsWithAPortAndAllBelowADomain) {
  const std::vector<std::string> names = {"kms.example.com", "one.example.org:8443",
                                          ".Below.example", "[2001:db8::1]", "[2001:db8::2]:5696"};
  EXPECT_TRUE(is_allowed("kms.example.com", 8443, names));
  EXPECT_TRUE(is_allowed("KMS.example.com", 443, names));
  EXPECT_FALSE(is_allowed("x.kms.example.com", 443, names));
  EXPECT_FALSE(is_allowed("kms.example.com.evil.example", 443, names));
  EXPECT_TRUE(is_allowed("one.example.org", 8443, names));
  EXPECT_FALSE(is_allowed("one.example.org", 443, names));
  EXPECT_TRUE(is_allowed("a.b.below.example", 443, names));
  EXPECT_FALSE(is_allowed("below.example", 443, names));
  EXPECT_FALSE(is_allowed(".below.example", 443, names));
  EXPECT_TRUE(is_allowed("2001:db8::1", 1, names));
  EXPECT_TRUE(is_allowed("2001:db8::2", 5696, names));
  EXPECT_FALSE(is_allowed("2001:db8::2", 5697, names));
  EXPECT_FALSE(is_allowed("2001:db8::11", 5696, names));
}

TEST(AllowedEndpoints, ThatAreNoneAllowNothing) {
  for (const char* entry : {"", ".", "[", "[]", ":", "kms.example.com:", "kms.example.com:x",
                            "kms.example.com:443x", "kms.example.com:65979", "[kms.example.com"})
    EXPECT_FALSE(is_allowed("kms.example.com", 443, {entry})) << entry;
}

}  // namespace
}  // namespace fle::kms
