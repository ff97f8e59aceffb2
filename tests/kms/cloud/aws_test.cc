#include <set>

#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

using Aws = Clouds;

TEST_F(Aws, WrapsAndUnwrapsADataKeyUnderASignatureThatTheServerRecomputes) {
  const auto provider = aws();
  expect_round_trip(*provider, aws_key());
  const auto log = server.take_log();
  const auto& requests = log["requests"];
  ASSERT_EQ(requests.Size(), 2U);
  for (const auto& r : requests.GetArray()) {
    EXPECT_STREQ(r["line"].GetString(), "POST /");
    EXPECT_STREQ(r["sni"].GetString(), "kms.us-east-1.amazonaws.com");
    EXPECT_STREQ(r["headers"]["host"].GetString(), "kms.us-east-1.amazonaws.com");
    EXPECT_EQ(r["connection"].GetInt(), 1) << "the connection was not kept";
  }
  EXPECT_STREQ(requests[0]["headers"]["x-amz-target"].GetString(), "TrentService.Encrypt");
  EXPECT_STREQ(requests[1]["headers"]["x-amz-target"].GetString(), "TrentService.Decrypt");
}

}  // namespace
}  // namespace fle::kms::test
