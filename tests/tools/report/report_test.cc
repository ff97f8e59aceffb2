// fle report: what is encrypted in collections, and whether all that should be is.
#include <cctype>
#include <map>
#include <random>
#include <regex>
#include <sstream>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "census/frequencies.h"
#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

// Names of fields and keys are data, and go into three forms.
const std::string kHostile = "</td><script>alert(1)</script>\"'&\x1b[2J";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Whether `text` is one document of JSON, as libbson reads it.
bool is_json(const std::string& text) {
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                                 static_cast<ssize_t>(text.size()), &error);
  if (b == nullptr) {
    ADD_FAILURE() << error.message << " in " << text;
    return false;
  }
  bson_destroy(b);
  return true;
}

/// `"name": N`, the first time that it stands in a report.
std::uint64_t number_of(const std::string& json, const std::string& name) {
  std::smatch found;
  if (!std::regex_search(json, found, std::regex("\"" + name + "\": ?([0-9]+)"))) {
    ADD_FAILURE() << "no " << name << " in " << json;
    return 0;
  }
  return std::stoull(found[1]);
}

struct ReportTest : ::testing::Test {
  Ended report(const Args& more, const std::string& input = {}) const {
    Args args{"report"};
    args.insert(args.end(), more.begin(), more.end());
    return run_fle(folder.path(), args, input);
  }
  /// Documents of JSON lines, encrypted by the schema in `schema.json`.
  std::string encrypted(const std::string& lines) const {
    Args args{"encrypt", "--schema", "schema.json", "--format", "json", "--quiet"};
    args.insert(args.end(), clinic.begin(), clinic.end());
    const Ended e = run_fle(folder.path(), args, lines);
    EXPECT_EQ(e.status, 0) << e.err;
    return e.out;
  }
  TempFolder folder;
  std::vector<std::string> clinic = set_up_clinic(folder);
};

std::string patient(int ssn, const std::string& blood = "0+") {
  return R"({"name": "a", "ssn": )" + std::to_string(ssn) + R"(, "bloodType": ")" + blood + "\"}\n";
}

TEST_F(ReportTest, FindsPlaintextAndSaysWhereItBegins) {
  const std::string good = encrypted(patient(1) + patient(1) + patient(2));
  const Args checked{"--schema",   "schema.json",     "--vault",
                     "keys.vault", "--fail-if-plain", "--fail-if-unknown-keys"};
  const Ended all = report(checked, good);
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_TRUE(has(all.out, "ssn")) << all.out;
  EXPECT_TRUE(has(all.out, "patients")) << "the key's name: " << all.out;
  EXPECT_EQ(all.err.find("plaintext"), std::string::npos) << all.err;

  const Ended some = report(checked, good + patient(3));
  EXPECT_EQ(some.status, 1);
  EXPECT_TRUE(has(some.err, "2 values in plaintext")) << some.err;
  EXPECT_TRUE(has(some.err, "document 4, ssn") || has(some.err, "document 4, bloodType"))
      << some.err;
  EXPECT_EQ(some.err.find("0+"), std::string::npos) << "a value";
  EXPECT_EQ(some.out.find("0+"), std::string::npos) << "a value";
}

struct ReportOfSchema : ReportTest {
  void SetUp() override {
    folder.write("s.json", R"({"bsonType": "object", "encryptMetadata": {
      "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random",
      "keyId": [{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}]}, "properties": {
      "ssn": {"encrypt": {"bsonType": "int"}}, "a": {"bsonType": "object", "properties": {
      "b": {"bsonType": "object", "properties": {"c": {"encrypt": {}}}}}}}})");
  }
  Ended checked(const std::string& input, const Args& more = {}) const {
    Args args{"--schema", "s.json", "--fail-if-plain"};
    args.insert(args.end(), more.begin(), more.end());
    return report(args, input);
  }
};

