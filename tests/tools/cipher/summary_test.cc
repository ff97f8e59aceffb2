// What the fle command says at the end of a run.
#include <regex>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "tools/process.h"

namespace fle::test {
namespace {

struct RunSummary : ::testing::Test {
  Ended run(std::vector<std::string> args, const std::string& input) const {
    return run_fle(folder.path(), args, input);
  }
  Ended encrypt(const std::string& input, const std::vector<std::string>& more = {}) const {
    return with_keys({"encrypt", "--schema", "schema.json", "--format", "json"}, input, more);
  }
  Ended decrypt(const std::string& input, const std::vector<std::string>& more = {}) const {
    return with_keys({"decrypt", "--format", "json"}, input, more);
  }
  Ended command(const std::string& name, const std::string& input,
                std::vector<std::string> more = {}) const {
    more.insert(more.begin(),
                {name, "--schema", "schema.json", "--ns", "clinic.patients", "--format", "json"});
    return name == "command" ? with_keys(more, input) : run(more, input);
  }
  Ended with_keys(std::vector<std::string> args, const std::string& input,
                  const std::vector<std::string>& more = {}) const {
    args.insert(args.end(), keys.begin(), keys.end());
    args.insert(args.end(), more.begin(), more.end());
    return run(args, input);
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

const std::string kPatients =
    "{\"ssn\": 5, \"bloodType\": \"AB+\"}\n{\"ssn\": 6}\n{\"name\": \"x\"}\n";

TEST_F(RunSummary, CountsDocumentsAndFieldsByPath) {
  const Ended sealed = encrypt(kPatients);
  EXPECT_EQ(sealed.status, 0);
  EXPECT_EQ(sealed.err,
            "fle: 3 documents, 3 fields encrypted\nfle:   ssn  2, 1 absent\n"
            "fle:   bloodType  1, 2 absent\n");
  const Ended back = decrypt(sealed.out);
  EXPECT_EQ(back.err, "fle: 3 documents, 3 fields decrypted\nfle:   bloodType  1\nfle:   ssn  2\n");
  const Ended seen = run({"inspect", "--format", "json"}, sealed.out);
  EXPECT_EQ(seen.err, "fle: 3 documents, 3 fields encrypted\nfle:   bloodType  1\nfle:   ssn  2\n");
  const Ended kept =
      run({"decrypt", "--format", "json", "--vault", "keys.vault", "--missing-keys", "keep"},
          sealed.out);
  EXPECT_NE(kept.err.find("fle: 3 documents, 0 fields decrypted, 3 left\n"
                          "fle:   bloodType  0, 1 left\nfle:   ssn  0, 2 left\n"),
            std::string::npos)
      << kept.err;
  EXPECT_EQ(encrypt("{\"ssn\": 5}").err.find("fle: 1 document, 1 field encrypted\n"), 0U);
}

TEST_F(RunSummary, OfManyThreadsIsTheSame) {
  std::string input;
  const std::string note(80, 'x');  // so that there are several chunks
  for (int i = 0; i < 6000; ++i)
    input += "{\"ssn\": " + std::to_string(i) + ", \"note\": \"" + note + "\"}\n";
  for (const char* threads : {"1", "4"}) {
    const Ended sealed = encrypt(input, {"--threads", threads});
    EXPECT_EQ(sealed.err,
              "fle: 6000 documents, 6000 fields encrypted\nfle:   ssn  6000\n"
              "fle:   bloodType  0, 6000 absent\n");
    EXPECT_EQ(decrypt(sealed.out, {"--threads", threads}).err,
              "fle: 6000 documents, 6000 fields decrypted\nfle:   ssn  6000\n");
  }
}

TEST_F(RunSummary, CountsTheItemsOfArraysAsOnePath) {
  const std::string sealed = encrypt("{\"ssn\": 5}").out;
  const std::string value = sealed.substr(sealed.find(':') + 1);
  const std::string item = value.substr(0, value.rfind('}'));
  const std::string doc = "{\"a\": [{\"b\": " + item + "}, {\"b\": " + item + "}]}\n";
  EXPECT_EQ(decrypt(doc).err, "fle: 1 document, 2 fields decrypted\nfle:   a[].b  2\n");
  const Ended seen = run({"inspect", "--format", "json"}, doc);
  EXPECT_EQ(seen.err, "fle: 1 document, 2 fields encrypted\nfle:   a[].b  2\n");
  EXPECT_EQ(seen.out.find("a[].b  Deterministic  "), 0U) << seen.out;
}

TEST_F(RunSummary, OfCommandsCountsValuesByTheSchemasFields) {
  const std::string commands =
      "{\"insert\": \"patients\", \"documents\": [{\"ssn\": 5, \"bloodType\": \"A\"}, {\"ssn\": "
      "6}]}\n{\"find\": \"patients\", \"filter\": {\"ssn\": 5, \"name\": \"x\"}}\n";
  EXPECT_EQ(command("command", commands).err,
            "fle: 2 commands, 4 fields encrypted\nfle:   ssn  3\nfle:   bloodType  1\n");
  EXPECT_EQ(command("analyze", commands).err, "") << "marks only";
}

TEST_F(RunSummary, NamesTheCollectionOfOtherSchemas) {
  const Ended e = command("command", "{\"insert\": \"people\", \"documents\": [{\"ssn\": 5}]}\n",
                          {"--schema-for", "clinic.people=schema.json"});
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_EQ(e.err,
            "fle: 1 command, 1 field encrypted\nfle:   ssn  0\nfle:   bloodType  0\n"
            "fle:   clinic.people: ssn  1\nfle:   clinic.people: bloodType  0\n");
}

TEST_F(RunSummary, IsOneLineOfJsonOrNothing) {
  const Ended sealed = encrypt(kPatients, {"--json"});
  EXPECT_EQ(
      sealed.err,
      "{\"documents\": 3, \"skipped\": 0, \"encrypted\": 3, \"already\": 0, \"null\": 0, "
      "\"wrongType\": 0, \"foreignKey\": 0, \"doesNotOpen\": 0, \"otherFault\": 0, \"fields\": "
      "{\"ssn\": {\"encrypted\": 2, \"already\": 0, \"null\": 0, \"absent\": 1, \"wrongType\": 0, "
      "\"foreignKey\": 0, \"doesNotOpen\": 0, \"otherFault\": 0}, \"bloodType\": {\"encrypted\": "
      "1, "
      "\"already\": 0, \"null\": 0, \"absent\": 2, \"wrongType\": 0, \"foreignKey\": 0, "
      "\"doesNotOpen\": 0, \"otherFault\": 0}}, \"leftAlone\": {\"ciphertexts\": 0, \"foreign\": "
      "0}, \"warnings\": []}\n");
  EXPECT_EQ(decrypt(sealed.out, {"--json"}).err,
            "{\"documents\": 3, \"skipped\": 0, \"decrypted\": 3, \"left\": 0, \"foreignKey\": 0, "
            "\"doesNotOpen\": 0, \"otherFault\": 0, \"fields\": {\"bloodType\": {\"decrypted\": 1, "
            "\"left\": 0, \"foreignKey\": 0, \"doesNotOpen\": 0, \"otherFault\": 0}, \"ssn\": "
            "{\"decrypted\": 2, \"left\": 0, \"foreignKey\": 0, \"doesNotOpen\": 0, "
            "\"otherFault\": 0}}, "
            "\"leftAlone\": {\"ciphertexts\": 0, \"foreign\": 0}, \"warnings\": []}\n");
  const Ended odd = encrypt("{\"SSN\": 5}", {"--json"});
  bson_t* parsed = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(odd.err.data()),
                                      static_cast<ssize_t>(odd.err.size()), nullptr);
  ASSERT_NE(parsed, nullptr) << odd.err;
  bson_destroy(parsed);
  EXPECT_NE(odd.err.find("'SSN' appears, the schema has 'ssn'"), std::string::npos) << odd.err;
  for (const Ended& quiet : {
           encrypt(kPatients, {"--quiet"}),
           encrypt("{\"SSN\": 5}", {"--quiet", "--json"}),
           decrypt(sealed.out, {"--quiet"}),
           run({"inspect", "--quiet", "--format", "json"}, sealed.out),
           command("command", "{\"find\": \"patients\"}", {"--quiet"}),
       }) {
    EXPECT_EQ(quiet.status, 0);
    EXPECT_EQ(quiet.err, "");
  }
}

TEST_F(RunSummary, JsonHoldsAnyFieldName) {
  const std::string sealed = encrypt("{\"ssn\": 5}").out;
  const std::string value = sealed.substr(sealed.find(':') + 1);
  const Ended e = decrypt("{\"a\\\"\\\\\\u0001\\n\":" + value, {"--json"});
  EXPECT_NE(e.err.find("\"fields\": {\"a\\\"\\\\\\u0001\\u000a\": {"), std::string::npos) << e.err;
}

TEST_F(RunSummary, WarnsWhenNothingIsEncrypted) {
  folder.write("nothing.json", "{}");
  const Ended nothing =
      with_keys({"encrypt", "--schema", "nothing.json", "--format", "json"}, kPatients);
  EXPECT_EQ(nothing.status, 0);
  EXPECT_NE(nothing.err.find("fle: 3 documents, 0 fields encrypted\nfle: warning: the schema "
                             "encrypts no field"),
            std::string::npos)
      << nothing.err;
  const Ended missed = encrypt("{\"snn\": 5}");
  EXPECT_EQ(missed.status, 0);
  EXPECT_NE(missed.err.find("fle: warning: no document has a field that the schema encrypts"),
            std::string::npos)
      << missed.err;
  EXPECT_EQ(encrypt(kPatients).err.find("warning"), std::string::npos);
  const Ended commands = with_keys(
      {"command", "--schema", "nothing.json", "--ns", "clinic.patients", "--format", "json"},
      "{\"find\": \"patients\"}");
  EXPECT_NE(commands.err.find("warning: no schema encrypts a field"), std::string::npos)
      << commands.err;
}

TEST_F(RunSummary, NamesFieldsThatDifferFromTheSchemaInCaseOnly) {
  const Ended e = encrypt("{\"ssn\": 5}\n{\"SSN\": 6}\n{\"Ssn\": 6, \"BLOODTYPE\": \"A\"}\n");
  EXPECT_EQ(e.status, 0);
  for (const char* hint : {"fle: warning: 'SSN' appears, the schema has 'ssn'\n",
                           "fle: warning: 'Ssn' appears, the schema has 'ssn'\n",
                           "fle: warning: 'BLOODTYPE' appears, the schema has 'bloodType'\n"}) {
    EXPECT_NE(e.err.find(hint), std::string::npos) << e.err;
  }
}

TEST_F(RunSummary, NamesParentsThatDifferInCaseOnly) {
  std::string schema = folder.read("schema.json");
  schema.insert(schema.find("\"ssn\""),
                R"("ins": {"bsonType": "object", "properties": {"no": {"encrypt": {"bsonType": )"
                R"("int"}}}}, )");
  folder.write("schema.json", schema);
  const Ended e = encrypt("{\"ssn\": 1, \"Ins\": {\"no\": 5}, \"ins\": {\"NO\": 6}}");
  EXPECT_EQ(e.status, 0);
  EXPECT_NE(e.err.find("'Ins' appears, the schema has 'ins'"), std::string::npos) << e.err;
  EXPECT_NE(e.err.find("'ins.NO' appears, the schema has 'ins.no'"), std::string::npos) << e.err;
}

TEST_F(RunSummary, RequiredFieldsAreAFailureThatLeavesNoFile) {
  folder.write("nothing.json", "{}");
  folder.write("typo.json", "{\"SSN\": 5}");
  const auto files = folder.names().size();
  const Ended missed = encrypt("", {"--require-fields", "--in", "typo.json", "--out", "out.json"});
  EXPECT_EQ(missed.status, 1);
  EXPECT_TRUE(std::regex_search(
      missed.err, std::regex("^fle: nothing_encrypted: [^\n]*'SSN' appears, the schema has "
                             "'ssn'[^\n]*\n$")))
      << missed.err;
  const Ended nothing = with_keys(
      {"encrypt", "--schema", "nothing.json", "--require-fields", "--out", "out.json"}, "");
  EXPECT_EQ(nothing.status, 1);
  EXPECT_NE(nothing.err.find("nothing_encrypted: "), std::string::npos) << nothing.err;
  EXPECT_EQ(encrypt("", {"--require-fields"}).status, 1) << "of no document";
  EXPECT_EQ(
      command("command", "{\"find\": \"patients\"}", {"--require-fields", "--out", "out.json"})
          .status,
      1);
  EXPECT_EQ(folder.names().size(), files);
  EXPECT_EQ(encrypt(kPatients, {"--require-fields"}).status, 0);
  EXPECT_EQ(
      command("command", "{\"find\": \"patients\", \"filter\": {\"ssn\": 5}}", {"--require-fields"})
          .status,
      0);
}

TEST_F(RunSummary, WarnsOfCiphertextThatStaysAsItIs) {
  const std::string foreign = R"({"$binary": {"base64": "BwAA", "subType": "06"}})";
  const std::string sealed = encrypt("{\"ssn\": 5}").out;
  const std::string value = sealed.substr(sealed.find(':') + 1);
  const std::string ours = value.substr(0, value.rfind('}'));
  const std::string input =
      "{\"ssn\": 1}\n{\"ssn\": 1, \"x\": {\"y\": " + ours + "}}\n{\"z\": " + foreign + "}\n";
  const Ended e = encrypt(input);
  EXPECT_EQ(e.status, 0);
  EXPECT_NE(e.err.find("fle: warning: 1 value in fields that the schema does not encrypt: "
                       "ciphertext already, left as it is; 1 value of binary subtype 6 that is "
                       "not of client-side field level encryption"),
            std::string::npos)
      << e.err;
  EXPECT_NE(e.err.find("the first is in document 2, field 'x.y'\n"), std::string::npos) << e.err;
  EXPECT_NE(
      encrypt(input, {"--json"}).err.find("\"leftAlone\": {\"ciphertexts\": 1, \"foreign\": 1}"),
      std::string::npos);
  for (const Ended& later : {decrypt(e.out), run({"inspect", "--format", "json"}, e.out)}) {
    EXPECT_NE(later.err.find("warning: 1 value of binary subtype 6"), std::string::npos)
        << later.err;
    EXPECT_NE(later.err.find("document 3, field 'z'"), std::string::npos) << later.err;
  }
  const Ended code = decrypt(R"({"c": {"$code": "f", "$scope": {"z": )" + ours + "}}}\n");
  EXPECT_NE(code.err.find("fle: warning: 1 value within code or within what was decrypted: "
                          "ciphertext still, left as it is; the first is in document 1"),
            std::string::npos)
      << code.err;
}

TEST_F(RunSummary, OfManyPathsIsBound) {
  std::string schema = folder.read("schema.json");
  std::string properties;
  for (int i = 0; i < 150; ++i)
    properties += "\"f" + std::to_string(i) + R"(": {"encrypt": {"bsonType": "int"}}, )";
  schema.insert(schema.find("\"ssn\""), properties);
  folder.write("schema.json", schema);
  const Ended e = encrypt("{\"ssn\": 1}");
  EXPECT_NE(e.err.find("fle:   and 52 more paths: --json names all of them\n"), std::string::npos)
      << e.err;
  EXPECT_NE(encrypt("{\"ssn\": 1}", {"--json"}).err.find("\"f149\""), std::string::npos);
}

}  // namespace
}  // namespace fle::test
