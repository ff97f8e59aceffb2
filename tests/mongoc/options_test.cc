// Options: those that the functions read themselves, and those that not every command takes.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using mongoc::Delete;
using mongoc::InsertOne;
using mongoc::Update;
using mongoc::Write;
using mongoc::WriteResult;

class OptionsTest : public Clinic {
 protected:
  /// Inserts {_id, ssn} for _id from 1 to `n`.
  static void fill(mongoc::EncryptedCollection& collection, int n) {
    for (int i = 1; i <= n; ++i)
      must(collection.insert_one(bson("{'_id': " + std::to_string(i) + ", 'ssn': 5}")));
  }
};

TEST_F(OptionsTest, OneThatTheFunctionGoesByIsRefusedWhereItCannot) {
  auto collection = doctor();
  fill(collection, 3);
  for (const char* value : {"'2'", "2.5", "null", "{'$numberDecimal': '2'}", "true", "[2]",
                            "{'$numberDouble': 'NaN'}", "1e300"}) {
    for (const char* name : {"limit", "skip"}) {
      const auto counted =
          collection.count_documents({}, bson(std::string("{'") + name + "': " + value + "}"));
      ASSERT_FALSE(counted) << name << ": " << value;
      EXPECT_EQ(counted.error().code, Errc::invalid_argument);
      EXPECT_EQ(counted.error().path, name);
    }
    const Doc batch_size = bson(std::string("{'batchSize': ") + value + "}");
    EXPECT_EQ(collection.find({}, batch_size).error().code, Errc::invalid_argument) << value;
    EXPECT_EQ(collection.aggregate({}, batch_size).error().code, Errc::invalid_argument) << value;
  }
  const Doc document = bson("{'_id': 9}");
  const Bytes documents[] = {document};
  for (const char* value : {"0", "null", "'false'"}) {
    WriteResult result;
    const Done done =
        collection.insert_many(documents, result, bson(std::string("{'ordered': ") + value + "}"));
    ASSERT_FALSE(done) << value;
    EXPECT_EQ(done.error().code, Errc::invalid_argument) << value;
  }
  EXPECT_EQ(must(collection.count_documents()), 3);
}

TEST_F(OptionsTest, NumbersHaveAnyBsonTypeOfThem) {
  auto collection = doctor();
  fill(collection, 3);
  for (const char* two : {"2", "2.0", "{'$numberLong': '2'}"}) {
    EXPECT_EQ(must(collection.count_documents({}, bson(std::string("{'limit': ") + two + "}"))), 2);
    const auto cursor = collection.find({}, bson(std::string("{'batchSize': ") + two + "}"));
    EXPECT_TRUE(cursor) << two;
  }
}

TEST_F(OptionsTest, AFirstBatchMayBeEmpty) {
  auto collection = doctor();
  fill(collection, 3);
  static_cast<void>(server_->commands());
  EXPECT_EQ(all_of(must(collection.find({}, bson("{'batchSize': 0}")))).size(), 3u);
  EXPECT_EQ(all_of(must(collection.aggregate({}, bson("{'batchSize': 0}")))).size(), 3u);
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  EXPECT_EQ(sent("getMore").size(), 2u);
}

TEST_F(OptionsTest, OfABulkGoWhereTheyAreTaken) {
  auto collection = doctor();
  const Doc document = bson("{'_id': 1, 'ssn': 5}");
  const Doc five = bson("{'ssn': 5}");
  const Doc six = bson("{'$set': {'ssn': 6}}");
  const Write writes[] = {InsertOne{document}, Update{Update::Kind::one, five, six}, Delete{five}};
  static_cast<void>(server_->commands());
  WriteResult result;
  must(collection.bulk_write(
      writes, result, bson("{'let': {'x': 1}, 'bypassDocumentValidation': true, 'comment': 'c'}")));
  EXPECT_EQ(result.inserted, 1);
  EXPECT_EQ(result.modified, 1);
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  const auto commands = server_->commands();
  const auto taken = [&](const std::string& name) {
    std::string out;
    for (const std::string& command : commands)
      if (command.starts_with("{\"" + name))
        for (const std::string option : {"let", "bypassDocumentValidation", "comment"})
          if (command.find('"' + option + "\":") != std::string::npos) out += option + ' ';
    return out;
  };
  EXPECT_EQ(taken("insert"), "bypassDocumentValidation comment ");
  EXPECT_EQ(taken("update"), "let bypassDocumentValidation comment ");
  EXPECT_EQ(taken("delete"), "let comment ");
}

}  // namespace
}  // namespace fle::test
