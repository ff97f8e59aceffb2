// What a schema's patterns may cost. Whatever the budget, a refusal says that it is spent, and
// nothing that only looks so because the work was not done.
#include <gtest/gtest.h>

#include "fle/schema/compile.h"
#include "fle/work.h"
#include "plan/pattern.h"

namespace fle::schema {
namespace {

TEST(PatternBudget, EndsBeforeASearchThatIsNotPaidFor) {
  if (!FLE_WITH_PCRE2) GTEST_SKIP() << "no patterns in this build";
  const auto pattern = Pattern::compile("^(a+)+[xyz]$");
  ASSERT_TRUE(pattern);
  Work work;
  work.allow(10);
  work.step(11);
  const std::uint64_t before = work.steps();
  EXPECT_EQ(pattern->search("aaaaaaaaaaaaaaaax", &work), Pattern::Match::failed);
  EXPECT_LE(work.steps() - before, 10U);
}

// However many names there are in which no item of the pattern is tried.
TEST(PatternBudget, EverySearchCostsSomething) {
  if (!FLE_WITH_PCRE2) GTEST_SKIP() << "no patterns in this build";
  const auto pattern = Pattern::compile("z");
  ASSERT_TRUE(pattern);
  Work work;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pattern->search("", &work), Pattern::Match::no);
  EXPECT_GE(work.steps(), 100U);
}

TEST(SchemaBudget, OfAnySizeIsEnoughOrIsWhatTheRefusalNames) {
  if (!FLE_WITH_PCRE2) GTEST_SKIP() << "no patterns in this build";
  // Both say the same about "ab", which takes some looking.
  const std::string encrypted =
      R"({"encrypt": {"bsonType": "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random",
                      "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}})";
  const std::string object = R"({"bsonType": "object", "properties": {"x": )" + encrypted +
                             R"(, "y": {"bsonType": "object", "properties": {"z": )" + encrypted +
                             "}}}}";
  const std::string schema = R"({"bsonType": "object", "properties": {"ab": )" + object +
                             R"(}, "patternProperties": {"^a+b$": )" + object + R"(, "^ab+$": )" +
                             object + "}}";
  std::uint64_t floor = 0;
  for (bool enough = false; !enough; ++floor) {
    ASSERT_LT(floor, 100'000U);
    const auto plan = compile_json(schema, Origin::local, Budget{floor, 0});
    enough = plan.has_value();
    if (!enough) {
      ASSERT_EQ(plan.error().code, Errc::work_limit) << floor << ": " << plan.error().to_string();
    }
  }
  EXPECT_GT(floor, 20U);
}

}  // namespace
}  // namespace fle::schema
