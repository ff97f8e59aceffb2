// Streams of JSON lines, and streams that are something else than they were taken for.
#include <regex>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

using namespace std::string_literals;

struct JsonStream : ::testing::Test {
  Ended run(std::vector<std::string> args, const std::string& input, bool json = true) const {
    if (args.front() == "encrypt") args.insert(args.end(), {"--schema", "schema.json"});
    if (args.front() != "inspect") args.insert(args.end(), keys.begin(), keys.end());
    if (json) args.insert(args.end(), {"--format", "json"});
    args.emplace_back("--quiet");
    return run_fle(folder.path(), args, input);
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

struct Bad {
  const char* what;
  std::string input;
  const char* error;
};

TEST_F(JsonStream, NothingButOneDocumentOnALineIsTaken) {
  const std::string good = "{\"ssn\": 5}\n";
  const Bad lines[] = {
      {"array", "[{\"ssn\": 123456789}]\n",
       "document 2: line 2, column 1: json_invalid: a JSON array"},
      {"array of mongoexport, first line", "[{\"ssn\": 123456789},\n{\"ssn\": 123456780}]\n",
       "document 2: line 2, column 1: json_invalid: a JSON array"},
      {"comma between", "{\"ssn\": 123456789},{\"name\": \"Bob\"}\n",
       "document 2: line 2, column 19: json_invalid: a comma follows"},
      {"comma behind", "{\"ssn\": 123456789},\n",
       "document 2: line 2, column 19: json_invalid: a comma follows"},
      {"another document", "{\"ssn\": 123456789}{\"name\": \"Bob\"}\n",
       "document 2: line 2, column 19: json_invalid: another document"},
      {"another document, apart", "{\"ssn\": 123456789} {\"name\": \"Bob\"}\n",
       "document 2: line 2, column 20: json_invalid: another document"},
      {"several lines", "{\n\"ssn\": 123456789\n}\n",
       "document 2: line 2, column 2: json_invalid: the text ends inside the document; a document "
       "printed over several lines must be joined to one"},
      {"after an empty line", "\n  \n[{\"ssn\": 123456789}]\n",
       "document 2: line 4, column 1: json_invalid: a JSON array"},
      {"string", "\"123456789\"\n",
       "document 2: line 2, column 1: json_invalid: expected a document"},
      {"field", "{\"a\": {\"b\": {\"$numberLong\": 123456789}}}\n",
       "document 2: line 2, column 13: field 'a.b': json_invalid: $numberLong: expected a string"},
  };
  for (const Bad& b : lines) {
    for (const char* command : {"encrypt", "decrypt", "inspect"}) {
      const Ended e = run({command}, good + b.input);
      EXPECT_EQ(e.status, 1) << command << " " << b.what << ": " << e.out;
      EXPECT_NE(e.err.find("fle: " + std::string(b.error)), std::string::npos)
          << b.what << ": " << e.err;
      EXPECT_EQ((e.out + e.err).find("12345678"), std::string::npos) << b.what << ": " << e.err;
    }
  }
}

TEST_F(JsonStream, ByteOrderMarkAndLineEndsMeanNothing) {
  const Ended sealed =
      run({"encrypt"}, "\xef\xbb\xbf{\"ssn\": 5, \"d\": 1.10}\r\n\r\n{\"ssn\": 6}\r\n");
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(run({"decrypt"}, sealed.out).out,
            "{ \"ssn\" : { \"$numberInt\" : \"5\" }, \"d\" : { \"$numberDouble\" : \"1.1\" } }\n"
            "{ \"ssn\" : { \"$numberInt\" : \"6\" } }\n");
  EXPECT_EQ(run({"encrypt"}, "\xef\xbb\xbf").status, 0);
  EXPECT_EQ(run({"encrypt"}, "{\"ssn\": 5}\n\xef\xbb\xbf{\"ssn\": 6}\n").status, 1);
}

// tests/tools/inputs has every form that is told from others.
TEST_F(JsonStream, NothingElseIsTakenWhereAFormatIsAskedFor) {
  const std::string bson = bson_text(R"({"ssn": 5})");
  for (const char* command : {"encrypt", "decrypt", "inspect"}) {
    const Ended is_bson = run({command}, bson);
    EXPECT_EQ(is_bson.status, 1);
    EXPECT_EQ(is_bson.err,
              "fle: document 1: json_invalid: the input is BSON, not JSON: leave out --format "
              "json\n");
    const Ended is_json = run({command, "--format", "bson"}, "{\"ssn\":5}\n", false);
    EXPECT_EQ(is_json.status, 1);
    EXPECT_EQ(is_json.err,
              "fle: document 1: malformed_bson: the input looks like JSON: leave out --format "
              "bson\n");
  }
}

TEST_F(JsonStream, ValuesComeBackAsTheyWere) {
  const std::string input =
      R"({ "ssn" : { "$numberInt" : "5" }, "name" : { "$date" : { "$numberLong" : "253402300800000" } }, )"
      R"("x" : { "$numberDecimal" : "1.10" }, "y" : { "$numberDouble" : "1.1" }, )"
      R"("z" : { "$numberLong" : "-9223372036854775808" } })"
      "\n";
  for (const bool relaxed : {false, true}) {
    const Ended sealed = run({"encrypt"}, input);
    ASSERT_EQ(sealed.status, 0) << sealed.err;
    std::vector<std::string> decrypt{"decrypt"};
    if (relaxed) decrypt.emplace_back("--relaxed");
    const Ended opened = run(decrypt, sealed.out);
    ASSERT_EQ(opened.status, 0) << opened.err;
    const Ended again = run({"decrypt"}, run({"encrypt"}, opened.out).out);
    EXPECT_EQ(again.out, input) << again.err << opened.out;
  }
}

TEST_F(JsonStream, NestingHasTheSameLimitInBothFormats) {
  for (const std::size_t depth : {101U, 150U, 179U, 180U, 181U, 250U, 2000U}) {
    const std::string json =
        "{\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + ", \"ssn\": 5}\n";
    const Ended e = run({"encrypt"}, json);
    EXPECT_EQ(e.status, depth <= 180 ? 0 : 1) << depth << e.err;
    EXPECT_EQ(e.err.find("nesting_too_deep") != std::string::npos, depth > 180) << depth << e.err;
    if (e.status != 0) continue;
    EXPECT_EQ(run({"decrypt"}, e.out).status, 0);
  }
}

/// The schema of the clinic, where `visits` is a long, too.
void encrypt_visits(const TempFolder& folder) {
  std::string schema = folder.read("schema.json");
  schema.insert(
      schema.find("\"ssn\""),
      R"("visits": {"encrypt": {"bsonType": "long", "algorithm": )"
      R"("AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}}, )"
      R"("a": {"bsonType": "object", "properties": {"b": {"encrypt": {"bsonType": "long", )"
      R"("algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}}}}, )");
  folder.write("schema.json", schema);
}

