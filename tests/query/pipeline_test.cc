#include "query_support.h"

namespace fle {
namespace {

using test::det;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

std::string pipeline(const std::string& stages) {
  return "{'aggregate': 'c', 'pipeline': [" + stages + "], 'cursor': {}}";
}
/// How a deterministic value under the zero key is shown.
std::string e(const std::string& value) { return "{'E': 1, 'k': 0, 'v': " + value + "}"; }

void marks(const std::string& stages, const std::string& expected) {
  expect_marked(pipeline(stages), pipeline(expected));
}
void keeps(const std::string& stages) { expect_unchanged(pipeline(stages)); }
void refuses(const std::string& stages, Errc code, const std::string& text = {}) {
  expect_refused(pipeline(stages), code, text);
}

TEST(AggregateAnalysis, MarksTheValuesOfMatch) {
  marks("{'$match': {'ssn': 5}}", "{'$match': {'ssn': {'$eq': " + e("5") + "}}}");
  marks("{'$match': {'$and': [{'ssn': {'$in': [1, 2]}}, {'city': 'x'}]}}, {'$limit': 3}",
        "{'$match': {'$and': [{'ssn': {'$in': [" + e("1") + ", " + e("2") +
            "]}}, {'city': {'$eq': 'x'}}]}}, {'$limit': 3}");
  keeps("");
  keeps("{'$match': {'city': 'x'}}, {'$group': {'_id': 1, 'n': {'$sum': 1}}}");
  refuses("{'$match': {'note': 'x'}}", Errc::random_not_comparable,
          "Cannot query on fields encrypted with the randomized encryption");
  refuses("{'$match': {'ssn': {'$gt': 5}}}", Errc::operator_not_allowed,
          "Invalid match expression operator on encrypted field");
}

TEST(AggregateAnalysis, NamesTheStageThatItRefuses) {
  const auto got = test::analyze(
      test::doc(pipeline("{'$limit': 1}, {'$facet': {'a': [{'$match': {'ssn': 5}}]}}")),
      test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().code, Errc::stage_not_allowed);
  EXPECT_EQ(got.marked.error().path, "pipeline.1.$facet");
  EXPECT_EQ(got.marked.error().message,
            "Aggregation stage $facet is not allowed or supported with automatic encryption");
}

}  // namespace
}  // namespace fle
