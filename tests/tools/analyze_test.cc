// fle analyze: marked commands, and why they read as they do.
#include <filesystem>
#include <regex>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "process.h"

namespace fle::test {
namespace {

constexpr char kClinicPatients[] = R"({"bsonType": "object", "encryptMetadata": {
    "keyId": [{"$uuid": "00000000-0000-0000-0000-000000000000"}],
    "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}, "properties": {
  "ssn": {"encrypt": {"bsonType": "int",
                      "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
  "bloodType": {"encrypt": {"bsonType": "string"}}}})";

std::string bson_stream_of(const std::string& json) {
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), nullptr);
  if (b == nullptr) throw std::runtime_error(json);
  std::string s(reinterpret_cast<const char*>(bson_get_data(b)), b->len);
  bson_destroy(b);
  return s;
}
const std::string kNothing = R"({"insert": "patients", "documents": [{"_id": 1, "name": "Jo"}]})";
const std::string kSsn = R"({"insert": "patients", "documents": [{"_id": 1, "ssn": 901}]})";
const std::string kWrong = R"({"insert": "patients", "documents": [{"_id": 1, "ssn": "s3cret"}]})";

struct Analyze : ::testing::Test {
  Analyze() { folder.write("schema.json", kClinicPatients); }
  Ended analyze(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"analyze", "--schema", "schema.json", "--ns", "clinic.patients"});
    return run_fle(folder.path(), more, input);
  }
  Ended analyze_json(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--format", "json"});
    return analyze(input, std::move(more));
  }
  TempFolder folder;
};

TEST_F(Analyze, WritesTheMarkedCommand) {
  const Ended e = analyze_json(kSsn, {"--relaxed"});
  ASSERT_EQ(e.status, 0) << e.err;
  // The binary is 0, then the document {a: 1, ki: UUID, v: 901}.
  EXPECT_EQ(e.out,
            "{ \"insert\" : \"patients\", \"documents\" : [ { \"_id\" : 1, \"ssn\" : { "
            "\"$binary\" : { \"base64\" : "
            "\"ACwAAAAQYQABAAAABWtpABAAAAAEAAAAAAAAAAAAAAAAAAAAABB2AIUDAAAA\", "
            "\"subType\" : \"06\" } } } ] }\n");
}

TEST_F(Analyze, CommandsThatEncryptNothingComeBackAsTheyAre) {
  const std::string ping = bson_stream_of(R"({"ping": 1})");
  const Ended e = analyze(bson_stream_of(kNothing) + ping);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_EQ(e.out, bson_stream_of(kNothing) + ping);
  EXPECT_TRUE(e.err.empty());
  EXPECT_EQ(analyze("").status, 0);
}

TEST_F(Analyze, ARefusalIsOneLineWithoutTheValue) {
  folder.write("in.bson", bson_stream_of(kNothing) + bson_stream_of(kWrong));
  const Ended e = analyze("", {"--in", "in.bson", "--out", "out.bson"});
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(std::regex_search(
      e.err, std::regex("^fle: document 2: field 'documents.0.ssn': type_not_allowed: [^\n]*\n$")))
      << e.err;
  EXPECT_EQ(e.err.find("s3cret"), std::string::npos);
  EXPECT_FALSE(folder.has("out.bson"));
}

TEST_F(Analyze, ExplainsWhatIsEncryptedAndWhatIsRefusedAndGoesOn) {
  const Ended e = analyze_json(kSsn + "\n" + kWrong + "\n" + kNothing, {"--explain"});
  EXPECT_EQ(e.status, 1);
  const auto has = [&](const std::string& line) {
    return std::regex_search(e.out, std::regex("(^|\n)" + line + "\n"));
  };
  EXPECT_TRUE(has("command 1: insert on patients, values to encrypt: 1")) << e.out;
  EXPECT_TRUE(has("  encrypted  documents\\.0\\.ssn  ssn .* deterministic algorithm")) << e.out;
  EXPECT_TRUE(has("command 2: insert on patients is refused")) << e.out;
  EXPECT_TRUE(has("  refused  documents\\.0\\.ssn  ssn .* the schema expects int")) << e.out;
  EXPECT_TRUE(has("  instead: .+")) << e.out;
  EXPECT_TRUE(has("command 3: insert on patients stays as it is")) << e.out;
  EXPECT_EQ(e.out.find("s3cret"), std::string::npos);
  EXPECT_TRUE(std::regex_search(e.err, std::regex("^fle: document 2: [^\n]*\n$"))) << e.err;
}

TEST_F(Analyze, ColumnsAreCountedInCharacters) {
  const Ended e = analyze_json(R"({"find": "patients", "filter": {"\u00fc\u00e4": 1, "ssn": 5}})",
                               {"--explain"});
  const std::size_t wide = e.out.find("filter.\u00fc\u00e4   ");
  const std::size_t plain = e.out.find("filter.ssn  ");
  EXPECT_NE(wide, std::string::npos) << e.out;
  EXPECT_NE(plain, std::string::npos) << e.out;
}

