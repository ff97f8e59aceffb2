// Many writes in one call: what is done, what is told, and how commands are cut.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using mongoc::Delete;
using mongoc::InsertOne;
using mongoc::Update;
using mongoc::Write;
using mongoc::WriteResult;

using BulkTest = Clinic;

std::vector<Bytes> views(const std::vector<Doc>& documents) {
  return {documents.begin(), documents.end()};
}

TEST_F(BulkTest, DoesInsertsUpdatesAndDeletesInTheirOrder) {
  auto collection = doctor();
  const Doc a = bson("{'_id': 1, 'ssn': 5}");
  const Doc b = bson("{'_id': 2, 'ssn': 6}");
  const Doc five = bson("{'ssn': 5}");
  const Doc seven = bson("{'ssn': 7}");
  const Doc set = bson("{'$set': {'bloodType': 'A+'}}");
  const Doc upsert = bson("{'upsert': true}");
  const Write writes[] = {InsertOne{a}, InsertOne{b}, Update{Update::Kind::one, five, set},
                          Delete{five, false}, Update{Update::Kind::replace, seven, seven, upsert}};
  WriteResult result;
  must(collection.bulk_write(writes, result));
  EXPECT_EQ(result.inserted, 2);
  EXPECT_EQ(result.matched, 1);
  EXPECT_EQ(result.modified, 1);
  EXPECT_EQ(result.deleted, 1);
  ASSERT_EQ(result.upserted.size(), 1u);
  EXPECT_EQ(result.upserted[0].index, 4u);
  EXPECT_EQ(must(collection.count_documents()), 2);
  EXPECT_TRUE(must(collection.find_one(seven)));
  if (server_->is_ours()) {
    EXPECT_EQ(sent("insert").size(), 1u) << "neighbors of one kind share a command";
  }
}

TEST_F(BulkTest, ADocumentWithoutIdGetsOneBeforeItIsEncrypted) {
  auto collection = doctor();
  const std::vector<Doc> documents = {bson("{'ssn': 5}"), bson("{'_id': 2}"), bson("{'ssn': 6}")};
  WriteResult result;
  must(collection.insert_many(views(documents), result));
  ASSERT_EQ(result.generated_ids.size(), 2u);
  EXPECT_EQ(result.generated_ids[1].index, 2u);
  const auto found = must(collection.find_one(result.generated_ids[1].id));
  ASSERT_TRUE(found);
  EXPECT_EQ(fields_of(*found)[0].first, "_id");
  EXPECT_EQ(find_value(*found, {"ssn"}), find_value(documents[2], {"ssn"}));
}

TEST_F(BulkTest, ARefusedWriteIsNamedByItsPlaceInTheCall) {
  auto collection = doctor();
  const Doc fine = bson("{'_id': 1, 'ssn': 5}");
  const Doc wrong = bson("{'_id': 2, 'ssn': 'five'}");
  const Doc five = bson("{'ssn': 5}");
  const Doc set = bson("{'$set': {'ssn': 6}}");
  const Doc set_wrong = bson("{'$set': {'ssn': 'six'}}");
  const Write ordered[] = {InsertOne{fine}, Update{Update::Kind::one, five, set},
                           Update{Update::Kind::one, five, set_wrong}, InsertOne{wrong}};
  WriteResult result;
  const Done done = collection.bulk_write(ordered, result);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::type_not_allowed);
  EXPECT_EQ(done.error().path, "updates.1.u.$set.ssn");
  EXPECT_EQ(done.error().document, 3u) << "the third of all writes, the second of the updates";
  EXPECT_EQ(result.inserted, 1);
  // Unordered, inserts come first.
  const Done unordered = collection.bulk_write(ordered, result, bson("{'ordered': false}"));
  ASSERT_FALSE(unordered);
  EXPECT_EQ(unordered.error().document, 4u);
}

TEST_F(BulkTest, OrderedWritesEndAtTheFirstThatFails) {
  auto collection = doctor();
  const std::vector<Doc> documents = {bson("{'_id': 1}"), bson("{'_id': 1}"), bson("{'_id': 2}")};
  WriteResult result;
  const Done done = collection.insert_many(views(documents), result);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::write_failed);
  EXPECT_EQ(done.error().server_code, 11000);
  EXPECT_EQ(done.error().document, 2u);
  EXPECT_EQ(result.inserted, 1);
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].index, 1u);
}

TEST_F(BulkTest, UnorderedWritesGoOnAndTellEveryFailureByItsPlace) {
  auto collection = doctor();
  const Doc one = bson("{'_id': 1}");
  const Doc two = bson("{'_id': 2}");
  const Write writes[] = {Delete{two, false}, InsertOne{one}, InsertOne{one},
                          Delete{two, false}, InsertOne{one}, InsertOne{two}};
  WriteResult result;
  const Done done = collection.bulk_write(writes, result, bson("{'ordered': false}"));
  ASSERT_FALSE(done);
  EXPECT_EQ(result.inserted, 2);
  EXPECT_EQ(result.deleted, 1);
  ASSERT_EQ(result.errors.size(), 2u);
  EXPECT_EQ(result.errors[0].index, 2u);
  EXPECT_EQ(result.errors[1].index, 4u);
}

TEST_F(BulkTest, ARefusedWriteIsNamedAndItsCommandIsNotSent) {
  auto collection = doctor();
  const Doc good = bson("{'_id': 1, 'ssn': 5}");
  const Doc filter = bson("{'ssn': {'$gt': 5}}");
  const Write writes[] = {InsertOne{good}, Delete{filter, false}};
  WriteResult result;
  const Done done = collection.bulk_write(writes, result);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::operator_not_allowed);
  EXPECT_EQ(done.error().document, 2u);
  EXPECT_EQ(result.inserted, 1);
  if (server_->is_ours()) {
    EXPECT_TRUE(sent("delete").empty());
  }
}

TEST_F(BulkTest, AMalformedWriteIsFoundBeforeAnythingIsSent) {
  auto collection = doctor();
  const Doc good = bson("{'_id': 1}");
  const Doc no_operator = bson("{'a': 1}");
  const Doc unknown = bson("{'fields': {}}");
  const Doc bad = {9, 0, 0, 0, 0};
  for (const Write& wrong :
       {Write(InsertOne{bad}), Write(Delete{bad, false}),
        Write(Update{Update::Kind::one, good, no_operator}), Write(Delete{good, false, unknown})}) {
    const Write writes[] = {InsertOne{good}, wrong};
    WriteResult result;
    const Done done = collection.bulk_write(writes, result);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().document, 2u);
  }
  EXPECT_TRUE(server_->commands().empty());
}

}  // namespace
}  // namespace fle::test
