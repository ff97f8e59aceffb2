// Memory for a query over data keys is in proportion to the query and to the key.
#include <functional>

#include "fle/kms/key_filter.h"
#include "kms/support.h"
#include "support/growth.h"

namespace fle::kms {
namespace {

using ::fle::test::expect_in_proportion;
using ::fle::test::joined;
using ::fle::test::memory_of;
using ::fle::test::times;

struct Case {
  const char* name;
  std::function<std::string(int n)> query;
  int n = 1000;
  int n_names = 2;  ///< Of the key.
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::string quoted(int i) { return "\"name" + std::to_string(i) + "\""; }
std::string status(int) { return R"({"status": 0})"; }

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"In", [](int n) { return R"({"keyAltNames": {"$in": [)" + joined(n, quoted) + "]}}"; }},
      {"NotIn", [](int n) { return R"({"keyAltNames": {"$nin": [)" + joined(n, quoted) + "]}}"; }},
      {"And", [](int n) { return R"({"$and": [)" + joined(n, status) + "]}"; }},
      {"Or",
       [](int n) {
         return R"({"$or": [)" + joined(n, [](int) { return R"({"status": 1})"; }) + "]}";
       }},
      {"AndInOr",
       [](int n) { return times(n, R"({"$and": [{"$or": [)") + status(0) + times(n, "]}]}"); }, 7},
      {"ManyConditions",
       [](int n) {
         return "{" + joined(n, [](int) { return R"("masterKey.provider": "local")"; }) + "}";
       }},
      {"ManyOperators",
       [](int n) {
         return R"({"status": {)" + joined(n, [](int) { return R"("$gte": 0)"; }) + "}}";
       }},
      {"LongText", [](int n) { return R"({"keyAltNames": ")" + times(n, "abcdefghij") + R"("})"; }},
      {"LongNameOfAField",
       [](int n) { return R"({"masterKey.)" + times(n, "abcdefghij") + R"(": null})"; }},
      {"NestedValue",
       [](int n) {
         return R"({"masterKey": )" + times(n, R"({"a": )") + "1" + times(n, "}") + "}";
       },
       40},
      {"KeyOfManyNames",
       [](int n) {
         return R"({"$and": [)" +
                joined(n, [](int) { return R"({"keyAltNames": {"$ne": "x"}})"; }) + "]}";
       },
       1000, 1000},
  };
  return all;
}

class Growth : public ::testing::TestWithParam<Case> {};

TEST_P(Growth, IsThatOfTheQuery) {
  if (!::kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  std::vector<std::string> names;
  for (int i = 0; i < GetParam().n_names; ++i) names.push_back("n" + std::to_string(i));
  const KeyDocument key = test::document(1, names);
  const auto cost_of = [&key](int n) {
    const test::Buf query = test::bson_of(GetParam().query(n));
    return memory_of(query.size(), [&] {
      const auto filter = KeyFilter::from_bson(query);
      ASSERT_TRUE(filter) << filter.error().to_string();
      const auto result = filter->matches(key);
      EXPECT_TRUE(result) << result.error().to_string();
    });
  };
  expect_in_proportion(cost_of(GetParam().n), cost_of(2 * GetParam().n), 100);
}

INSTANTIATE_TEST_SUITE_P(OfMemory, Growth, ::testing::ValuesIn(cases()),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace fle::kms
