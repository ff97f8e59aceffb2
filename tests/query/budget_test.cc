// One budget of steps for all that a command makes us do: counted, not timed.
#include <atomic>

#include "fle/query/analyzer.h"
#include "query_support.h"

namespace fle::test {
namespace {

using query::Analysis;

std::string run_of(char c, int n) { return std::string(static_cast<std::size_t>(n), c); }

/// `n` patterns, which `pattern` gives.
template <class F>
std::string schema_of(int n, F pattern) {
  std::string json = "{'bsonType': 'object', 'patternProperties': {";
  for (int i = 0; i < n; ++i)
    json += (i == 0 ? "'" : ", '") + std::string(pattern(std::to_string(i + 1))) + "': " + rand();
  return json + "}}";
}

/// There are as many ways to part the letters a among the repetitions as there are subsets of them,
/// and each is tried: just below what one search may take.
std::string nested(const std::string& n) { return "^(a+)+[xyz]{1," + n + "}$"; }

template <class F>
Buf insert_of(int n, F name) {
  std::string json = "{'insert': 'c', 'documents': [{";
  for (int i = 0; i < n; ++i)
    json += (i == 0 ? "'" : ", '") + std::string(name(std::to_string(i))) + "': 1";
  return doc(json + "}]}");
}
std::string letters(const std::string& n) { return run_of('a', 14) + n; }

Done analyze_with(Bytes command, const std::shared_ptr<const schema::Plan>& plan, Analysis& a,
                  const Budget& budget = {}) {
  const query::CollectionSchema schema{"c", plan};
  query::AnalysisOptions options;
  options.budget = budget;
  return query::analyze(command, "db", {&schema, 1}, a, options);
}

TEST(Budget, IsOneForAllPatternsAndFields) {
  const auto plan = plan_of(schema_of(400, nested));
  const Buf command = insert_of(5000, letters);
  Analysis a;
  const Done done = analyze_with(command, plan, a);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::work_limit);
  EXPECT_NE(done.error().message.find("'^(a+)+[xyz]{1,"), std::string::npos)
      << done.error().to_string();
  EXPECT_TRUE(done.error().path.starts_with("documents.0.aaaaaaaaaaaaaa")) << done.error().path;
  ASSERT_EQ(a.findings.size(), 1U);
  EXPECT_EQ(a.findings[0].rule, "work.limit");
  EXPECT_FALSE(a.findings[0].advice.empty());
  EXPECT_TRUE(a.rewrites.empty());
  const std::uint64_t allowed = Budget{}.floor + Budget{}.per_byte * command.size();
  EXPECT_LE(a.steps(), allowed + 1000) << "it ends where the budget does";
}

TEST(Budget, LeavesMuchRoomForHonestSchemas) {
  const auto plan = plan_of(
      schema_of(400, [](const std::string& n) { return "^(patient|person)_[a-z]+_" + n + "$"; }));
  const Buf command = insert_of(5000, [](const std::string& n) { return "patient_ssn_" + n; });
  Analysis a;
  const Done done = analyze_with(command, plan, a);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(a.n_encrypted, 400U);
  EXPECT_LE(a.steps(), Budget{}.floor / 2) << "for two million searches";
}

TEST(Budget, IsAnOption) {
  const auto plan = plan_of(schema_of(1, nested));
  const Buf command = insert_of(20, letters);
  Analysis a;
  EXPECT_EQ(analyze_with(command, plan, a, {1000, 0}).error().code, Errc::work_limit);
  EXPECT_TRUE(analyze_with(command, plan, a, Budget::unlimited()));
  const std::uint64_t steps = a.steps();
  EXPECT_TRUE(analyze_with(command, plan, a, {steps, 0}));
  EXPECT_EQ(analyze_with(command, plan, a, {steps - 1, 0}).error().code, Errc::work_limit);
}

TEST(Budget, CountsWhatNeedsNoPatternToo) {
  Analysis a;
  const Done done =
      analyze_with(doc("{'find': 'c', 'filter': {'$or': [{'ssn': 1}, {'ssn': 2}, {'ssn': 3}, "
                       "{'ssn': 4}, {'ssn': 5}, {'ssn': 6}]}}"),
                   people(), a, {10, 0});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::work_limit);
  EXPECT_TRUE(a.rewrites.empty());
}

TEST(Budget, EndsWhenNobodyWaits) {
  const std::atomic<bool> abandoned = true;
  Analysis a;
  Budget budget;
  budget.abandoned = &abandoned;
  const Done done = analyze_with(doc("{'find': 'c', 'filter': {'ssn': 1}}"), people(), a, budget);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::work_limit);
  EXPECT_NE(done.error().message.find("nobody waits"), std::string::npos);
}

// What was cut short while the flag was set would look done once it is taken back.
TEST(Budget, IsOverForGoodOnceNobodyWaits) {
  std::atomic<bool> abandoned = true;
  Work work;
  work.allow(100, &abandoned);
  EXPECT_TRUE(work.spent());
  abandoned = false;
  EXPECT_TRUE(work.spent());
  work.end_limit();
  EXPECT_FALSE(work.spent());
}

TEST(Budget, CountsHowSchemasAreComparedWithEachOther) {
  std::string schema = "{'bsonType': 'object', 'patternProperties': {";
  for (int i = 0; i < 100; ++i) {
    schema +=
        (i == 0 ? "'p" : ", 'p") + std::to_string(i) + "': {'bsonType': 'object', 'properties': {";
    for (int k = 0; k < 100; ++k) schema += "'f" + std::to_string(k) + "': " + rand() + ", ";
    schema += "'last" + std::to_string(i) + "': " + rand() + "}}";
  }
  const Buf command =
      doc("{'find': 'c', 'filter': {}, 'isRemoteSchema': false, 'jsonSchema': " + schema + "}}}");
  query::Analyzer::Options options;
  options.budget = {300'000, 0};
  const auto reply = query::Analyzer(options).analyze(command, "db");
  ASSERT_FALSE(reply) << "5,000 pairs of 100 fields each";
  EXPECT_EQ(reply.error().code, Errc::work_limit);
  EXPECT_TRUE(query::Analyzer().analyze(command, "db"));
}

TEST(Budget, OfAnAnalyzerCoversTheSchemasThatItCompiles) {
  std::string schema = schema_of(100, nested);
  schema.pop_back();
  schema += ", 'properties': {";
  for (int i = 0; i < 500; ++i)
    schema += (i == 0 ? "'" : ", '") + letters(std::to_string(i)) + "': {}";
  const Buf command =
      doc("{'find': 'c', 'filter': {}, 'isRemoteSchema': true, 'jsonSchema': " + schema + "}}}");
  query::Analyzer::Options options;
  options.budget = {1'000'000, 0};
  const auto reply = query::Analyzer(options).analyze(command, "db");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::work_limit);
}

TEST(Budget, OfAnAnalyzerEndsWhenNobodyWaits) {
  const std::atomic<bool> abandoned = true;
  const Buf command =
      doc("{'find': 'c', 'filter': {'ssn': 1}, 'isRemoteSchema': false, "
          "'jsonSchema': {'bsonType': 'object', 'properties': {'ssn': " +
          det("int") + "}}}");
  const query::Analyzer analyzer;
  EXPECT_EQ(analyzer.analyze(command, "db", &abandoned).error().code, Errc::work_limit);
  EXPECT_TRUE(analyzer.analyze(command, "db")) << "nothing of that is remembered";
}

}  // namespace
}  // namespace fle::test
