// fle schema infer: a schema from samples and a list of paths.
#include <regex>

#include <gtest/gtest.h>

#include "tools/process.h"

namespace fle::test {
namespace {

const std::string kInferKey = "00112233-4455-6677-8899-aabbccddeeff";

struct SchemaInfer : ::testing::Test {
  /// Of JSON lines.
  Ended infer(std::vector<std::string> args, const std::string& input) const {
    args.insert(args.begin(), {"schema", "infer"});
    args.insert(args.end(), {"--format", "json"});
    return run_fle(folder.path(), args, input);
  }
  Ended infer_with_key(std::vector<std::string> args, const std::string& input) const {
    args.insert(args.end(), {"--key", kInferKey});
    return infer(std::move(args), input);
  }
  /// What `fle schema` says of what was inferred: path, algorithm, key, types.
  std::string compiled(const Ended& inferred) const {
    folder.write("inferred.json", inferred.out);
    const Ended e = run_fle(folder.path(), {"schema", "inferred.json"});
    EXPECT_EQ(e.status, 0) << e.err << inferred.err;
    return std::regex_replace(e.out, std::regex("[0-9a-f]{8}-[^ ]* [^ ]*"), "KEY");
  }
  TempFolder folder;
};

TEST_F(SchemaInfer, WritesASchemaThatCompiles) {
  const Ended e = infer_with_key(
      {"ssn=deterministic", "bloodType", "records", "insurance.policy=deterministic"},
      R"({"ssn": 5, "bloodType": "A", "records": [1], "insurance": {"policy": {"$numberLong": "7"}}})"
      "\n"
      R"({"ssn": 6, "bloodType": "B", "records": [], "insurance": {"provider": "x"}})");
  ASSERT_EQ(e.status, 0) << e.err;
  const std::string table = compiled(e);
  for (const char* row :
       {"ssn +Deterministic +KEY +int\n", "bloodType +Random +KEY +string\n",
        "records +Random +KEY +array\n", "insurance.policy +Deterministic +KEY +long\n"})
    EXPECT_TRUE(std::regex_search(table, std::regex(row))) << row << table;
  EXPECT_NE(e.out.find("\"encryptMetadata\""), std::string::npos);
  EXPECT_NE(e.out.find("{\"$uuid\": \"" + kInferKey + "\"}"), std::string::npos) << e.out;
}

TEST_F(SchemaInfer, TakesPathsOfAFileAndAnAlgorithmForAll) {
  folder.write("paths", "# what is private\nssn\r\n\nname=random\n");
  const Ended e = infer_with_key({"--paths", "paths", "--algorithm", "deterministic"},
                                 R"({"ssn": 5, "name": "x"})");
  ASSERT_EQ(e.status, 0) << e.err;
  const std::string table = compiled(e);
  EXPECT_TRUE(std::regex_search(table, std::regex("ssn +Deterministic"))) << table;
  EXPECT_TRUE(std::regex_search(table, std::regex("name +Random"))) << table;
}

TEST_F(SchemaInfer, RefusesWithAllReasonsInOneRun) {
  const std::string input =
      R"({"ssn": 5, "visits": [{"note": "x"}], "vip": true, "mixed": 1, "name": "n"})"
      "\n"
      R"({"ssn": 6, "visits": [], "vip": false, "mixed": "one", "name": {"first": "n"}})";
  const Ended e = infer_with_key({"snn", "visits.note", "vip=deterministic", "mixed=deterministic",
                                  "name.first", "ssn", "ssn", "ssn.x"},
                                 input);
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.out, "");
  for (const char* told :
       {"field 'snn': invalid_argument: it occurs in none of 2 documents. Did you mean 'ssn'?",
        "field 'visits.note': invalid_argument: 'visits' is an array in 2 documents",
        "field 'vip': invalid_argument: bool in 2 documents, which the deterministic algorithm "
        "does not encrypt: take random",
        "field 'mixed': invalid_argument: the types differ: string in 1 document, int in 1 "
        "document",
        "field 'name.first': invalid_argument: 'name' is no object in 1 document",
        "field 'ssn': invalid_argument: it is given twice",
        "field 'ssn.x': invalid_argument: 'ssn' is encrypted as a whole"})
    EXPECT_NE(e.err.find(told), std::string::npos) << told << "\n" << e.err;
  EXPECT_TRUE(std::regex_search(e.err, std::regex("\nfle: [^\n]*faults: no schema was written\n$")))
      << e.err;
}

TEST_F(SchemaInfer, SaysWhatTheSamplesShow) {
  std::string input;
  for (int i = 0; i < 100; ++i)
    input += R"({"blood": ")" + std::string(i % 4 == 0 ? "AB" : "A") + R"(", "age": )" +
             (i % 2 == 0 ? "5" : "5.5") + (i == 3 ? R"(, "x": null})" : R"(, "x": "y"})") + "\n";
  const Ended e = infer_with_key({"blood=deterministic", "age", "x"}, input);
  EXPECT_EQ(e.status, 0) << e.err;
  for (const char* told :
       {"fle: warning: field 'blood': 2 values in 100 documents, the commonest in 75 % of them",
        "fle: warning: field 'age': the types differ: double in 50 documents, int in 50 documents",
        "fle: warning: field 'x': null in 1 document, which cannot be encrypted"})
    EXPECT_NE(e.err.find(told), std::string::npos) << told << "\n" << e.err;
  EXPECT_NE(compiled(e).find("double,int"), std::string::npos);
  EXPECT_EQ(infer_with_key({"blood=deterministic", "--quiet"}, input).err, "");
}

// What encryption refuses, and no --null keeps.
TEST_F(SchemaInfer, RefusesWhatIsUndefined) {
  const Ended e = infer_with_key({"x"}, "{\"x\": \"y\"}\n{\"x\": {\"$undefined\": true}}\n");
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("field 'x': invalid_argument: undefined in 1 document, which cannot be"),
            std::string::npos)
      << e.err;
}