TEST_F(JsonStream, APlainIntegerIsALongWhereTheSchemaHasOne) {
  encrypt_visits(folder);
  const Ended sealed = run({"encrypt"}, R"({"visits": 5, "a": {"b": 6}, "ssn": 7, "n": 8})"
                                        "\n");
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(run({"decrypt"}, sealed.out).out,
            R"({ "visits" : { "$numberLong" : "5" }, "a" : { "b" : { "$numberLong" : "6" } }, )"
            R"("ssn" : { "$numberInt" : "7" }, "n" : { "$numberInt" : "8" } })"
            "\n");
  const Ended typed = run({"encrypt"}, "{\"visits\": {\"$numberInt\": \"5\"}}\n");
  EXPECT_EQ(typed.status, 1);
  EXPECT_NE(typed.err.find("canonical Extended JSON"), std::string::npos) << typed.err;
  const Ended real = run({"encrypt"}, "{\"visits\": 5.0}\n");
  EXPECT_EQ(real.status, 1);
  EXPECT_NE(real.err.find("{\"$numberLong\": \"5\"}"), std::string::npos) << real.err;
}

// Advice that is followed to the letter is taken.
TEST_F(JsonStream, AWrongTypeIsToldHowTheRightOneIsWritten) {
  for (const char* type :
       {"int", "long", "double", "decimal", "string", "bool", "date", "timestamp", "objectId",
        "binData", "regex", "javascript", "javascriptWithScope", "symbol", "dbPointer"}) {
    folder.write("schema.json",
                 R"({"bsonType": "object", "properties": {"v": {"encrypt": {"bsonType": ")" +
                     std::string(type) +
                     R"(", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": )" +
                     R"([{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}]}}}})");
    const std::string wrong = type == std::string("string") ? "5" : "\"five\"";
    const Ended refused = run({"encrypt"}, "{\"v\": " + wrong + "}\n");
    constexpr std::string_view kBefore = ", such as ";
    const std::size_t at = refused.err.find(kBefore);
    ASSERT_NE(at, std::string::npos) << type << refused.err;
    std::string advice = refused.err.substr(at + kBefore.size());
    advice.pop_back();
    const Ended taken = run({"encrypt"}, "{\"v\": " + advice + "}\n");
    EXPECT_NE(taken.err.find("key_not_found"), std::string::npos) << type << advice << taken.err;
  }
}

