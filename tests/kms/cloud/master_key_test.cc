#include <string>

#include <gtest/gtest.h>

#include "fle/kms/key_document.h"
#include "kms/support.h"

namespace fle::kms::test {
namespace {

std::string relaxed(const MasterKey& mk) { return json_of(mk.bson); }

TEST(MasterKey, IsWrittenInTheFieldOrderOfDrivers) {
  EXPECT_EQ(relaxed(MasterKey::aws("us-east-1", "arn")),
            R"({ "provider" : "aws", "region" : "us-east-1", "key" : "arn" })");
  EXPECT_EQ(relaxed(MasterKey::aws("r", "k", "e.x", "aws:n")),
            R"({ "provider" : "aws:n", "region" : "r", "key" : "k", "endpoint" : "e.x" })");
  EXPECT_EQ(relaxed(MasterKey::azure("v.x", "n", "1")),
            R"({ "provider" : "azure", "keyVaultEndpoint" : "v.x", "keyName" : "n", )"
            R"("keyVersion" : "1" })");
  EXPECT_EQ(relaxed(MasterKey::gcp({"p", "l", "r", "k", "v", "e.x"}, "gcp:n")),
            R"({ "provider" : "gcp:n", "projectId" : "p", "location" : "l", "keyRing" : "r", )"
            R"("keyName" : "k", "keyVersion" : "v", "endpoint" : "e.x" })");
}

TEST(MasterKey, FromJsonIsWhatTheBuildersMake) {
  const auto same = [](const std::string& id, const std::string& json, const MasterKey& expected) {
    const auto mk = MasterKey::from_json(id, json);
    ASSERT_TRUE(mk) << mk.error().to_string();
    EXPECT_EQ(mk->bson, expected.bson);
    EXPECT_EQ(mk->provider, id);
  };
  same("aws", R"({"endpoint": "e.x", "key": "k", "region": "r"})", MasterKey::aws("r", "k", "e.x"));
  same("aws:n", R"({"provider": "aws:n", "key": "k", "region": "r"})",
       MasterKey::aws("r", "k", "", "aws:n"));
  same("local", "{}", MasterKey::local());
}

TEST(MasterKey, FromJsonRefusesWhatIsNoMasterKey) {
  for (const char* bad :
       {"", "[", "1", "{} x", "{\"region\": \"r\"}", "{\"region\": \"r\", \"key\": 1}",
        "{\"region\": \"r\", \"key\": \"k\", \"Endpoint\": \"e\"}",
        "{\"region\": \"r\", \"key\": \"k\", \"key\": \"k\"}", "\xff",
        "{\"provider\": \"azure\", \"region\": \"r\", \"key\": \"k\"}"}) {
    const auto mk = MasterKey::from_json("aws", bad);
    ASSERT_FALSE(mk) << bad;
    EXPECT_EQ(mk.error().code, Errc::key_document_invalid) << bad;
  }
  EXPECT_FALSE(MasterKey::from_json("aws", std::string(20'000, ' ') + "{}"));
  EXPECT_FALSE(MasterKey::from_json("nobody", "{}"));
}

}  // namespace
}  // namespace fle::kms::test
