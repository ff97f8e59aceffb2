// The limits of commands: how many writes are cut into them. Slow, for it takes large documents.
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using mongoc::WriteResult;

using BulkLimitsTest = Clinic;

std::vector<Bytes> views(const std::vector<Doc>& documents) {
  return {documents.begin(), documents.end()};
}

/// {_id, ssn, filler: "aaa..."}
Doc filled(int id, std::size_t bytes, const std::string& more = {}) {
  return bson("{'_id': " + std::to_string(id) + ", 'ssn': 5, 'filler': '" +
              std::string(bytes, 'a') + "'" + more + "}");
}

// The specification's prose test 4, "BSON size limits and batch splitting", and what follows from
// it. Document and field names are this clinic's.
TEST_F(BulkLimitsTest, SplitsCommandsAtTwoMebibytesBeforeEncryption) {
  auto collection = doctor();
  constexpr std::size_t kTwoMiB = 2 * 1024 * 1024;
  must(collection.insert_one(filled(1, kTwoMiB)));
  WriteResult result;
  const std::vector<Doc> large = {filled(2, kTwoMiB), filled(3, kTwoMiB)};
  static_cast<void>(server_->commands());
  must(collection.insert_many(views(large), result));
  EXPECT_EQ(result.inserted, 2);
  if (server_->is_ours()) {
    EXPECT_EQ(sent("insert").size(), 2u);
  }

  std::vector<Doc> small;
  for (int i = 10; i < 14; ++i) small.push_back(filled(i, kTwoMiB / 2 - 400));
  must(collection.insert_many(views(small), result));
  EXPECT_EQ(result.inserted, 4);
  if (server_->is_ours()) {
    EXPECT_EQ(sent("insert").size(), 2u);
  }
}

TEST_F(BulkLimitsTest, ADocumentThatOutgrowsAServersLimitByEncryptionIsNotSent) {
  auto collection = doctor();
  // Encrypted, the blood type alone has more than 16 MiB; before, the document is below.
  const Doc document = bson("{'_id': 1, 'bloodType': '" + std::string(16 * 1024 * 1024 - 100, 'a') +
                            "', 'name': '" + std::string(16 * 1024, 'b') + "'}");
  const auto inserted = collection.insert_one(document);
  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().code, Errc::document_too_large);
  EXPECT_TRUE(sent("insert").empty());
}

TEST_F(BulkLimitsTest, ACommandThatOutgrowsAServersLimitByEncryptionIsHalved) {
  // 170 documents of 1,200 small values: below 2 MiB before encryption, above 16 MiB after it.
  std::string more;
  for (int i = 0; i < 1200; ++i) more += ", 'p" + std::to_string(i) + "': 1";
  mongoc::ClientOptions options = this->options(false);
  std::string properties;
  for (int i = 0; i < 1200; ++i)
    properties += std::string(i == 0 ? "" : ", ") + "'p" + std::to_string(i) +
                  "': {'encrypt': {'bsonType': 'int'}}";
  options.auto_encryption.schema_map[db_ + ".many"] =
      plan("{'bsonType': 'object', 'encryptMetadata': {'keyId': " + key_json(key_) +
           ", 'algorithm': " + kRand + "}, 'properties': {" + properties + "}}");
  const auto doctor = client(options);
  std::vector<Doc> documents;
  for (int i = 0; i < 170; ++i)
    documents.push_back(bson("{'_id': " + std::to_string(i) + more + "}"));
  WriteResult result;
  static_cast<void>(server_->commands());
  must(doctor->collection(db_, "many").insert_many(views(documents), result));
  EXPECT_EQ(result.inserted, 170);
  if (server_->is_ours()) {
    EXPECT_GE(sent("insert").size(), 2u);
  }
}

TEST_F(BulkLimitsTest, NoCommandHasMoreThanAHundredThousandWrites) {
  const auto plain = client(options(false));
  const Doc document = bson("{'_id': null}");  // so small that 2 MiB have room for more
  WriteResult result;
  static_cast<void>(server_->commands());
  const Done done =
      plain->collection(db_, "nothing").insert_many(std::vector<Bytes>(100'001, document), result);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().server_code, 11000);
  EXPECT_EQ(result.inserted, 1);
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  const auto commands = sent("insert");
  ASSERT_EQ(commands.size(), 1u);
  std::size_t n = 0;
  for (auto at = commands[0].find("_id"); at != std::string::npos;
       at = commands[0].find("_id", at + 1))
    ++n;
  EXPECT_EQ(n, 100'000u);
}

}  // namespace
}  // namespace fle::test
