// What an EncryptedCollection changes and removes.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using UpdateTest = Clinic;

TEST_F(UpdateTest, SetsEncryptedFieldsOfWhatItFindsByThem) {
  auto collection = doctor();
  must(collection.insert_one(patient()));
  const auto result = must(collection.update_one(
      bson("{'ssn': 241014209}"), bson("{'$set': {'ssn': 77, 'bloodType': 'B- canary'}}")));
  EXPECT_EQ(result.matched, 1);
  EXPECT_EQ(result.modified, 1);
  EXPECT_FALSE(must(collection.find_one(bson("{'ssn': 241014209}"))));
  const auto found = must(collection.find_one(bson("{'ssn': 77}")));
  ASSERT_TRUE(found);
  EXPECT_EQ(text_of(find_value(*found, {"bloodType"}).value()), "B- canary");
  EXPECT_EQ(server_->bytes().find("canary"), std::string::npos);
}

TEST_F(UpdateTest, UpdatesManyAndCountsThem) {
  auto collection = doctor();
  for (const int id : {1, 2, 3})
    must(collection.insert_one(bson("{'_id': " + std::to_string(id) + ", 'ssn': 5}")));
  const auto result =
      must(collection.update_many(bson("{'ssn': 5}"), bson("{'$set': {'name': 'x'}}")));
  EXPECT_EQ(result.matched, 3);
  EXPECT_EQ(result.modified, 3);
}

TEST_F(UpdateTest, ReplacesWholeDocuments) {
  auto collection = doctor();
  must(collection.insert_one(patient()));
  const auto result = must(collection.replace_one(bson("{'ssn': 241014209}"), bson("{'ssn': 6}")));
  EXPECT_EQ(result.matched, 1);
  EXPECT_EQ(json(must(collection.find_one())), R"({ "_id" : 1, "ssn" : 6 })");
}

TEST_F(UpdateTest, AnUpsertTellsTheIdOfWhatItMade) {
  auto collection = doctor();
  const auto result =
      must(collection.update_one(bson("{'_id': 9, 'ssn': 5}"),
                                 bson("{'$set': {'bloodType': '0-'}}"), bson("{'upsert': true}")));
  EXPECT_EQ(result.matched, 0);
  ASSERT_EQ(result.upserted.size(), 1u);
  EXPECT_EQ(json(Bytes(result.upserted[0].id)), R"({ "_id" : 9 })");
  EXPECT_EQ(json(must(collection.find_one(bson("{'ssn': 5}")))),
            R"({ "_id" : 9, "ssn" : 5, "bloodType" : "0-" })");
}

TEST_F(UpdateTest, AnUpdateThatCannotWorkOnEncryptedFieldsIsNotSent) {
  auto collection = doctor();
  for (const char* change :
       {"{'$push': {'medicalRecords': {'weight': 181}}}", "{'$inc': {'ssn': 1}}"}) {
    const auto updated = collection.update_one(bson("{'ssn': 5}"), bson(change));
    ASSERT_FALSE(updated) << change;
    EXPECT_EQ(updated.error().code, Errc::update_not_allowed);
  }
  EXPECT_TRUE(sent("update").empty());
}

TEST_F(UpdateTest, AnUpdateIsNotTakenForAReplacementOrTheReverse) {
  auto collection = doctor();
  const Doc filter = bson("{'_id': 1}");
  EXPECT_EQ(collection.update_one(filter, bson("{'name': 'x'}")).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(collection.update_one(filter, bson("{}")).error().code, Errc::invalid_argument);
  EXPECT_EQ(collection.replace_one(filter, bson("{'$set': {'name': 'x'}}")).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(collection.find_one_and_replace(filter, bson("{'$set': {'a': 1}}")).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(collection.find_one_and_update(filter, bson("{'a': 1}")).error().code,
            Errc::invalid_argument);
  EXPECT_TRUE(server_->commands().empty());
}

TEST_F(UpdateTest, DeletesWhatItFindsByEncryptedFields) {
  auto collection = doctor();
  for (const int id : {1, 2, 3})
    must(collection.insert_one(bson("{'_id': " + std::to_string(id) + ", 'ssn': 5}")));
  EXPECT_EQ(must(collection.delete_one(bson("{'ssn': 5}"))).deleted, 1);
  EXPECT_EQ(must(collection.delete_many(bson("{'ssn': 5}"))).deleted, 2);
  EXPECT_EQ(must(collection.delete_many(bson("{'ssn': 5}"))).deleted, 0);
}

TEST_F(UpdateTest, FindsAndChangesAtOnce) {
  auto collection = doctor();
  must(collection.insert_one(bson("{'_id': 1, 'ssn': 5}")));
  const Doc filter = bson("{'ssn': {'$in': [5, 6]}}");
  EXPECT_EQ(json(must(collection.find_one_and_update(filter, bson("{'$set': {'ssn': 6}}")))),
            R"({ "_id" : 1, "ssn" : 5 })");
  EXPECT_EQ(json(must(collection.find_one_and_update(filter, bson("{'$set': {'name': 'x'}}"),
                                                     bson("{'new': true}")))),
            R"({ "_id" : 1, "ssn" : 6, "name" : "x" })");
  EXPECT_EQ(json(must(collection.find_one_and_replace(filter, bson("{'ssn': 5}")))),
            R"({ "_id" : 1, "ssn" : 6, "name" : "x" })");
  EXPECT_EQ(json(must(collection.find_one_and_delete(filter))), R"({ "_id" : 1, "ssn" : 5 })");
  EXPECT_EQ(json(must(collection.find_one_and_delete(filter))), "none");
}

TEST_F(UpdateTest, AWriteOnTooFewServersIsAFailure) {
  auto collection = doctor();
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  const std::string how =
      R"("writeConcernError": {"code": 100, "errmsg": "Not enough data-bearing nodes"})";
  fail_next("insert", how);
  mongoc::WriteResult result;
  const Doc document = bson("{'_id': 1}");
  const Bytes documents[] = {document};
  const Done done = collection.insert_many(documents, result);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::write_failed);
  EXPECT_EQ(done.error().server_code, 100);
  EXPECT_EQ(result.inserted, 1);  // it is there all the same
  ASSERT_EQ(result.concern_errors.size(), 1u);
  fail_next("findAndModify", how);
  const auto changed = collection.find_one_and_delete(bson("{'_id': 1}"));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Errc::write_failed);
}

TEST_F(UpdateTest, MakesIndexesWithTheNamesOfTheDrivers) {
  auto collection = doctor();
  const Doc one = bson("{'key': {'ssn': 1}, 'unique': true}");
  const Doc two = bson("{'key': {'name': 1, 'insurance.provider': -1}}");
  const Bytes indexes[] = {one, two};
  must(collection.create_indexes(indexes));
  const std::string made = MongoClient(server_->uri()).run(db_, R"({"listIndexes": "patients"})");
  EXPECT_NE(made.find("\"ssn_1\""), std::string::npos);
  EXPECT_NE(made.find("\"name_1_insurance.provider_-1\""), std::string::npos);
  must(collection.insert_one(bson("{'ssn': 5}")));
  const auto twice = collection.insert_one(bson("{'ssn': 5}"));
  ASSERT_FALSE(twice) << "a unique index holds for deterministic ciphertexts";
  EXPECT_EQ(twice.error().server_code, 11000);
  must(collection.drop());
  must(collection.drop());  // nothing is left to drop
  EXPECT_EQ(must(collection.count_documents()), 0);
}

}  // namespace
}  // namespace fle::test