TEST_F(SchemaInfer, ReadsTheTypeOfWhatIsEncryptedAlready) {
  const std::vector<std::string> keys = set_up_clinic(folder);
  std::vector<std::string> encrypt{"encrypt", "--schema", "schema.json", "--format", "json"};
  encrypt.insert(encrypt.end(), keys.begin(), keys.end());
  const Ended sealed = run_fle(folder.path(), encrypt, R"({"ssn": 5, "bloodType": "A", "n": 1})");
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  const Ended e = infer_with_key({"ssn=deterministic", "n"}, sealed.out);
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_NE(e.err.find("field 'ssn': ciphertext already in 1 document"), std::string::npos);
  EXPECT_TRUE(std::regex_search(compiled(e), std::regex("ssn +Deterministic +KEY +int")));
}

TEST_F(SchemaInfer, TakesAKeyByNameFromAVault) {
  set_up_clinic(folder);
  const std::string input = R"({"ssn": 5, "bloodType": "A"})";
  const Ended e = infer(
      {"ssn=deterministic", "bloodType", "--key", "patients", "--vault", "keys.vault"}, input);
  ASSERT_EQ(e.status, 0) << e.err;
  folder.write("inferred.json", e.out);
  EXPECT_EQ(run_fle(folder.path(), {"schema", "diff", "schema.json", "inferred.json"}).status, 0);
  const Ended alike = infer({"ssn", "--key", "patient", "--vault", "keys.vault"}, input);
  EXPECT_EQ(alike.status, 1);
  EXPECT_NE(alike.err.find("Did you mean 'patients'?"), std::string::npos) << alike.err;
  const Ended no_vault = infer({"ssn", "--key", "patients"}, input);
  EXPECT_EQ(no_vault.status, 1);
  EXPECT_NE(no_vault.err.find("give --vault"), std::string::npos) << no_vault.err;
}

TEST_F(SchemaInfer, AKeyThatTheDocumentNamesIsForTheRandomAlgorithm) {
  const std::string input = R"({"ssn": 5, "keyName": "ann"})";
  EXPECT_NE(infer({"ssn", "--key", "/keyName"}, input).out.find("\"keyId\": \"/keyName\""),
            std::string::npos);
  EXPECT_EQ(infer({"ssn=deterministic", "--key", "/keyName"}, input).status, 1);
  EXPECT_EQ(infer({"keyName", "--key", "/keyName"}, input).status, 1);
}