// A name with dots and a path have one text, and the first one's meaning was that of both.
TEST_F(ReportOfSchema, ANameWithDotsHidesNothing) {
  for (const char* input :
       {R"({"a.b": "x"} {"a": {"b": "plain"}})", R"({"a.b": {"c": 1}, "a": {"b": "plain"}})",
        R"({"a": {"b": "plain"}, "a.b": "x"})"}) {
    const Ended e = checked(input);
    EXPECT_EQ(e.status, 1) << input;
    EXPECT_TRUE(has(e.err, "1 value in plaintext, where the schema encrypts; first in")) << e.err;
    EXPECT_TRUE(has(e.out, "a.b: string in plaintext, where the schema has an object")) << e.out;
  }
  EXPECT_EQ(checked(R"({"a.b": "x"})").status, 0);
}

// fle encrypt warns of these names, too.
TEST_F(ReportOfSchema, ANameOfAnotherCaseIsTold) {
  const std::string input = R"({"SSN": 5, "A": {"b": {"C": 1}}, "x\u001b": 1})";
  const Ended e = checked(input);
  EXPECT_EQ(e.status, 0);
  EXPECT_TRUE(
      has(e.out, "note: ssn: no document has what the schema encrypts here; 'SSN' appears\n"))
      << e.out;
  EXPECT_TRUE(has(e.out, "encrypts here; 'A.b.C' appears\n")) << e.out;
  EXPECT_TRUE(has(checked(input, {"--json"}).out, R"(here; 'SSN' appears")"));
  const Ended absent =
      checked(R"({"ssm": 5, "ssn": {"$binary": {"base64": "AA==", "subType": "00"}}})");
  EXPECT_FALSE(has(absent.out, "appears")) << absent.out;
}

TEST_F(ReportTest, AnEmptyNameIsNotThatOfOthers) {
  const auto write_schema = [this](const std::string& properties) {
    folder.write("empty.json", R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": )"
                               R"("00112233-4455-6677-8899-aabbccddeeff"}], "algorithm": )"
                               R"("AEAD_AES_256_CBC_HMAC_SHA_512-Random"}, "properties": )" +
                                   properties + "}");
  };
  const Args args{"--json", "--schema", "empty.json"};
  write_schema(
      R"({"": {"bsonType": "object", "properties": {"b": {"encrypt": {}}}}, "b": {"encrypt": {}},)"
      R"("c": {"bsonType": "object", "properties": {"": {"encrypt": {}}}}})");
  const Ended all = report(args, R"({"": {"b": 1}, "c": {"": 1}})");
  for (const char* path : {R"("path": ".b")", R"("path": "b")", R"("path": "c.")"})
    EXPECT_TRUE(has(all.out, path)) << path << all.out;
  write_schema(R"({"": {"encrypt": {}}})");
  const Ended one = report(args, R"({"": 1})");
  EXPECT_TRUE(has(one.out, R"("path": "")")) << one.out;
  EXPECT_FALSE(has(one.out, "(others)")) << one.out;
}

TEST_F(ReportOfSchema, APlaceholderIsPlaintext) {
  for (const char* first : {"AA", "Aw"}) {  // kinds 0 and 3
    const std::string binary =
        std::string("{\"$binary\": {\"base64\": \"") + first + "BhYmM=\", \"subType\": \"06\"}}";
    const Ended e = checked("{\"ssn\": " + binary + "}", {"--json"});
    EXPECT_EQ(e.status, 1) << e.err;
    EXPECT_EQ(number_of(e.out, "plaintext"), 1U);
    EXPECT_TRUE(has(e.out, "\"placeholder\"")) << e.out;
    const Ended elsewhere = checked("{\"x\": " + binary + "}");
    EXPECT_EQ(elsewhere.status, 0) << elsewhere.err;
    EXPECT_TRUE(has(elsewhere.out, "placeholder")) << elsewhere.out;
  }
}

/// A document with about as many paths as a report tells apart, and this value at each.
std::string wide_document(const std::string& value) {
  std::string document = "{";
  for (int group = 0; group < 5; ++group) {
    document += (group == 0 ? "\"g" : ", \"g") + std::to_string(group) + "\": {";
    for (int i = 0; i < 780; ++i)
      document += (i == 0 ? "\"f" : ", \"f") + std::to_string(i) + "\": " + value;
    document += "}";
  }
  return document + "}\n";
}

/// With values of so many types at each path that there is no room for all.
std::string wide_documents(const std::string& more = "") {
  std::string all;
  for (const char* value : {"5", "5.5", "true", "\"x\"", "{\"$numberLong\": \"5\"}",
                            "{\"$date\": \"2026-01-31T00:00:00Z\"}"})
    all += wide_document(value);
  return all + more;
}

// What came last found no room, and was counted nowhere.
TEST_F(ReportOfSchema, WhatTheSchemaIsAboutIsNeverAmongTooMany) {
  const Ended good = checked(wide_documents(), {"--json"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_NE(number_of(good.out, "uncountedValues"), 0U);
  for (const char* plain :
       {R"({"ssn": 5})", R"({"a": {"b": {"c": 5}}})", R"({"a": {"b": "plain"}})"}) {
    const Ended e = checked(wide_documents(plain));
    EXPECT_EQ(e.status, 1) << plain;
    EXPECT_TRUE(has(e.err, "1 value in plaintext, where the schema encrypts")) << e.err;
  }
  const std::string cipher = encrypted(patient(5));
  const Ended unknown =
      report({"--vault", "keys.vault", "--json"}, wide_documents() + cipher + "\n");
  EXPECT_EQ(number_of(unknown.out, "encrypted"), 2U) << unknown.err;
}

// Even ciphertext may be of too many kinds; nobody knows then what else there was.
TEST_F(ReportOfSchema, WhatCannotBeCountedIsNotTakenForGood) {
  std::string documents;
  for (const char type : {'\x02', '\x03', '\x04', '\x05', '\x0b', '\x0d'}) {
    std::string payload(114, '\0');  // of three blocks
    payload[0] = 2;
    payload[17] = type;
    documents += wide_document("{\"$binary\": {\"base64\": \"" + base64_of(payload) +
                               "\", \"subType\": \"06\"}}");
  }
  const Ended e = checked(documents, {"--html", "page.html"});
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(has(e.err, "belong to no path here: there are too many paths")) << e.err;
  EXPECT_TRUE(has(folder.read("page.html"), "Not all could be counted."));
  const Ended keys = report({"--vault", "keys.vault", "--fail-if-unknown-keys"}, documents);
  EXPECT_EQ(keys.status, 1);
  EXPECT_TRUE(has(keys.err, "whether the vault has their keys is not known")) << keys.err;
  EXPECT_TRUE(std::regex_search(keys.out, std::regex("problem: [0-9,]+ values belong to no")))
      << keys.out;
}

// The page is for who signs, and a wrong name in the schema is what it should show.
TEST_F(ReportOfSchema, NothingEncryptedIsNotAllEncrypted) {
  EXPECT_EQ(checked(R"({"SSN": 5})", {"--html", "page.html"}).status, 0);
  EXPECT_TRUE(has(folder.read("page.html"), "Nothing is encrypted.")) << folder.read("page.html");
  EXPECT_FALSE(has(folder.read("page.html"), "All is encrypted"));
}

TEST_F(ReportTest, CountsInJsonByPathKeyAndValue) {
  const std::string lines = encrypted(patient(1) + patient(1) + patient(2)) + patient(7);
  const Ended e = report({"--schema", "schema.json", "--vault", "keys.vault", "--json"}, lines);
  ASSERT_EQ(e.status, 0) << e.err;
  ASSERT_TRUE(is_json(e.out));
  EXPECT_EQ(number_of(e.out, "version"), 1U);
  EXPECT_EQ(number_of(e.out, "documents"), 4U);
  EXPECT_EQ(number_of(e.out, "encrypted"), 6U);
  EXPECT_EQ(number_of(e.out, "plaintext"), 2U);
  EXPECT_EQ(number_of(e.out, "uncountedKeys"), 0U);
  EXPECT_EQ(number_of(e.out, "foreign"), 0U);
  EXPECT_EQ(number_of(e.out, "distinct"), 2U) << e.out;
  EXPECT_EQ(number_of(e.out, "commonestLeast"), 2U);
  EXPECT_EQ(number_of(e.out, "commonestMost"), 2U);
  EXPECT_TRUE(has(e.out, R"("state": "known")")) << e.out;
  const Ended key = run_fle(
      folder.path(), {"key", "show", "patients", "--vault", "keys.vault", "--field", "uuid"});
  EXPECT_TRUE(has(e.out, key.out.substr(0, 36))) << e.out;

  // The report is what `key retire` asks for.
  folder.write("report.json", e.out);
  EXPECT_EQ(run_fle(folder.path(), {"key", "retire", "patients", "--vault", "keys.vault",
                                    "--report", "report.json"})
                .status,
            1);
}

TEST_F(ReportTest, AKeyThatTheVaultDoesNotHaveIsNamed) {
  TempFolder other;
  const std::vector<std::string> theirs = set_up_clinic(other);
  Args args{"encrypt", "--schema", "schema.json", "--format", "json"};
  args.insert(args.end(), theirs.begin(), theirs.end());
  const Ended foreign = run_fle(other.path(), args, patient(1));
  ASSERT_EQ(foreign.status, 0) << foreign.err;
  const Ended e = report({"--vault", "keys.vault", "--fail-if-unknown-keys"}, foreign.out);
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(has(e.err, "2 values under keys that the vault does not have")) << e.err;
  EXPECT_EQ(report({"--vault", "keys.vault"}, foreign.out).status, 0);
  EXPECT_EQ(report({"--fail-if-unknown-keys"}, foreign.out).status, 2);
  EXPECT_EQ(report({"--fail-if-plain"}, foreign.out).status, 2);
}

TEST_F(ReportTest, HostileNamesStayNamesInEveryForm) {
  const std::string payload = encrypted(patient(1));
  std::smatch found;
  ASSERT_TRUE(std::regex_search(payload, found, std::regex(R"("ssn" ?: ?(\{.*?\} ?\}))")))
      << payload;
  std::string name;
  for (const char c : kHostile)
    name += c == '\x1b' ? std::string("\\u001b")
            : c == '"'  ? std::string("\\\"")
                        : std::string(1, c);
  const std::string line = "{\"" + name + "\": " + found[1].str() + "}\n";
  const Ended e = report({"--html", "r.html", "--json"}, line);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(is_json(e.out));
  EXPECT_EQ(e.out.find('\x1b'), std::string::npos);
  const std::string html = folder.read("r.html");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_TRUE(has(html, "&lt;script&gt;")) << html;
  EXPECT_TRUE(has(html, "default-src 'none'")) << "nothing may be loaded";
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  const Ended text = report({}, line);
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
}

TEST_F(ReportTest, KeepsCollectionsOfAnArchiveApart) {
  const std::string plain = bson_text(R"({"_id": 1, "ssn": 5})");
  const std::string visit = bson_text(R"({"_id": 1, "note": "x"})");
  ArchiveBuilder archive;
  archive.announce("clinic", "patients").announce("clinic", "visits");
  archive.block("clinic", "patients", {plain, plain}).block("clinic", "visits", {visit});
  archive.end("clinic", "patients").end("clinic", "visits");
  folder.write("map.json", R"({"clinic.patients": )" + folder.read("schema.json") + "}");
  const Ended e = report({"--schema", "map.json", "--json", "--fail-if-plain"}, archive.bytes());
  EXPECT_EQ(e.status, 1);
  ASSERT_TRUE(is_json(e.out));
  EXPECT_TRUE(has(e.out, R"("ns": "clinic.patients")")) << e.out;
  EXPECT_TRUE(has(e.out, R"("ns": "clinic.visits")")) << e.out;
  EXPECT_TRUE(has(e.err, "clinic.patients, document 1, ssn")) << e.err;
  folder.write("typed.json", R"({"clinic.patient": )" + folder.read("schema.json") +
                                 R"(, "clinic.visits": )" + folder.read("schema.json") + "}");
  const Ended typed = report({"--schema", "typed.json"}, archive.bytes());
  EXPECT_EQ(typed.status, 0) << typed.err;
  const std::size_t there = typed.out.find("clinic.patient: 0 documents");
  ASSERT_NE(there, std::string::npos) << typed.out;
  EXPECT_NE(typed.out.find("note: ssn: no document has what the schema encrypts here", there),
            std::string::npos)
      << typed.out;
  const Ended bare = report({"--schema", "schema.json"}, archive.bytes());
  EXPECT_EQ(bare.status, 1) << "whose schema is it?";
  EXPECT_EQ(report({"--schema", "schema.json", "--ns", "clinic.patients"}, archive.bytes()).status,
            0);
}

TEST_F(ReportTest, NamesThatAreDataBecomeOnePath) {
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += "{\"visits\": {\"v" + std::to_string(i) + "\": {\"note\": 1}}}\n";
  const Ended e = report({"--json"}, lines);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(has(e.out, "visits.*.note")) << e.out.substr(0, 2000);
  EXPECT_EQ(e.out.find("v2999"), std::string::npos);
  const Ended ids = report({"--json"}, R"({"a": {"0123456789abcdef01234567": {"b": 1}}})"
                                       "\n");
  EXPECT_TRUE(has(ids.out, "a.*.b")) << ids.out;
}

TEST_F(ReportTest, ValuesBelowNamesThatAreDataAreCountedTogetherFromTheFirstOn) {
  const std::string sealed = encrypted("{\"ssn\": 1}\n{\"ssn\": 2}\n");
  std::vector<std::string> values;
  const std::regex value(R"("ssn" ?: ?(\{.*?\} ?\}))");
  for (std::sregex_iterator it(sealed.begin(), sealed.end(), value), end; it != end; ++it)
    values.push_back((*it)[1]);
  ASSERT_EQ(values.size(), 2U) << sealed;
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += "{\"visits\": {\"v" + std::to_string(i % 1500) +
             "\": {\"ssn\": " + values[i % 3 == 0 ? 1 : 0] + "}}}\n";
  const Ended one = report({"--json", "--threads", "1"}, lines);
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_TRUE(has(one.out, R"("path": "visits.*.ssn",)")) << one.out;
  EXPECT_TRUE(has(one.out, R"("folded": true)"));
  const std::string frequency = one.out.substr(one.out.find("\"frequency\""));
  EXPECT_EQ(number_of(frequency, "values"), 3000U);
  EXPECT_EQ(number_of(frequency, "distinct"), 2U);
  EXPECT_EQ(number_of(frequency, "commonestLeast"), 2000U);
  EXPECT_EQ(number_of(frequency, "commonestMost"), 2000U);
  EXPECT_EQ(report({"--json", "--threads", "4"}, lines).out, one.out);
  const Ended text = report({"--html", "r.html"}, lines);
  EXPECT_TRUE(has(folder.read("r.html"), "of 3,000 values, of all names together"));
  EXPECT_TRUE(has(report({}, lines).out, "* stands for names that are data"));
}

// Resources of many kinds in one collection have more paths than are told apart, and most of them
// not at the root. Its names became one, and what is rightly plain stood beside ciphertext.
TEST_F(ReportTest, NamesBesideCiphertextAreTheLastThatBecomeOne) {
  std::string lines;
  for (int kind = 0; kind < 600; ++kind) {
    lines += "{\"ssn\": " + std::to_string(kind) + ", \"kind" + std::to_string(kind) + "\": {";
    for (int n = 0; n < 5 + kind % 7; ++n)
      lines += (n == 0 ? "\"f" : ", \"f") + std::to_string(n) + "\": " + std::to_string(n);
    lines += "}}\n";
  }
  const std::string sealed = encrypted(lines);
  const Ended text = report({}, sealed);
  EXPECT_TRUE(std::regex_search(text.out, std::regex("\n  ssn +600 +600 +0 "))) << text.out;
  EXPECT_FALSE(has(text.out, "problem")) << text.out;
  EXPECT_EQ(number_of(report({"--json"}, sealed).out, "problems"), 0U);
  const Ended seen =
      run_fle(folder.path(), {"inspect", "--field", "path", "--field", "count"}, sealed);
  EXPECT_EQ(seen.out, "ssn\t600\n") << seen.err;
}

TEST_F(ReportTest, KeysThatDocumentsNameAreCountedAndNotWrong) {
  for (const char* owner : {"ann", "bob"}) {
    Args create{"key", "create", "--alt-name", owner};
    create.insert(create.end(), clinic.begin(), clinic.end());
    ASSERT_EQ(run_fle(folder.path(), create).status, 0);
  }
  folder.write("owned.json",
               R"({"bsonType": "object", "properties": {"note": {"encrypt": {"keyId": "/owner",)"
               R"("algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "bsonType": "string"}}}})");
  const std::string lines = R"({"owner": "ann", "note": "a"})"
                            "\n"
                            R"({"owner": "bob", "note": "b"})"
                            "\n";
  Args encrypt{"encrypt", "--schema", "owned.json", "--format", "json"};
  encrypt.insert(encrypt.end(), clinic.begin(), clinic.end());
  const Ended sealed = run_fle(folder.path(), encrypt, lines);
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  const Args checked{"--schema", "owned.json", "--vault", "keys.vault", "--fail-if-unknown-keys"};
  const Ended text = report(checked, sealed.out);
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_TRUE(has(text.out, "note: 2 keys, named by /owner of each document")) << text.out;
  EXPECT_FALSE(has(text.out, "Findings")) << text.out;
  EXPECT_TRUE(has(text.out, "ann") && has(text.out, "bob")) << "their names: " << text.out;
  Args json = checked;
  json.insert(json.end(), {"--json", "--html", "r.html"});
  EXPECT_TRUE(has(report(json, sealed.out).out, R"("keyId": "/owner")"));
  EXPECT_TRUE(has(folder.read("r.html"), "2 keys, named by /owner of each document"));
  // Again: what is encrypted under the schema is neither lost nor taken for another's.
  const Ended again = run_fle(folder.path(), encrypt, sealed.out);
  EXPECT_TRUE(has(again.err, "2 already")) << again.err;
  const Ended seen =
      run_fle(folder.path(), {"inspect", "--field", "path", "--field", "count"}, sealed.out);
  EXPECT_EQ(seen.out, "note\t1\nnote\t1\n") << "a line for each key";
}

