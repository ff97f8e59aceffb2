// fle schema lint, diff, server, and fle schema FILE beside them.
#include <algorithm>
#include <regex>
#include <tuple>

#include <gtest/gtest.h>

#include "tools/process.h"

namespace fle::test {
namespace {

const std::string kKey = R"([{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}])";
const std::string kOtherKey = R"([{"$uuid": "ffffffff-4455-6677-8899-aabbccddeeff"}])";
const std::string kDeterministic = R"("AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic")";
const std::string kRandom = R"("AEAD_AES_256_CBC_HMAC_SHA_512-Random")";

std::string field(const std::string& name, const std::string& type, const std::string& algorithm,
                  const std::string& key = kKey) {
  return "\"" + name + "\": {\"encrypt\": {\"bsonType\": " + type +
         ", \"algorithm\": " + algorithm + ", \"keyId\": " + key + "}}";
}
std::string schema_with(const std::string& properties) {
  return "{\"bsonType\": \"object\", \"properties\": {" + properties + "}}";
}

struct SchemaHelp : ::testing::Test {
  Ended run(const std::vector<std::string>& args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
  TempFolder folder;
  const std::string clinic = schema_with(field("ssn", "\"int\"", kDeterministic) + ", " +
                                         field("bloodType", "\"string\"", kRandom));
  SchemaHelp() { folder.write("clinic.json", clinic); }
};

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// ---- lint

TEST_F(SchemaHelp, LintTellsEveryBrokenRuleWithItsRepair) {
  folder.write("bad.json", R"({"bsonType": "object", "required": ["a"], "properties": {
    "a": {"encrpyt": {}},
    "b": {"encrypt": {"algorithm": "AES", "bsonType": "int", "keyId": []}}}})");
  const Ended e = run({"schema", "lint", "bad.json"});
  EXPECT_EQ(e.status, 1);
  for (const char* told :
       {"line 2, column 11, at '/properties/a/encrpyt': error keyword.unknown: unknown keyword "
        "'encrpyt'. Did you mean 'encrypt'?\n  repair: correct the name",
        "error keyword.remote_only:", "error algorithm.unknown:", "error key.not_one:"})
    EXPECT_NE(e.out.find(told), std::string::npos) << told << "\n" << e.out;
  EXPECT_EQ(e.err, "fle: schema 'bad.json': 4 broken rules, 0 warnings\n");
  EXPECT_EQ(run({"schema", "lint", "bad.json", "--quiet"}).err, "");

