// The KMIP provider against PyKMIP, a server that was written by others.
#include "kms/kmip/pykmip/pykmip.h"

#include <gtest/gtest.h>

#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "kms/support.h"

namespace fle::kms {
namespace {

using test::bson_of;
using test::json_of;
using test::Pykmip;

class KmipOnPykmip : public testing::Test {
 protected:
  void SetUp() override {
    if (!Pykmip::is_installed()) GTEST_SKIP() << "no python3-pykmip";
    server_.emplace();
  }

  [[nodiscard]] Outcome<KeyDocument> create(const std::string& fields, Bytes material = {}) {
    const auto key = MasterKey::from_fields("kmip", bson_of(fields));
    if (!key) return key.error();
    return create_data_key(*vault_, providers(), {.master_key = *key, .key_material = material});
  }
  [[nodiscard]] const Providers& providers() {
    if (!providers_) providers_.emplace(server_->providers());
    return *providers_;
  }
  [[nodiscard]] Outcome<SecretBytes> unwrap(const KeyDocument& key) {
    return (*providers().find("kmip"))->unwrap(key.key_material, key.master_key);
  }

  std::optional<Pykmip> server_;
  std::optional<Providers> providers_;
  std::unique_ptr<KeyVault> vault_ = make_memory_vault();
};

TEST_F(KmipOnPykmip, WrapsADataKeyUnderFreshSecretDataAndUnwrapsItAgain) {
  const auto material = test::master_key_bytes(3);
  const auto key = create("{}", material);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(key->key_material.size(), 160U);
  EXPECT_EQ(json_of(key->master_key.bson), R"({ "provider" : "kmip", "keyId" : "1" })");
  const auto opened = unwrap(*key);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), material));
}

TEST_F(KmipOnPykmip, WrapsUnderANamedKeyAndMakesAnObjectOnlyWhereNoneIsNamed) {
  const auto first = create("{}");
  ASSERT_TRUE(first) << first.error().to_string();
  const auto second = create(R"({"keyId": "1"})");
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(second->master_key.bson, first->master_key.bson);
  const auto third = create("{}");
  ASSERT_TRUE(third);
  EXPECT_EQ(json_of(third->master_key.bson), R"({ "provider" : "kmip", "keyId" : "2" })");
}

TEST_F(KmipOnPykmip, DelegatesToAKeyThatStaysOnTheServer) {
  const auto material = test::master_key_bytes(4);
  const auto key = create(R"({"delegated": true})", material);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(json_of(key->master_key.bson),
            R"({ "provider" : "kmip", "delegated" : true, "keyId" : "1" })");
  EXPECT_EQ(key->key_material.size(), 16U + 112U);
  const auto opened = unwrap(*key);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), material));
  const auto again = create(R"({"delegated": true, "keyId": "1"})", material);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_NE(again->key_material, key->key_material) << "a fresh IV each time";
}

}  // namespace
}  // namespace fle::kms