struct CommandStreams : JsonStream {
  Ended analyze(const std::string& input, bool json) const {
    std::vector<std::string> args{"analyze", "--schema",        "schema.json",
                                  "--ns",    "clinic.patients", "--quiet"};
    if (json) args.insert(args.end(), {"--format", "json", "--relaxed"});
    return run_fle(folder.path(), args, input);
  }
};

TEST_F(CommandStreams, OperatorsWithNamesOfWrappersAreOperators) {
  for (const char* condition :
       {R"({ "$type" : "double" })", R"({ "$type" : 2 })", R"({ "$type" : [ "string", "null" ] })",
        R"({ "$regex" : "^A" })", R"({ "$regex" : "^A", "$ne" : "B" })"}) {
    const Ended e = analyze(
        R"({"find": "patients", "filter": {"ssn": 5, "name": )" + std::string(condition) + "}}\n",
        true);
    ASSERT_EQ(e.status, 0) << condition << e.err;
    EXPECT_NE(e.out.find(condition), std::string::npos) << e.out;
    EXPECT_NE(e.out.find("\"subType\" : \"06\""), std::string::npos) << e.out;
  }
}

TEST_F(CommandStreams, APlainIntegerIsALongWhereTheSchemaHasOne) {
  encrypt_visits(folder);
  for (
      const char* command : {
          R"({"find": "patients", "filter": {"visits": 5, "a.b": {"$in": [1, 2]}}})",
          R"({"find": "patients", "filter": {"$or": [{"visits": {"$ne": 5}}, {"a.b": 7}]}})",
          R"({"explain": {"find": "patients", "filter": {"visits": 5}}})",
          R"({"insert": "patients", "documents": [{"visits": 5, "a": {"b": 1}}]})",
          R"({"update": "patients", "updates": [{"q": {"a.b": 1}, "u": {"$set": {"visits": 5}}}]})",
          R"({"delete": "patients", "deletes": [{"q": {"visits": {"$eq": 5}}, "limit": 1}]})",
          R"({"findAndModify": "patients", "query": {"visits": 5}, "update": {"$set": {"a.b": 1}}})",
          R"({"count": "patients", "query": {"visits": 5}})",
          R"({"aggregate": "patients", "pipeline": [{"$match": {"visits": 5}}], "cursor": {}})",
      }) {
    const Ended e = analyze(std::string(command) + "\n", true);
    EXPECT_EQ(e.status, 0) << command << e.err;
    EXPECT_NE(e.out.find("\"subType\" : \"06\""), std::string::npos) << e.out;
  }
  // What is not encrypted stays what it is.
  const Ended plain = analyze(R"({"find": "patients", "filter": {"x": {"visits": 5}, "visits": 5}})"
                              "\n",
                              true);
  EXPECT_NE(plain.out.find(R"("x" : { "$eq" : { "visits" : 5 } })"), std::string::npos)
      << plain.out;
  const Ended typed = analyze(R"({"find": "patients", "filter": {"visits": {"$numberInt": "5"}}})"
                              "\n",
                              true);
  EXPECT_EQ(typed.status, 1);
  EXPECT_NE(typed.err.find("canonical Extended JSON"), std::string::npos) << typed.err;
}