  const Ended json = run({"schema", "lint", "--json", "bad.json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_EQ(lines_of(json.out), 4U);
  EXPECT_NE(json.out.find(R"({"severity": "error", "rule": "keyword.remote_only", )"
                          R"("code": "schema_remote_only", "path": "/required", "line": 1, )"),
            std::string::npos)
      << json.out;
}

TEST_F(SchemaHelp, LintWarnsAndSaysThatAllIsWell) {
  const Ended e = run({"schema", "lint", "clinic.json", "--json"});
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_EQ(lines_of(e.out), 1U) << e.out;
  EXPECT_NE(e.out.find(R"({"severity": "warning", "rule": "deterministic.integer", "path")"),
            std::string::npos)
      << e.out;
  folder.write("well.json", schema_with(field("name", "\"string\"", kRandom)));
  const Ended well = run({"schema", "lint", "well.json"});
  EXPECT_EQ(well.status, 0);
  EXPECT_EQ(well.out, "");
  EXPECT_EQ(well.err, "fle: schema 'well.json': 0 broken rules, 0 warnings\n");
}

TEST_F(SchemaHelp, LintOfWhatIsNoSchemaAndOfNoFile) {
  folder.write("text.json", "{\"a\": ");
  EXPECT_EQ(run({"schema", "lint", "text.json"}).status, 1);
  const Ended none = run({"schema", "lint", "nowhere.json"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("nowhere.json"), std::string::npos);
}

// ---- every command takes a schema as it stands elsewhere

TEST_F(SchemaHelp, EveryCommandTakesASchemaAsItStandsElsewhere) {
  folder.write("other.json", schema_with(field("ssn", "\"long\"", kDeterministic)));
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"{\"$jsonSchema\": " + clinic + "}", {}},
      {"{\"validator\": {\"$jsonSchema\": " + clinic + "}}", {}},
      {"{\"name\": \"patients\", \"type\": \"collection\", \"options\": {\"validator\": "
       "{\"$jsonSchema\": " +
           clinic + "}}}",
       {}},
      {"{\"clinic.patients\": " + clinic + "}", {}},
      {"{\"clinic.patients\": " + clinic + ", \"clinic.visits\": {}}",
       {"--ns", "clinic.patients"}}};
  for (const auto& [text, more] : cases) {
    folder.write("w.json", text);
    const auto with = [more = more](std::vector<std::string> args) {
      args.insert(args.end(), more.begin(), more.end());
      return args;
    };
    EXPECT_EQ(run(with({"schema", "w.json"})).out, run({"schema", "clinic.json"}).out) << text;
    const Ended lint = run(with({"schema", "lint", "w.json", "--quiet"}));
    EXPECT_EQ(lint.status, 0) << lint.out;
    EXPECT_NE(lint.out.find("deterministic.integer"), std::string::npos) << lint.out;
    EXPECT_EQ(run({"schema", "diff", "w.json", "clinic.json", "--ns", "clinic.patients"}).status, 0)
        << text;
    const Ended server = run({"schema", "server", "w.json", "--ns", "clinic.patients"});
    EXPECT_EQ(server.status, 0) << server.err;
    folder.write("s.json", server.out);
    EXPECT_EQ(run({"schema", "s.json"}).out, run({"schema", "clinic.json"}).out) << server.out;
  }
}

TEST_F(SchemaHelp, LintLooksAtAllSchemasOfAMap) {
  folder.write("map.json",
               "{\"clinic.patients\": " + clinic + ", \"clinic.visits\": {\"properties\": 3}}");
  const Ended e = run({"schema", "lint", "map.json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.out.find("at '/clinic.visits/properties': error keyword.not_object"),
            std::string::npos)
      << e.out;
  EXPECT_NE(e.out.find("at '/clinic.patients/properties/ssn/encrypt': warning"), std::string::npos)
      << e.out;
  EXPECT_EQ(run({"schema", "lint", "map.json", "--ns", "clinic.patients"}).status, 0);
}

// ---- diff

TEST_F(SchemaHelp, DiffTellsWhatChangesAndItsStatusWhetherAnythingDoes) {
  const Ended same = run({"schema", "diff", "clinic.json", "clinic.json"});
  EXPECT_EQ(same.status, 0);
  EXPECT_EQ(same.out + same.err, "");
  folder.write("new.json", schema_with(field("ssn", "\"long\"", kRandom, kOtherKey) + ", " +
                                       field("name", "\"string\"", kRandom)));
  const Ended e = run({"schema", "diff", "clinic.json", "new.json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.err, "");
  const std::regex expected(
      "- bloodType  Random  00112233[^ ]* [^ ]*  string  is plain now\n"
      "\\+ name  Random  00112233[^ ]* [^ ]*  string  is encrypted now\n"
      "~ ssn  algorithm: Deterministic -> Random\n"
      "~ ssn  key: 00112233[^ ]* [^ ]* -> ffffffff[^ ]* [^ ]*\n"
      "~ ssn  types: int -> long\n");
  EXPECT_TRUE(std::regex_match(e.out, expected)) << e.out;
  const Ended quiet = run({"schema", "diff", "--quiet", "clinic.json", "new.json"});
  EXPECT_EQ(quiet.status, 1);
  EXPECT_EQ(quiet.out + quiet.err, "");
}

TEST_F(SchemaHelp, DiffInJsonHasALineAField) {
  folder.write("new.json", schema_with(field("ssn", "\"long\"", kDeterministic)));
  const Ended e = run({"schema", "diff", "clinic.json", "new.json", "--json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(lines_of(e.out), 2U);
  EXPECT_NE(e.out.find(R"({"path": "bloodType", "change": "plain", "old": {"bsonType": "string")"),
            std::string::npos)
      << e.out;
  EXPECT_NE(e.out.find(R"({"path": "ssn", "change": "changed", "what": ["types"], "old": )"),
            std::string::npos)
      << e.out;
}

// A field that is plain in the midst of others is in no list of what is encrypted: schemas were
// alike by which it was encrypted, and was not.
TEST_F(SchemaHelp, DiffTellsOfFieldsThatAreExceptions) {
  const std::string encrypt =
      "{\"encrypt\": {\"bsonType\": \"int\", \"algorithm\": " + kDeterministic +
      ", \"keyId\": " + kKey + "}}";
  const auto write = [&](const char* name, const std::string& properties, const std::string& more) {
    folder.write(name, "{\"bsonType\": \"object\", \"properties\": {\"_id\": {}" + properties +
                           "}" + more + "}");
  };
  const std::string others = ", \"additionalProperties\": " + encrypt;
  const std::string inside = ", \"additionalProperties\": " + schema_with("\"k\": " + encrypt);
  write("all", "", others);
  write("but", ", \"secret\": {}", others);
  write("part", ", \"secret\": " + schema_with("\"x\": " + encrypt), others);
  write("star", ", \"*\": " + encrypt, "");
  write("twice", ", \"x\": " + encrypt, others);
  write("otherwise", ", \"x\": " + std::regex_replace(encrypt, std::regex("int"), "long"), others);
  write("objects", "", inside);
  write("but_one", ", \"secret\": {}", inside);
  struct Case {
    const char* before;
    const char* after;
    std::string told;
  };
  std::vector<Case> cases{
      {"all", "but", "- secret  Deterministic  .*  int  is plain now\n"},
      {"but", "all", "\\+ secret  Deterministic  .*  int  is encrypted now\n"},
      {"all", "part", "\\+ secret\\.x  .* is encrypted now\n- secret  .*  is plain now\n"},
      {"all", "star", "- \\*  Deterministic  .*  is plain now\n"},
      {"star", "all", "\\+ \\*  Deterministic  .*  is encrypted now\n"},
      {"objects", "but_one", "- secret  is plain now\n"},
      // Listed or not, it is encrypted in the same way.
      {"all", "twice", ""},
      {"twice", "all", ""},
      {"all", "otherwise", "~ x  types: int -> long\n"},
      {"otherwise", "all", "~ x  types: long -> int\n"},
      {"but_one", "objects", "\\+ secret  is encrypted now\n"},
      {"all", "all", ""},
      {"part", "part", ""},
      {"but_one", "but_one", ""},
  };
#if FLE_WITH_PCRE2
  write("but_some", "", ", \"patternProperties\": {\"^t\": {}}" + others);
  write("pattern", "", ", \"patternProperties\": {\"^x\": " + encrypt + "}" + others);
  cases.push_back({"pattern", "all", ""});
  cases.push_back({"all", "pattern", ""});
  cases.push_back({"otherwise", "pattern", "~ x  types: long -> int\n"});
  cases.push_back({"all", "but_some", "- /\\^t/  is plain now\n"});
  cases.push_back({"but_some", "all", "\\+ /\\^t/  is encrypted now\n"});
  cases.push_back({"but_some", "but_some", ""});
#endif
  for (const Case& c : cases) {
    const Ended e = run({"schema", "diff", c.before, c.after});
    EXPECT_EQ(e.status, c.told.empty() ? 0 : 1) << c.before << " " << c.after << ": " << e.err;
    EXPECT_TRUE(std::regex_match(e.out, std::regex(c.told))) << c.before << ": " << e.out;
  }
  EXPECT_TRUE(std::regex_search(run({"schema", "but"}).out,
                                std::regex("\n_id +plain +- +-\nsecret +plain +- +-\n$")));
  EXPECT_TRUE(std::regex_search(run({"schema", "but_one"}).out,
                                std::regex("\n_id +plain +- +-\nsecret +plain +- +-\n$")));
  EXPECT_EQ(run({"schema", "clinic.json"}).out.find("plain"), std::string::npos);
  EXPECT_EQ(run({"schema", "diff", "objects", "but_one", "--json"}).out,
            "{\"path\": \"secret\", \"change\": \"plain\"}\n");
}

// A name may be empty: {"": {"b": ...}} is another field than {"b": ...}.
TEST_F(SchemaHelp, APathTellsOfEmptyNames) {
  const std::string b = field("b", "\"int\"", kRandom);
  folder.write("b.json", schema_with(b));
  folder.write("in_empty.json", schema_with("\"\": " + schema_with(b)));
  const Ended moved = run({"schema", "diff", "b.json", "in_empty.json", "--field", "path"});
  EXPECT_EQ(moved.status, 1);
  EXPECT_EQ(moved.out, ".b\nb\n") << moved.err;
  folder.write("empty.json", schema_with(field("", "\"int\"", kRandom)));
  EXPECT_EQ(run({"schema", "diff", "empty.json", "b.json", "--field", "path"}).out, "\nb\n");
  folder.write(
      "open.json",
      R"({"bsonType": "object", "properties": {"": {}, "_id": {}}, "additionalProperties": )" +
          b.substr(b.find('{')) + "}");
  EXPECT_TRUE(
      std::regex_search(run({"schema", "open.json"}).out, std::regex("\n {4,}plain +- +-\n")));
}

TEST_F(SchemaHelp, ColumnsAreCountedInCharacters) {
  folder.write("wide.json", schema_with(field("\u00fc\u00e4", "\"int\"", kRandom) + ", " +
                                        field("abc", "\"int\"", kRandom)));
  const std::string table = run({"schema", "wide.json"}).out;
  EXPECT_NE(table.find("\n\u00fc\u00e4    Random"), std::string::npos) << table;
  EXPECT_NE(table.find("\nabc   Random"), std::string::npos) << table;
}

TEST_F(SchemaHelp, DiffOfASchemaThatIsRefusedIsNotADifference) {
  folder.write("bad.json", "{\"properties\": 3}");
  for (const char* bad : {"bad.json", "nowhere.json"}) {
    EXPECT_EQ(run({"schema", "diff", "clinic.json", bad}).status, 2);
    const Ended e = run({"schema", "diff", bad, "clinic.json"});
    EXPECT_EQ(e.status, 2);
    EXPECT_EQ(lines_of(e.err), 1U);
    EXPECT_NE(e.err.find(bad), std::string::npos) << e.err;
  }
  EXPECT_EQ(run({"schema", "diff", "clinic.json"}).status, 2);
}

// ---- server

TEST_F(SchemaHelp, ServerIsACommandThatRefusesPlaintext) {
  const Ended e = run({"schema", "server", "clinic.json", "--ns", "clinic.patients"});
  EXPECT_EQ(e.status, 0) << e.err;
  const std::string one_line = std::regex_replace(e.out, std::regex("\\s+"), " ");
  EXPECT_TRUE(one_line.starts_with(
      R"({ "collMod": "patients", "validator": { "$jsonSchema": { "bsonType": "object")"))
      << e.out;
  // A server takes 'encrypt' in a validator only with these.
  EXPECT_NE(one_line.find(R"("validationLevel": "strict", "validationAction": "error" })"),
            std::string::npos)
      << e.out;
}

TEST_F(SchemaHelp, ServerKeepsWhatElseAValidatorSays) {
  const std::string text =
      R"({"collMod": "visits", "validator": {"$jsonSchema": {"bsonType": "object",
          "required": ["ssn", "age"], "properties": {"age": {"bsonType": "int", "minimum": 0}, )" +
      field("ssn", "\"int\"", kDeterministic) +
      R"(}}, "n": {"$gt": 4.5}}, "validationLevel": "off"})";
  folder.write("w.json", text);
  const Ended e = run({"schema", "server", "w.json"});
  EXPECT_EQ(e.status, 0) << e.err;
  for (const char* kept : {R"("collMod": "visits")", R"("required": ["ssn", "age"])",
                           R"("age": {"bsonType": "int", "minimum": 0})", R"("n": {"$gt": 4.5})",
                           R"("validationLevel": "strict")"})
    EXPECT_NE(e.out.find(kept), std::string::npos) << kept << "\n" << e.out;
  const Ended validator = run({"schema", "server", "w.json", "--validator"});
  EXPECT_EQ(validator.status, 0);
  EXPECT_TRUE(validator.out.starts_with("{\n  \"$jsonSchema\": {\n")) << validator.out;
  EXPECT_NE(validator.out.find(R"("n": {"$gt": 4.5})"), std::string::npos);
  EXPECT_EQ(validator.out.find("collMod"), std::string::npos);
}

// Numbers of a shell are doubles: an integer that it would round is written as a long.
TEST_F(SchemaHelp, ServerKeepsIntegersThatAShellWouldRound) {
  const std::string long_of = R"({"$numberLong": "9007199254740993"})";
  folder.write("w.json",
               R"({"collMod": "visits", "validator": {"$jsonSchema": {"bsonType": "object",
          "properties": {"age": {"enum": [)" +
                   long_of +
                   R"(, -9223372036854775808, 9007199254740992, 9e300,
          "9007199254740993 \" 9007199254740993"]}, )" +
                   field("ssn", "\"int\"", kDeterministic) + "}}}}");
  const Ended e = run({"schema", "server", "w.json"});
  EXPECT_EQ(e.status, 0) << e.err;
  const std::string one_line = std::regex_replace(e.out, std::regex("\\s+"), " ");
  EXPECT_NE(one_line.find("\"enum\": [ " + long_of +
                          R"(, {"$numberLong": "-9223372036854775808"}, 9007199254740992, 9e+300, )"
                          R"("9007199254740993 \" 9007199254740993" ])"),
            std::string::npos)
      << one_line;
}

TEST_F(SchemaHelp, ServerNeedsACollectionAndAnEncryptedField) {
  const Ended e = run({"schema", "server", "clinic.json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("--ns DB.COLL"), std::string::npos) << e.err;
  EXPECT_EQ(run({"schema", "server", "clinic.json", "--validator"}).status, 0);
  folder.write("plain.json", "{}");
  const Ended plain = run({"schema", "server", "plain.json", "--validator"});
  EXPECT_EQ(plain.status, 1);
  EXPECT_NE(plain.err.find("nothing_encrypted"), std::string::npos) << plain.err;
  folder.write("bad.json", "{\"properties\": 3}");
  EXPECT_EQ(run({"schema", "server", "bad.json", "--validator"}).status, 1);
}

// ---- a group of commands that is a command itself

TEST_F(SchemaHelp, AFileIsACommandsArgumentStill) {
  EXPECT_EQ(lines_of(run({"schema", "clinic.json"}).out), 3U);
  const Ended json = run({"schema", "clinic.json", "--json"});
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(lines_of(json.out), 2U);
  EXPECT_NE(
      json.out.find("{\"path\": \"ssn\", \"encrypt\": {\"bsonType\": \"int\", \"algorithm\": " +
                    kDeterministic),
      std::string::npos)
      << json.out;
  folder.write("lint", clinic);
  EXPECT_EQ(lines_of(run({"schema", "./lint"}).out), 3U);
}

TEST_F(SchemaHelp, AWrongCommandIsToldWhatWasMeant) {
  const std::tuple<std::vector<std::string>, int, std::string> cases[] = {
      {{"schema", "lnit", "clinic.json"}, 2, "has no command 'lnit'. Did you mean 'lint'?"},
      {{"schema", "lnit"}, 1, "Did you mean 'lint'?"},
      {{"schema"}, 2, "FILE or a command is required"},
      {{"schema", "--remote", "lint", "clinic.json"}, 2, "'--remote' stands too early"},
      {{"schema", "lint", "--jsn", "clinic.json"}, 2, "Did you mean '--json'?"},
      {{"shcema", "clinic.json"}, 2, "Did you mean 'schema'?"}};
  for (const auto& [args, status, told] : cases) {
    const Ended e = run(args);
    EXPECT_EQ(e.status, status) << e.err;
    EXPECT_TRUE(std::regex_match(e.err, std::regex("fle: [^\n]*\n"))) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
  }
}

}  // namespace
}  // namespace fle::test
