// fle command: commands as a driver would send them, and replies by fle decrypt.
#include <cstdlib>

#include <gtest/gtest.h>

#include "process.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

struct CommandCommand : ::testing::Test {
  CommandCommand() {
    EXPECT_EQ(run({"keygen", "--out", "master.key"}).status, 0);
    const Ended key = run({"key", "create", "--vault", "keys.db", "--local-key", "master.key"});
    EXPECT_EQ(key.status, 0) << key.err;
    const std::string uuid = text_of(find_value(bson_of(key.out), {"uuid"}).value());
    folder.write("schema.json",
                 R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" + uuid +
                     R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"},
                     "properties": {"ssn": {"encrypt": {"bsonType": "int"}}}})");
  }
  [[nodiscard]] Ended run(std::vector<std::string> args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
  [[nodiscard]] Ended command(const std::string& input, std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"command",         "--schema",    "schema.json", "--vault",
                                  "keys.db",         "--local-key", "master.key",  "--ns",
                                  "clinic.patients", "--format",    "json"};
    args.insert(args.end(), more.begin(), more.end());
    return run(args, input);
  }
  TempFolder folder;
};

std::string line(const std::string& text, std::size_t n) {
  std::istringstream lines(text);
  std::string s;
  for (std::size_t i = 0; i <= n; ++i) std::getline(lines, s);
  return s;
}

TEST_F(CommandCommand, EncryptsCommandsAndDecryptsReplies) {
  const Ended sent = command(R"({"insert": "patients", "documents": [{"_id": 1, "ssn": 901}]}
{"find": "patients", "filter": {"ssn": 901}}
{"ping": 1}
)");
  ASSERT_EQ(sent.status, 0) << sent.err;
  const Buf insert = bson_of(line(sent.out, 0));
  const Buf find = bson_of(line(sent.out, 1));
  const auto stored = find_value(insert, {"documents", "0", "ssn"});
  ASSERT_TRUE(stored && payload_of(*stored));
  EXPECT_EQ(payload_of(*stored)->front(), 1);
  EXPECT_EQ(stored, find_value(find, {"filter", "ssn", "$eq"}));
  EXPECT_EQ(bson_of(line(sent.out, 2)), bson_of(R"({"ping": 1})"));

  const Ended back =
      run({"decrypt", "--vault", "keys.db", "--local-key", "master.key", "--format", "json"},
          line(sent.out, 0) + "\n");
  ASSERT_EQ(back.status, 0) << back.err;
  EXPECT_EQ(bson_of(back.out),
            bson_of(R"({"insert": "patients", "documents": [{"_id": 1, "ssn": 901}]})"));
}

TEST_F(CommandCommand, ARefusalNamesCommandPathAndRuleAndLeavesNoFile) {
  const Ended e = command(R"({"ping": 1}
{"find": "patients", "filter": {"ssn": {"$gt": 31337}}}
)",
                          {"--out", "out.json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.err.find("fle: document 2: field 'filter.ssn.$gt': operator_not_allowed: Invalid "
                       "match expression operator"),
            0U)
      << e.err;
  EXPECT_EQ(e.err.find("31337"), std::string::npos);
  EXPECT_FALSE(folder.has("out.json"));
}

TEST_F(CommandCommand, AsksForTheSchemaOfEveryCollection) {
  const std::string other = R"({"find": "visits", "filter": {"ssn": 901}})";
  const Ended e = command(other);
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("--schema-for clinic.visits=FILE"), std::string::npos) << e.err;
  folder.write("none.json", "{}");
  const Ended told = command(other, {"--schema-for", "clinic.visits=none.json"});
  ASSERT_EQ(told.status, 0) << told.err;
  EXPECT_EQ(bson_of(told.out), bson_of(other));
}