TEST_F(Analyze, ExplainsAsJsonForPrograms) {
  folder.write("in.json", kSsn + "\n" + kWrong + "\n{\"killOp\": 1}\n");
  const Ended e = analyze_json("", {"--in", "in.json", "--out", "why.json", "--explain-json"});
  EXPECT_EQ(e.status, 1);
  const std::string why = folder.read("why.json");
  std::size_t lines = 0;
  std::istringstream stream(why);
  for (std::string line; std::getline(stream, line); ++lines) EXPECT_NO_THROW(bson_stream_of(line));
  EXPECT_EQ(lines, 3U) << why;
  EXPECT_NE(why.find(R"({ "command" : 1, "verdict" : "encrypted", "path" : "documents.0.ssn")"),
            std::string::npos)
      << why;
  EXPECT_NE(why.find(R"({ "command" : 2, "verdict" : "refused", "path" : "documents.0.ssn")"),
            std::string::npos)
      << why;
  EXPECT_NE(why.find(R"({ "command" : 3, "verdict" : "refused")"), std::string::npos) << why;
}

TEST_F(Analyze, NamesCannotBreakALineOrCommandATerminal) {
  const std::string name = R"({"a\n\u001b[2J": 1})";
  const Ended table = analyze_json(name, {"--explain"});
  EXPECT_EQ(table.out.find('\x1b'), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("a\\x0a\\x1b[2J"), std::string::npos) << table.out;
  // BSON allows names that are not UTF-8, JSON does not.
  std::string bson = bson_stream_of(R"({"bad?": 1})");
  bson[bson.find('?')] = '\xff';
  const Ended json = analyze(bson, {"--explain-json"});
  EXPECT_NE(json.out.find("bad\xc3\xbf"), std::string::npos) << json.out;
}

TEST_F(Analyze, EachCollectionNeedsASchema) {
  const std::string other = R"({"insert": "visits", "documents": [{"ssn": 1}]})";
  const Ended missing = analyze_json(other);
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("schema_missing"), std::string::npos) << missing.err;
  EXPECT_NE(missing.err.find("--schema-for clinic.visits=FILE"), std::string::npos);
  folder.write("visits.json", "{}");
  const Ended plain = analyze_json(other, {"--schema-for", "clinic.visits=visits.json"});
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(plain.out.find("$binary"), std::string::npos);
  const Ended marked = analyze_json(other, {"--schema-for", "clinic.visits=schema.json"});
  EXPECT_EQ(marked.status, 0) << marked.err;
  EXPECT_NE(marked.out.find("$binary"), std::string::npos);
}

TEST_F(Analyze, APipelineMayWriteToAnotherDatabaseThatEncryptsNothing) {
  folder.write("none.json", "{}");
  const std::string merge = R"({"aggregate": "visits", "pipeline": [{"$set": {"ssn": 5}}, )"
                            R"({"$merge": {"into": {"db": "hr", "coll": "p"}}}], "cursor": {}})";
  const auto with = [&](const char* theirs) {
    std::vector<std::string> options = {"--schema-for", "clinic.visits=none.json"};
    if (theirs != nullptr) options.insert(options.end(), {"--schema-for", theirs});
    return analyze_json(merge, options);
  };
  EXPECT_EQ(with(nullptr).status, 0) << "no schema of hr was given";
  EXPECT_EQ(with("hr.p=none.json").status, 0);
  EXPECT_NE(with("hr.p=schema.json").err.find("$merge"), std::string::npos);
  EXPECT_NE(with("hr.q=none.json").err.find("no schema was given for hr.p"), std::string::npos);
}

TEST_F(Analyze, ABulkWriteIsAboutTheNamespaceInIt) {
  const std::string start =
      R"({"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 1, "ssn": 1}}], "nsInfo": )";
  const Ended e = analyze_json(start + R"([{"ns": "clinic.patients"}]})");
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_NE(e.out.find("$binary"), std::string::npos);
  const Ended other = analyze_json(start + R"([{"ns": "billing.patients"}]})");
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("no schema was given for billing.patients"), std::string::npos);
}

TEST_F(Analyze, WrongOptionsAreRefused) {
  for (const char* ns : {"clinic", ".patients", "clinic."}) {
    EXPECT_EQ(run_fle(folder.path(), {"analyze", "--schema", "schema.json", "--ns", ns}).status, 2)
        << ns;
  }
  for (const char* other : {"clinic.visits", "clinic.visits=", "visits=schema.json", "=x"})
    EXPECT_EQ(analyze("", {"--schema-for", other}).status, 2) << other;
  EXPECT_EQ(run_fle(folder.path(), {"analyze", "--ns", "a.b"}).status, 2);
  EXPECT_EQ(analyze("", {"--schema-for", "clinic.patients=schema.json"}).status, 1);
  EXPECT_EQ(analyze("", {"--schema-for", "clinic.x=none.json"}).status, 1);
}

TEST_F(Analyze, ALocalSchemaHasNoValidationKeywordsUnlessItIsRemote) {
  folder.write("schema.json", R"({"bsonType": "object", "required": ["a"]})");
  EXPECT_EQ(analyze(bson_stream_of(kNothing)).status, 1);
  EXPECT_EQ(analyze(bson_stream_of(kNothing), {"--remote"}).status, 0);
}

}  // namespace
}  // namespace fle::test
