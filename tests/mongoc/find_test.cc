// What an EncryptedCollection inserts, finds and counts.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using FindTest = Clinic;

TEST_F(FindTest, WhatIsInsertedIsNowhereInTheBytesSentAndReadsBackAsItWas) {
  auto collection = doctor();
  must(collection.insert_one(patient()));
  const auto found = must(collection.find_one(bson("{'ssn': 241014209}")));
  ASSERT_TRUE(found);
  EXPECT_EQ(json(found), json(Bytes(patient())));
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  const std::string bytes = server_->bytes();
  EXPECT_NE(bytes.find("Jon Doe"), std::string::npos);  // what is not encrypted can be seen
  EXPECT_TRUE(holds_number(bytes, 1));
  EXPECT_EQ(bytes.find("canary"), std::string::npos);
  for (const std::int32_t secret : {241014209, 123142})
    EXPECT_FALSE(holds_number(bytes, secret)) << secret;
}

TEST_F(FindTest, EqualValuesAreEqualCiphertextsUnderTheDeterministicAlgorithmOnly) {
  auto collection = doctor();
  for (const char* id : {"1", "2"})
    must(collection.insert_one(
        bson(std::string("{'_id': ") + id + ", 'ssn': 5, 'bloodType': 'AB+'}")));
  const Doc reply = bson(stored());
  const auto at = [&](const char* i, const char* field) {
    return find_value(reply, {"cursor", "firstBatch", i, field}).value();
  };
  EXPECT_TRUE(payload_of(at("0", "ssn")));
  EXPECT_EQ(at("0", "ssn"), at("1", "ssn"));
  EXPECT_TRUE(payload_of(at("0", "bloodType")));
  EXPECT_NE(at("0", "bloodType"), at("1", "bloodType"));
  EXPECT_EQ(all_of(must(collection.find(bson("{'ssn': 5}")))).size(), 2u);
  EXPECT_EQ(all_of(must(collection.find(bson("{'ssn': {'$in': [5, 6]}}")))).size(), 2u);
  EXPECT_EQ(all_of(must(collection.find(bson("{'ssn': 6}")))).size(), 0u);
}

TEST_F(FindTest, ARefusedQueryIsNotSent) {
  auto collection = doctor();
  const auto found = collection.find(bson("{'ssn': {'$gt': 241014209}}"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::operator_not_allowed);
  EXPECT_EQ(found.error().to_string().find("241014209"), std::string::npos);
  const auto by_random = collection.find_one(bson("{'bloodType': 'AB+'}"));
  ASSERT_FALSE(by_random);
  EXPECT_EQ(by_random.error().code, Errc::random_not_comparable);
  EXPECT_TRUE(sent("find").empty());
}

TEST_F(FindTest, AggregatesCountsAndListsDistinctValues) {
  auto collection = doctor();
  for (const char* d : {"{'_id': 1, 'ssn': 5, 'name': 'a'}", "{'_id': 2, 'ssn': 5, 'name': 'b'}",
                        "{'_id': 3, 'ssn': 6, 'name': 'c'}"})
    must(collection.insert_one(bson(d)));
  const auto matched = all_of(must(
      collection.aggregate(bson("{'0': {'$match': {'ssn': 5}}, '1': {'$sort': {'_id': -1}}}"))));
  ASSERT_EQ(matched.size(), 2u);
  EXPECT_EQ(matched[0], R"({ "_id" : 2, "ssn" : 5, "name" : "b" })");
  EXPECT_EQ(must(collection.count_documents(bson("{'ssn': 5}"))), 2);
  EXPECT_EQ(must(collection.count_documents()), 3);
  EXPECT_EQ(must(collection.count_documents({}, bson("{'skip': 1, 'limit': 5}"))), 2);
  EXPECT_EQ(must(collection.count_documents(bson("{'ssn': 7}"))), 0);
  EXPECT_EQ(must(collection.estimated_count()), 3);
  EXPECT_EQ(json(Bytes(must(collection.distinct("ssn", {})))), R"({ "0" : 5, "1" : 6 })");
  EXPECT_EQ(json(Bytes(must(collection.distinct("ssn", bson("{'ssn': 6}"))))), R"({ "0" : 6 })");
}

TEST_F(FindTest, SortsSkipsLimitsAndProjects) {
  auto collection = doctor();
  for (const char* d : {"{'_id': 3, 'ssn': 33}", "{'_id': 1, 'ssn': 11}", "{'_id': 2, 'ssn': 22}"})
    must(collection.insert_one(bson(d)));
  const auto found = all_of(must(collection.find({}, bson("{'sort': {'_id': 1}, 'skip': 1, "
                                                          "'limit': 1, 'projection': {'_id': 0, "
                                                          "'ssn': 1}}"))));
  EXPECT_EQ(found, std::vector<std::string>{R"({ "ssn" : 22 })"});
}

TEST_F(FindTest, WithoutMasterKeysReadsWhatIsNotEncrypted) {
  must(doctor().insert_one(patient()));
  mongoc::ClientOptions options = this->options();
  options.kms_providers = nullptr;
  options.auto_encryption.missing_keys = client::MissingKeys::keep;
  const auto receptionist = client(options);
  auto cursor = must(receptionist->collection(db_, "patients").find(bson("{'name': 'Jon Doe'}")));
  const auto found = must(cursor.next());
  ASSERT_TRUE(found);
  EXPECT_EQ(text_of(find_value(*found, {"name"}).value()), "Jon Doe");
  EXPECT_TRUE(payload_of(find_value(*found, {"ssn"}).value()));
  ASSERT_EQ(cursor.kept().size(), 4u);
  EXPECT_EQ(cursor.kept()[0].path, "cursor.firstBatch.0.ssn");
  EXPECT_EQ(cursor.kept()[0].reason, Errc::kms_not_configured);
  // A search needs the key.
  const auto by_ssn = receptionist->collection(db_, "patients").find(bson("{'ssn': 241014209}"));
  ASSERT_FALSE(by_ssn);
  EXPECT_EQ(by_ssn.error().code, Errc::kms_not_configured);

  options.auto_encryption.missing_keys = client::MissingKeys::fail;
  const auto strict = client(options)->collection(db_, "patients").find();
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, Errc::kms_not_configured);
}