TEST_F(CommandCommand, TakesOtherDatabasesForPlainOnlyWhereAPipelineWrites) {
  folder.write("none.json", "{}");
  const std::string out = R"({"aggregate": "visits", "pipeline": [{"$out": {"db": "hr", "coll": )"
                          R"("p"}}], "cursor": {}})";
  const Ended written = command(out, {"--schema-for", "clinic.visits=none.json"});
  ASSERT_EQ(written.status, 0) << written.err;
  EXPECT_EQ(bson_of(written.out), bson_of(out));
  const Ended known =
      command(out, {"--schema-for", "clinic.visits=none.json", "--schema-for", "hr.q=none.json"});
  EXPECT_NE(known.err.find("--schema-for hr.p=FILE"), std::string::npos) << known.err;
  const Ended several = command(
      R"({"aggregate": "patients", "pipeline": [{"$lookup": {"from": "wards", "localField": "w", )"
      R"("foreignField": "_id", "as": "w"}}, {"$unionWith": "old"}], "cursor": {}})");
  EXPECT_NE(several.err.find("no schema was given for clinic.wards"), std::string::npos)
      << several.err;
  const Ended bulk = command(
      R"({"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 1, "ssn": 901}}], "nsInfo": )"
      R"([{"ns": "hr.p"}]})");
  EXPECT_EQ(bulk.status, 1);
  EXPECT_NE(bulk.err.find("--schema-for hr.p=FILE"), std::string::npos) << bulk.err;
}

TEST_F(CommandCommand, NeedsTheMasterKey) {
  const Ended e = run({"command", "--schema", "schema.json", "--vault", "keys.db", "--ns",
                       "clinic.patients", "--format", "json"},
                      R"({"find": "patients", "filter": {"ssn": 901}})");
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("field 'filter.ssn'"), std::string::npos) << e.err;
}

// One budget for all that read a schema and work with it.
TEST_F(CommandCommand, HasTheBudgetThatIsAskedForAsTheOthersHave) {
  std::string schema = folder.read("schema.json");
  const std::string pattern =
      R"("patternProperties": {"^(a+)+[xyz]$": {"encrypt": {"bsonType": "int"}}}, )";
  schema.insert(schema.find("\"properties\""), pattern);
  folder.write("schema.json", schema);
  const std::string document = R"({"aaaaaaaaaaaaaa": 1})"
                               "\n";
  const std::string find = R"({"find": "patients", "filter": {"aaaaaaaaaaaaaa": 1}})"
                           "\n";
  const std::vector<std::string> keys{"--vault", "keys.db", "--local-key", "master.key"};
  struct Case {
    std::vector<std::string> args;
    std::string input;
  };
  std::vector<Case> cases = {
      {{"command", "--ns", "clinic.patients", "--schema", "schema.json"}, find},
      {{"encrypt", "--schema", "schema.json"}, document},
      {{"analyze", "--ns", "clinic.patients", "--schema", "schema.json"}, find},
  };
  for (Case& c : cases) {
    SCOPED_TRACE(c.args[0]);
    c.args.insert(c.args.end(), {"--format", "json"});
    if (c.args[0] != "analyze") c.args.insert(c.args.end(), keys.begin(), keys.end());
    const Ended usual = run(c.args, c.input);
    EXPECT_EQ(usual.status, 0) << usual.err;
    ::setenv("FLE_WORK_BUDGET", "1000", 1);
    const Ended by_environment = run(c.args, c.input);
    ::unsetenv("FLE_WORK_BUDGET");
    c.args.insert(c.args.end(), {"--work-budget", "1000"});
    for (const Ended& modest : {run(c.args, c.input), by_environment}) {
      EXPECT_EQ(modest.status, 1);
      EXPECT_NE(modest.err.find("work_limit"), std::string::npos) << modest.err;
    }
  }
  EXPECT_EQ(run({"schema", "schema.json", "--work-budget", "x"}).status, 2);
  // A name that both describe is searched for when the schema is compiled.
  schema.insert(schema.find("\"ssn\""), R"("aaaaaaaaaaaaaaa": {"bsonType": "string"}, )");
  folder.write("schema.json", schema);
  EXPECT_EQ(run({"schema", "schema.json"}).status, 0);
  const Ended compiled = run({"schema", "schema.json", "--work-budget", "1000"});
  EXPECT_EQ(compiled.status, 1);
  EXPECT_NE(compiled.err.find("work_limit"), std::string::npos) << compiled.err;
}

}  // namespace
}  // namespace fle::test