TEST_F(ReportTest, ObjectsOnTheWayToEncryptedFieldsAreNoPlaintext) {
  folder.write("deep.json", R"({"bsonType": "object", "properties": {"a": {"bsonType": "object",
      "properties": {"b": {"encrypt": {"keyId": [{"$uuid": "00000000-0000-4000-8000-000000000000"}],
      "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}}}}})");
  const Ended e =
      report({"--schema", "deep.json", "--json"}, "{\"a\": {\"c\": 1}}\n{\"a\": {}}\n{\"a\": 7}\n");
  EXPECT_EQ(number_of(e.out, "plaintext"), 1U) << e.out;
  EXPECT_TRUE(has(e.out, R"("plaintext": 1, "objects": 2)") ||
              std::regex_search(e.out, std::regex(R"("plaintext": 1,\s*"objects": 2)")))
      << e.out;
}

TEST_F(ReportTest, CiphertextInTheScopeOfCodeIsSeenAndToldApart) {
  const std::string sealed = encrypted("{\"ssn\": 1}\n");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(sealed, found, std::regex(R"("ssn" ?: ?(\{.*?\} ?\}))")));
  const std::string line = "{\"f\": {\"$code\": \"x\", \"$scope\": {\"y\": " + found[1].str() +
                           ", \"z\": [1]}}, \"ssn\": " + found[1].str() + "}\n";
  const Ended e = report({"--json"}, line);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(has(e.out, "in the scope of code, where nobody decrypts")) << e.out;
  EXPECT_EQ(number_of(e.out, "encrypted"), 1U);
  const Ended seen = run_fle(folder.path(), {"inspect"}, line);
  EXPECT_EQ(seen.out.find("ssn  Deterministic"), 0U) << seen.out;
  EXPECT_TRUE(has(seen.err, "document 1, field 'f.y'")) << seen.err;

  // Also where the same field is encrypted in documents before and after, outside of a scope.
  const std::string field = "{\"x\": 1, \"ssn\": " + found[1].str() + "}";
  const std::string plain = "{\"f\": " + field + "}\n";
  const std::string scope = "{\"f\": {\"$code\": \"x\", \"$scope\": " + field + "}}\n";
  const Ended mixed = report({"--json"}, plain + scope + scope + plain);
  EXPECT_EQ(number_of(mixed.out, "encrypted"), 2U) << mixed.out;
  EXPECT_EQ(number_of(mixed.out, "foreign"), 2U) << mixed.out;
}

TEST_F(ReportTest, ManyKeysOfOnePathAreEachALineOfInspect) {
  const std::string sealed = encrypted("{\"ssn\": 1}\n");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(sealed, found, std::regex(R"x("base64" ?: ?"([^"]*)")x")));
  // The first bytes of the key's id stand in these characters.
  std::string lines;
  std::string payload = found[1];
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int i = 0; i < 4; ++i) {
    for (const char c : kDigits) {
      payload[8] = c;
      lines += "{\"ssn\": {\"$binary\": {\"base64\": \"" + payload + "\", \"subType\": \"06\"}}}\n";
    }
  }
  const Ended seen = run_fle(folder.path(), {"inspect", "--field", "count"}, lines);
  std::string expected;
  for (std::size_t i = 0; i < kDigits.size(); ++i) expected += "4\n";
  EXPECT_EQ(seen.out, expected) << seen.err;
  const Ended e = report({"--json"}, lines);
  EXPECT_EQ(number_of(e.out, "uncountedKeys"), 0U);
}

/// Documents that resemble each other and are not alike, and what is encrypted in them.
struct Varied {
  explicit Varied(std::string sealed) : ciphertext(std::move(sealed)) {}
  std::string object(const std::string& path, int depth) {
    // Names of digits are data: "*".
    static constexpr const char* kNames[] = {"a", "aLongerNameThanSixteenBytes", "b", "12", "c",
                                             "7"};
    std::string fields;
    for (const char* name : kNames) {
      if (random() % 3 == 0) continue;
      const bool is_data = std::isdigit(static_cast<unsigned char>(name[0])) != 0;
      const std::string at = path + (path.empty() ? "" : ".") + (is_data ? "*" : name);
      fields += (fields.empty() ? "\"" : ", \"") + std::string(name) + "\": " + value(at, depth);
    }
    return "{" + fields + "}";
  }
  std::string value(const std::string& path, int depth) {
    switch (random() % (depth == 0 ? 4 : 8)) {
      case 0:
        return "1";
      case 1:
        return "\"text\"";
      case 2:
        return "true";
      case 3:
        ++counts[path];
        return ciphertext;
      case 4: {
        std::string items;
        for (auto n = random() % 3; n != 0; --n)
          items += (items.empty() ? "" : ", ") + value(path + "[]", depth - 1);
        return "[" + items + "]";
      }
      default:
        return object(path, depth - 1);
    }
  }
  std::string ciphertext;
  std::map<std::string, int> counts;
  std::mt19937 random{20261130};
};

TEST_F(ReportTest, EveryCiphertextIsCountedAtItsPathHoweverDocumentsDiffer) {
  const std::string sealed = encrypted("{\"ssn\": 1}\n");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(sealed, found, std::regex(R"("ssn" ?: ?(\{.*?\} ?\}))")));
  Varied varied(found[1]);
  std::string lines;
  for (int i = 0; i < 600; ++i) lines += varied.object("", 2) + "\n";
  std::string expected;
  for (const auto& [path, n] : varied.counts) expected += path + "\t" + std::to_string(n) + "\n";
  ASSERT_GT(varied.counts.size(), 100U);
  for (const bool as_bson : {false, true}) {
    if (as_bson) {
      std::string bson;
      std::istringstream in(lines);
      for (std::string line; std::getline(in, line);) bson += bson_text(line);
      lines = bson;
    }
    EXPECT_EQ(run_fle(folder.path(), {"inspect", "--field", "path", "--field", "count"}, lines).out,
              expected);
  }
}

TEST_F(ReportTest, RefusesWhatIsNoDocumentAndNamesIt) {
  const Ended e = report({}, bson_text("{}") + std::string("\x07\0\0\0\x10\x61\0", 7));
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(has(e.err, "document 2")) << e.err;
  EXPECT_EQ(e.out, "");
}

// ---- How often values occur

std::uint64_t hash_of(std::uint64_t n) {  // SplitMix64
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

TEST(Frequencies, AreExactWhileThereAreFew) {
  tools::Frequencies a;
  tools::Frequencies b;
  a.enlarge();
  b.enlarge();
  for (std::uint64_t i = 0; i < tools::Frequencies::kMost; ++i)
    for (std::uint64_t n = 0; n <= i % 7; ++n) (i % 2 == 0 ? a : b).add(hash_of(i));
  a.merge(b);
  const tools::Frequency f = a.frequency();
  EXPECT_TRUE(f.exact());
  EXPECT_EQ(f.distinct, tools::Frequencies::kMost);
  EXPECT_EQ(f.commonest_least, 7U);
  EXPECT_EQ(f.commonest_most, 7U);
}

TEST(Frequencies, AreWithinTheirBoundsWhenThereAreMany) {
  constexpr std::uint64_t kValues = 100'000;
  constexpr std::uint64_t kCommon = 30'000;
  tools::Frequencies parts[3];
  for (tools::Frequencies& p : parts) p.enlarge();
  for (std::uint64_t i = 0; i < kValues; ++i) {
    parts[i % 3].add(hash_of(i));
    if (i < kCommon) parts[i % 2].add(hash_of(kValues));
  }
  parts[0].merge(parts[1]);
  parts[0].merge(parts[2]);
  const tools::Frequency f = parts[0].frequency();
  EXPECT_FALSE(f.exact());
  EXPECT_EQ(f.values, kValues + kCommon);
  EXPECT_NEAR(static_cast<double>(f.distinct), kValues, 2 * f.distinct_error * kValues);
  EXPECT_LE(f.commonest_least, kCommon);
  EXPECT_GE(f.commonest_most, kCommon);
  EXPECT_GT(f.commonest_least, kCommon / 2) << "a bound that says nothing";
}

TEST(Frequencies, OfSmallTablesKeepTheirBoundsToo) {
  constexpr std::uint64_t kValues = 20'000;
  constexpr std::uint64_t kCommon = 15'000;
  for (const bool with_large : {false, true}) {
    tools::Frequencies parts[2];
    if (with_large) parts[1].enlarge();
    for (std::uint64_t i = 0; i < kValues; ++i) {
      parts[i % 2].add(hash_of(i));
      if (i < kCommon) parts[i % 2].add(hash_of(kValues));
    }
    EXPECT_EQ(parts[0].is_full(), parts[0].frequency().exact());
    for (const int into : {0, 1}) {
      tools::Frequencies all = parts[into];
      all.merge(parts[1 - into]);
      const tools::Frequency f = all.frequency();
      EXPECT_EQ(f.values, kValues + kCommon);
      EXPECT_NEAR(f.distinct_error, 0.13, 0.001) << "that of the smaller one";
      EXPECT_NEAR(static_cast<double>(f.distinct), kValues, 2 * f.distinct_error * kValues);
      EXPECT_LE(f.commonest_least, kCommon);
      EXPECT_GE(f.commonest_most, kCommon);
      EXPECT_GT(f.commonest_least, kCommon / 2);
    }
  }
}

}  // namespace
}  // namespace fle::test
