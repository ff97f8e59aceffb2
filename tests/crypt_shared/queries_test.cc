// What comes back from analyze_query.
#include <atomic>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "library.h"

namespace fle::test {
namespace {

bool flag(const Buf& reply, const char* name) {
  const auto v = find_value(reply, {name});
  return v && v->type == bson::Type::bool_ && v->bytes == Buf{1};
}

TEST(CryptSharedQueries, MarksWhatTheSchemaEncrypts) {
  const Library l;
  Session s(l);
  const Buf reply = s.analyze(
      command_with(R"("insert": "patients", "documents": [{"_id": 1, "ssn": 901, "name": "Jo"}])"));
  ASSERT_FALSE(reply.empty()) << s.status().text();
  EXPECT_TRUE(flag(reply, "hasEncryptionPlaceholders"));
  EXPECT_TRUE(flag(reply, "schemaRequiresEncryption"));
  const auto ssn = find_value(reply, {"result", "documents", "0", "ssn"});
  ASSERT_TRUE(ssn);
  const auto payload = payload_of(*ssn);
  ASSERT_TRUE(payload);
  EXPECT_EQ(payload->front(), 0) << "a placeholder";
  EXPECT_EQ(json_of(Bytes(*payload).subspan(1)),
            json_of(bson_of(R"({"a": 1, "ki": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==",
                                "subType": "04"}}, "v": 901})")));
  EXPECT_EQ(text_of(*find_value(reply, {"result", "documents", "0", "name"})), "Jo");
}

TEST(CryptSharedQueries, HaveTheBudgetThatTheEnvironmentNames) {
  const Library l;
  const Buf command = command_with(
      R"("find": "patients", "filter": {"aaaaaaaaaaaaaa": 1})",
      R"({"bsonType": "object", "patternProperties": {"^(a+)+[xyz]$": {"encrypt": {"algorithm":
          "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$binary": {"base64":
          "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}})");
  EXPECT_FALSE(Session(l).analyze(command).empty());
  ::setenv("FLE_WORK_BUDGET", "1000", 1);
  {
    Session modest(l);
    EXPECT_TRUE(modest.analyze(command).empty());
    EXPECT_NE(modest.status().text().find("steps that its budget allows"), std::string::npos)
        << modest.status().text();
  }
  const Status status(l);
  for (const char* none : {"x", "-1", "1000x", "1e6", "99999999999999999999"}) {
    ::setenv("FLE_WORK_BUDGET", none, 1);
    EXPECT_EQ(l.lib_create(status), nullptr) << none;
    EXPECT_NE(status.text().find("FLE_WORK_BUDGET"), std::string::npos) << status.text();
  }
  ::setenv("FLE_WORK_BUDGET", "", 1);
  EXPECT_FALSE(Session(l).analyze(command).empty());
  ::unsetenv("FLE_WORK_BUDGET");
}

TEST(CryptSharedQueries, TheStatusCarriesTextAndMongoDbsNumber) {
  const Library l;
  Session s(l);
  EXPECT_TRUE(s.analyze(command_with(R"("killOp": 1)")).empty());
  EXPECT_EQ(s.status().error(), MONGO_CRYPT_V1_ERROR_EXCEPTION);
  EXPECT_EQ(s.status().code(), 59);
  EXPECT_NE(s.status().text().find("command not supported for auto encryption: killOp"),
            std::string::npos);

  EXPECT_TRUE(s.analyze(command_with(R"("insert": "patients", "documents": [])",
                                     R"({"properties": {"ssn": {"encrypt": {"keyId": "x"}}}})"))
                  .empty());
  EXPECT_EQ(s.status().code(), 51065);

  EXPECT_TRUE(s.analyze(command_with(R"("insert": "patients")")).empty());
  EXPECT_EQ(s.status().code(), 40414);
  EXPECT_NE(s.status().text().find("BSON field 'insert.documents' is missing but a required field"),
            std::string::npos);

  EXPECT_FALSE(s.analyze(command_with(R"("insert": "patients", "documents": [])")).empty());
  EXPECT_EQ(s.status().error(), MONGO_CRYPT_V1_SUCCESS);
  EXPECT_EQ(s.status().code(), 0);
  EXPECT_EQ(s.status().text(), "");
}

TEST(CryptSharedQueries, NamesFromOutsideCannotBreakTheText) {
  const Library l;
  Session s(l);
  EXPECT_TRUE(s.analyze(bson_of(R"({"bad\n\u001b[2Jname": 1, "$db": "clinic"})")).empty());
  EXPECT_EQ(s.status().error(), MONGO_CRYPT_V1_ERROR_EXCEPTION);
  EXPECT_NE(s.status().text().find("bad\\x0a\\x1b[2Jname"), std::string::npos) << s.status().text();
}

TEST(CryptSharedQueries, ADocumentsOwnLengthIsNotBelievedBlindly) {
  const Library l;
  Session s(l);
  for (const std::uint32_t size : {0U, 4U, 48'000'001U, 0x7fffffffU, 0xffffffffU}) {
    Buf bytes(4);
    for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(size >> (8 * i));
    EXPECT_TRUE(s.analyze(bytes).empty());
    EXPECT_EQ(s.status().error(), MONGO_CRYPT_V1_ERROR_EXCEPTION) << size;
    EXPECT_EQ(s.status().code(), 22);
  }
}

TEST(CryptSharedQueries, TheNamespaceMustBeOfTheSameDatabase) {
  const Library l;
  Session s(l);
  const Buf command = command_with(R"("insert": "patients", "documents": [])");
  EXPECT_TRUE(s.analyze(command, "elsewhere.patients").empty());
  EXPECT_EQ(s.status().error(), MONGO_CRYPT_V1_ERROR_EXCEPTION);
  EXPECT_FALSE(s.analyze(command, "clinic.patients").empty()) << s.status().text();
  EXPECT_FALSE(s.analyze(command, "").empty()) << "$db alone says it, too";
}

TEST(CryptSharedQueries, EightThreadsShareALibrary) {
  const Library l;
  const Status status(l);
  mongo_crypt_v1_lib* lib = l.lib_create(status);
  ASSERT_NE(lib, nullptr);
  const Buf good = command_with(R"("insert": "patients", "documents": [{"_id": 1, "ssn": 901}])");
  const Buf bad = command_with(R"("killOp": 1)");
  Buf expected;
  std::atomic<int> wrong{0};
  const auto work = [&](unsigned seed) {
    const Status mine(l);
    mongo_crypt_v1_query_analyzer* analyzer = l.query_analyzer_create(lib, mine);
    for (unsigned i = 0; i < 200; ++i) {
      if ((i + seed) % 5 == 0) {
        if (!analyze(l, analyzer, bad, "clinic.x", mine).empty() || mine.code() != 59) ++wrong;
      } else {
        if (analyze(l, analyzer, good, "clinic.patients", mine) != expected) ++wrong;
      }
    }
    l.query_analyzer_destroy(analyzer);
  };
  {
    mongo_crypt_v1_query_analyzer* analyzer = l.query_analyzer_create(lib, status);
    expected = analyze(l, analyzer, good, "clinic.patients", status);
    ASSERT_FALSE(expected.empty()) << status.text();
    l.query_analyzer_destroy(analyzer);
  }
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 8; ++i) threads.emplace_back(work, i);
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(l.lib_destroy(lib, status), MONGO_CRYPT_V1_SUCCESS) << status.text();
}

}  // namespace
}  // namespace fle::test