TEST_F(FindTest, SchemasComeFromTheServerWhereTheMapHasNone) {
  const auto plain = client(options(false));
  const std::string schema =
      "{'bsonType': 'object', 'properties': {'ssn': {'encrypt': {'bsonType': 'int', 'algorithm': " +
      kDet + ", 'keyId': " + key_json(key_) + "}}}}";
  must(plain->create_collection(db_, "patients",
                                bson("{'validator': {'$jsonSchema': " + schema + "}}")));
  auto collection = plain->collection(db_, "patients");
  must(collection.insert_one(bson("{'_id': 1, 'ssn': 5}")));
  EXPECT_TRUE(payload_of(find_value(bson(stored()), {"cursor", "firstBatch", "0", "ssn"}).value()));
  EXPECT_EQ(json(must(collection.find_one(bson("{'ssn': 5}")))), R"({ "_id" : 1, "ssn" : 5 })");
}

TEST_F(FindTest, AViewIsRefused) {
  const auto plain = client(options(false));
  must(plain->create_collection(db_, "view", bson("{'viewOn': 'patients', 'pipeline': []}")));
  const auto found = plain->collection(db_, "view").find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::view_not_supported);
}

TEST_F(FindTest, BypassSendsWhatItGetsAndDecryptsAllTheSame) {
  must(doctor().insert_one(bson("{'_id': 1, 'ssn': 5}")));
  mongoc::ClientOptions options = this->options();
  options.auto_encryption.bypass_auto_encryption = true;
  const auto bypassing = client(options);
  auto collection = bypassing->collection(db_, "patients");
  must(collection.insert_one(bson("{'_id': 2, 'ssn': 6}")));
  EXPECT_NE(stored().find(R"("ssn" : { "$numberInt" : "6" })"), std::string::npos);
  EXPECT_EQ(
      all_of(must(collection.find({}, bson("{'sort': {'_id': 1}}")))),
      (std::vector<std::string>{R"({ "_id" : 1, "ssn" : 5 })", R"({ "_id" : 2, "ssn" : 6 })"}));
}

TEST_F(FindTest, RunsCommandsAndRefusesThoseThatItCannotVouchFor) {
  const auto doctor = client(options());
  EXPECT_TRUE(doctor->run_command("admin", bson("{'ping': 1}")));
  const auto reply = must(doctor->run_command(
      db_, bson("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}")));
  EXPECT_EQ(find_value(reply, {"n"}).value().bytes[0], 1);
  const auto killed = doctor->run_command("admin", bson("{'killOp': 1, 'op': 1}"));
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, Errc::command_not_supported);
}

// libmongoc would send its own beside them.
TEST_F(FindTest, ACommandThatNamesItsSessionIsNotSent) {
  const auto c = client(options());
  const std::string insert = "{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}], ";
  for (const std::string field :
       {"'lsid': {'id': {'$uuid': '00000000-0000-4000-8000-000000000000'}}",
        "'txnNumber': {'$numberLong': '1'}", "'startTransaction': true", "'autocommit': false"}) {
    const auto done = c->run_command(db_, bson(insert + field + "}"));
    ASSERT_FALSE(done) << field;
    EXPECT_EQ(done.error().code, Errc::invalid_argument) << field;
    const auto made = c->create_collection(db_, "visits", bson("{" + field + "}"));
    ASSERT_FALSE(made) << field;
    EXPECT_EQ(made.error().code, Errc::invalid_argument) << field;
  }
  EXPECT_TRUE(sent("insert").empty());
  EXPECT_TRUE(sent("create").empty());
}

TEST_F(FindTest, OptionsThatAFunctionDoesNotTakeAreRefused) {
  auto collection = doctor();
  for (const char* options : {"{'filter': {}}", "{'find': 'other'}", "{'readConcern': {}}",
                              "{'sort': {'_id': 1}, 'sort': {'_id': -1}}"}) {
    const auto found = collection.find({}, bson(options));
    ASSERT_FALSE(found) << options;
    EXPECT_EQ(found.error().code, Errc::invalid_argument);
  }
  const auto counted = collection.count_documents({}, bson("{'upsert': true}"));
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().path, "upsert");
  EXPECT_FALSE(collection.find_one(Doc{1, 2, 3}));
  EXPECT_FALSE(client(options())->create_collection(db_, "c", bson("{'create': 'd'}")));
  EXPECT_TRUE(server_->commands().empty());
}

}  // namespace
}  // namespace fle::test
