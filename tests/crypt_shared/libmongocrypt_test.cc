// The consumer that all drivers share, with our library where MongoDB's would be.
#include <gtest/gtest.h>

#include "fle/version.h"
#include "library.h"
#include "support/mongocrypt_peer.h"

namespace fle::test {
namespace {

struct Libmongocrypt : ::testing::Test {
  Libmongocrypt()
      : peer(Buf(96, 1), bson_of(std::string(R"({"clinic.patients": )") + kClinicSchema + "}"),
             FLE_CRYPT_SHARED) {
    MongocryptPeer::NewKey options;
    options.key_material = Buf(96, 7);
    peer.add_key(with_key_id(peer.create_data_key(options), KeyId{}));
  }

  Buf encrypt(const std::string& json) { return peer.encrypt_command("clinic", bson_of(json)); }
  /// The deterministic ciphertext of an ssn, by libmongocrypt's explicit encryption.
  TypedValue sealed_ssn(std::int32_t ssn) {
    const TypedValue v = only_value(bson_of("{\"v\": " + std::to_string(ssn) + "}"));
    return binary(6, peer.encrypt_value(v, Algorithm::deterministic, KeyId{}));
  }
  void expect_refused(const std::string& json, const std::string& text) {
    try {
      encrypt(json);
      ADD_FAILURE() << "not refused: " << json;
    } catch (const PeerError& e) {
      const std::string all = e.what();
      EXPECT_NE(all.find("\"analyze_query\" failed: "), std::string::npos) << all;
      EXPECT_NE(all.find(text), std::string::npos) << all;
      EXPECT_EQ(all.find("secret"), std::string::npos) << all;
    }
  }

  MongocryptPeer peer;
};

TEST_F(Libmongocrypt, LoadsTheLibraryAndSeesAVersionForSeveralSchemas) {
  EXPECT_GE(peer.crypt_shared_version(), 0x0008000100000000U);
  EXPECT_EQ(peer.crypt_shared_version_string(),
            "mongo_crypt_v1-libfle-" FLE_VERSION_STRING "-compatible-8.1.0");
}

TEST_F(Libmongocrypt, EncryptsAnInsertWithoutAskingAnyoneForMarkings) {
  const Buf out = encrypt(R"({"insert": "patients", "ordered": true, "$db": "clinic",
      "documents": [{"_id": 1, "ssn": 901, "bloodType": "AB+", "name": "Jo"},
                    {"_id": 2, "ssn": 902}]})");
  EXPECT_EQ(find_value(out, {"documents", "0", "ssn"}), sealed_ssn(901));
  EXPECT_EQ(find_value(out, {"documents", "1", "ssn"}), sealed_ssn(902));
  const auto blood = payload_of(*find_value(out, {"documents", "0", "bloodType"}));
  ASSERT_TRUE(blood);
  EXPECT_EQ(blood->front(), 2);
  EXPECT_EQ(text_of(*find_value(out, {"documents", "0", "name"})), "Jo");
  Buf back;
  peer.decrypt_document(back, out);
  EXPECT_EQ(text_of(*find_value(back, {"documents", "0", "bloodType"})), "AB+");
  // What was not the analyzer's comes back in its place.
  EXPECT_EQ(fields_of(out).size(), 4U);
  EXPECT_EQ(fields_of(out)[0].first, "insert");
  EXPECT_EQ(fields_of(out)[3].first, "$db");
}

TEST_F(Libmongocrypt, LeavesACommandThatEncryptsNothingAsItIs) {
  const Buf command = bson_of(
      R"({"insert": "patients", "documents": [{"_id": 1, "name": "Jo"}], "$db": "clinic"})");
  EXPECT_EQ(json_of(peer.encrypt_command("clinic", command)), json_of(command));
}

TEST_F(Libmongocrypt, PassesOurReasonsOn) {
  expect_refused(R"({"insert": "patients", "documents": [{"_id": 1, "ssn": "secret"}]})",
                 "[Error 2, code 51999]");
  expect_refused(R"({"insert": "patients", "documents": [{"_id": 1, "ssn": "secret"}]})",
                 "documents.0.ssn");
}

TEST_F(Libmongocrypt, EncryptsTheFilterOfAFind) {
  const Buf out = encrypt(R"({"find": "patients", "filter": {"ssn": 901}, "$db": "clinic"})");
  EXPECT_EQ(find_value(out, {"filter", "ssn", "$eq"}), sealed_ssn(901));
}

TEST_F(Libmongocrypt, EncryptsFilterAndValuesOfAnUpdate) {
  const Buf out = encrypt(R"({"update": "patients", "$db": "clinic", "updates": [
      {"q": {"ssn": {"$in": [901, 902]}}, "u": {"$set": {"bloodType": "0-"}}, "multi": true}]})");
  EXPECT_EQ(find_value(out, {"updates", "0", "q", "ssn", "$in", "1"}), sealed_ssn(902));
  const auto blood = find_value(out, {"updates", "0", "u", "$set", "bloodType"});
  ASSERT_TRUE(blood);
  ASSERT_TRUE(payload_of(*blood));
  EXPECT_EQ(payload_of(*blood)->front(), 2);
}

TEST_F(Libmongocrypt, EncryptsInsideOfExplain) {
  const Buf out = encrypt(R"({"explain": {"find": "patients", "filter": {"ssn": 901}},
                              "verbosity": "queryPlanner", "$db": "clinic"})");
  EXPECT_EQ(find_value(out, {"explain", "filter", "ssn", "$eq"}), sealed_ssn(901));
  EXPECT_EQ(text_of(*find_value(out, {"verbosity"})), "queryPlanner");
}

TEST_F(Libmongocrypt, EncryptsTheFilterOfEveryCommandThatHasOne) {
  const struct {
    const char* command;
    std::initializer_list<std::string_view> path;  // of the ssn
  } kCases[] = {
      {R"({"count": "patients", "query": {"ssn": 901}})", {"query", "ssn", "$eq"}},
      {R"({"distinct": "patients", "key": "ssn", "query": {"ssn": 901}})", {"query", "ssn", "$eq"}},
      {R"({"delete": "patients", "deletes": [{"q": {"ssn": 901}, "limit": 1}]})",
       {"deletes", "0", "q", "ssn", "$eq"}},
      {R"({"findAndModify": "patients", "query": {"ssn": 901}, "update": {"$set": {"ssn": 902}}})",
       {"query", "ssn", "$eq"}},
      {R"({"findAndModify": "patients", "query": {"ssn": 5}, "update": {"$set": {"ssn": 901}}})",
       {"update", "$set", "ssn"}},
      {R"({"aggregate": "patients", "pipeline": [{"$match": {"ssn": 901}}], "cursor": {}})",
       {"pipeline", "0", "$match", "ssn", "$eq"}},
  };
  for (const auto& c : kCases) EXPECT_EQ(find_value(encrypt(c.command), c.path), sealed_ssn(901));
}

TEST_F(Libmongocrypt, RefusesAComparisonWithARandomField) {
  expect_refused(R"({"find": "patients", "filter": {"bloodType": "secret"}})",
                 "Cannot query on fields encrypted with the randomized encryption");
}

}  // namespace
}  // namespace fle::test
