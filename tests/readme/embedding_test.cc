// What docs/embedding.md shows, compiled as it stands there, and run.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "embedding_example.inc"

namespace {

TEST(EmbeddingGuide, DoesWhatItSays) {
  auto providers = std::make_shared<kms::Providers>();
  ASSERT_TRUE(
      providers->add_local("local", std::vector<std::uint8_t>(96, 1), LockPolicy::best_effort));
  client::ClientEncryption encryption(kms::make_memory_vault(), providers);
  const auto key = new_key(encryption);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(there_and_back(encryption, *key, 241014209).value(), 241014209);
  const auto aws = cloud();
  ASSERT_TRUE(aws) << aws.error().to_string();
  EXPECT_EQ(aws->ids(), std::vector<std::string>{"aws"});
  EXPECT_EQ(credentials("gcp").error().code, Errc::kms_no_credentials);
  EXPECT_EQ(credentials("aws")->bytes().front(), '{');
}

}  // namespace