TEST_F(SchemaInfer, WrongUsageIsNamed) {
  const std::string input = R"({"ssn": 5})";
  EXPECT_EQ(infer_with_key({}, input).status, 2);
  EXPECT_EQ(infer({"ssn"}, input).status, 2);
  const Ended algorithm = infer_with_key({"ssn=determinstic"}, input);
  EXPECT_EQ(algorithm.status, 1);
  EXPECT_NE(algorithm.err.find("Did you mean 'deterministic'?"), std::string::npos);
  EXPECT_EQ(infer_with_key({"a..b"}, input).status, 1);
  EXPECT_EQ(infer_with_key({"ssn"}, "").status, 1);
  const Ended malformed = infer_with_key({"ssn"}, "{\"ssn\": 5}\n{\"ssn\": }");
  EXPECT_EQ(malformed.status, 1);
  EXPECT_NE(malformed.err.find("document 2"), std::string::npos) << malformed.err;
}

TEST_F(SchemaInfer, ReadsBson) {
  const Ended patients = run_fle(folder.path(), {"generate", "patients", "--count", "200"});
  const Ended e = run_fle(
      folder.path(), {"schema", "infer", "ssn=deterministic", "medicalRecords", "--key", kInferKey},
      patients.out);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_EQ(e.err, "");
  EXPECT_TRUE(std::regex_search(compiled(e), std::regex("medicalRecords +Random +KEY +array")));
}

// Of the schema that was not written no line can be looked up.
TEST_F(SchemaInfer, WhatTheSchemaCannotBeIsToldOfTheCommandLine) {
  const Ended id = infer_with_key({"_id"}, "{\"_id\": \"x\"}\n");
  EXPECT_EQ(id.status, 1);
  EXPECT_NE(id.err.find("field '_id': invalid_argument: documents are found by it"),
            std::string::npos)
      << id.err;
  EXPECT_NE(id.err.find("_id=deterministic"), std::string::npos) << id.err;
  EXPECT_EQ(infer_with_key({"_id=deterministic"}, "{\"_id\": \"x\"}\n").status, 0);
  for (const char* input : {"{\"_id\": {\"a\": 1}}\n", "{\"_id\": 1}\n{\"_id\": \"x\"}\n"}) {
    const Ended e = infer_with_key({"_id=deterministic"}, input);
    EXPECT_EQ(e.status, 1);
    EXPECT_NE(e.err.find("field '_id': "), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("random"), std::string::npos) << e.err;
  }
  for (const char* key : {"/n", "/a~2", "/n/x"}) {
    const Ended e = infer({"n", "--key", key}, "{\"n\": \"x\", \"a~2\": \"k\"}\n");
    EXPECT_EQ(e.status, 1) << key;
    EXPECT_NE(e.err.find("fle: schema_bad_pointer: --key '" + std::string(key)), std::string::npos)
        << e.err;
    EXPECT_EQ(e.err.find("line "), std::string::npos) << e.err;
    EXPECT_EQ(e.out, "");
  }
}

TEST_F(SchemaInfer, ADocumentThatNamesNoKeyIsTold) {
  const auto with = [this](const std::string& input, const std::string& key = "/who/id~1x") {
    return infer({"n", "--key", key}, input);
  };
  const std::string named = "{\"n\": 1, \"who\": {\"id/x\": \"a\"}}\n";
  const Ended good = with(named + "{\"who\": 5}\n");
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_EQ(good.err, "") << "nothing in it needs a key";
  const Ended none = with("{\"n\": 1, \"who\": {\"id/x\": 5}}\n{\"n\": 1}\n");
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_NE(none.err.find("--key '/who/id~1x' leads to no string in 2 documents with values"),
            std::string::npos)
      << none.err;
  const Ended some = with(named + "{\"n\": 1}\n");
  EXPECT_EQ(some.status, 0);
  EXPECT_NE(some.err.find("warning: --key '/who/id~1x' leads to no string in 1 document with"),
            std::string::npos)
      << some.err;
}

}  // namespace
}  // namespace fle::test