TEST_F(CommandStreams, APlainIntegerIsWhatTheSchemaOfItsCollectionSays) {
  encrypt_visits(folder);
  folder.write("plain.json", "{}");
  const auto analyze_for = [this](const char* ns, const char* collection) {
    const std::string command =
        R"({"insert": ")" + std::string(collection) + R"(", "documents": [{"visits": 5, "pad": ")";
    std::vector<std::string> out;
    // Long ones are read while they are cut.
    for (const std::size_t pad : {0U, 3'000'000U}) {
      const bool own = std::string_view(ns) == "clinic.patients";
      const Ended e =
          run_fle(folder.path(),
                  {"analyze", "--schema", own ? "schema.json" : "plain.json", "--ns", ns,
                   "--schema-for", own ? "clinic.staff=plain.json" : "clinic.patients=schema.json",
                   "--quiet", "--format", "json"},
                  command + std::string(pad, 'x') + "\"}]}\n");
      EXPECT_EQ(e.status, 0) << e.err;
      out.push_back(e.out.substr(0, 100));
    }
    return out;
  };
  for (const char* ns : {"clinic.patients", "clinic.staff"}) {
    for (const std::string& out : analyze_for(ns, "staff"))
      EXPECT_NE(out.find(R"("visits" : { "$numberInt" : "5" })"), std::string::npos) << out;
    for (const std::string& out : analyze_for(ns, "patients"))
      EXPECT_NE(out.find(R"("visits" : { "$binary")"), std::string::npos) << out;
  }
}

TEST_F(CommandStreams, APlainIntegerIsAnIntBelowOtherNames) {
  encrypt_visits(folder);
  for (
      const char* command : {
          R"({"insert": "patients", "documents": [{"0": {"visits": 5}, "$x": {"visits": 5}}]})",
          R"({"update": "patients", "updates": [{"q": {}, "u": {"0": {"visits": 5}}}]})",
          R"({"update": "patients", "updates": [{"q": {}, "u": {"$set": {"0": {"visits": 5}}}}]})",
          R"({"update": "patients", "updates": [{"q": {}, "u": {"$push": {"l": {"visits": 5}}}}]})",
          R"({"find": "patients", "filter": {"0": {"visits": 5}, "$or": [{"0": {"visits": 5}}]}})",
      }) {
    const Ended e = run_fle(folder.path(),
                            {"analyze", "--schema", "schema.json", "--ns", "clinic.patients",
                             "--quiet", "--format", "json"},
                            std::string(command) + "\n");
    EXPECT_EQ(e.status, 0) << command << e.err;
    EXPECT_EQ(e.out.find("numberLong"), std::string::npos) << e.out;
  }
}

// The look into the schema ends with what it knows, however long a name goes on.
TEST_F(CommandStreams, IntegersBelowLongNamesAreInts) {
  encrypt_visits(folder);
  for (const std::string& name :
       {std::string("visits.") + std::string(5000, 'x'), std::string(5000, 'x'),
        std::string("a.") + std::string(5000, 'b')}) {
    const Ended e =
        analyze(R"({"find": "patients", "filter": {"x": {")" + name + "\": [1, 2]}}}\n", true);
    EXPECT_EQ(e.status, 0) << e.err;
  }
}

TEST_F(CommandStreams, CommandsAreLargerThanDocuments) {
  const auto insert = [](std::size_t n) {
    bson_t b = BSON_INITIALIZER;
    bson_t documents;
    BSON_APPEND_UTF8(&b, "insert", "patients");
    BSON_APPEND_ARRAY_BEGIN(&b, "documents", &documents);
    const std::string text(n, 'x');
    for (const char* index : {"0", "1", "2"}) {
      bson_t d;
      bson_append_document_begin(&documents, index, 1, &d);
      BSON_APPEND_INT32(&d, "ssn", 5);
      BSON_APPEND_UTF8(&d, "note", text.c_str());
      bson_append_document_end(&documents, &d);
    }
    bson_append_array_end(&b, &documents);
    std::string s(reinterpret_cast<const char*>(bson_get_data(&b)), b.len);
    bson_destroy(&b);
    return s;
  };
  const std::string command = insert(15'900'000);
  const Ended taken = analyze(command, false);
  EXPECT_EQ(taken.status, 0) << taken.err;
  EXPECT_GT(taken.out.size(), command.size());
  EXPECT_EQ(analyze(insert(16'000'000), false).status, 1);
}

}  // namespace
}  // namespace fle::test
