// Cursors: batch by batch, and what becomes of those that are not read to their end.
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "mongoc/clinic.h"

namespace fle::test {
namespace {

class CursorTest : public Clinic {
 protected:
  void insert(mongoc::EncryptedCollection& collection, int n) {
    std::vector<Doc> documents;
    for (int i = 0; i < n; ++i)
      documents.push_back(
          bson("{'_id': " + std::to_string(i) + ", 'ssn': " + std::to_string(100 + i) + "}"));
    mongoc::WriteResult result;
    must(collection.insert_many({std::vector<Bytes>(documents.begin(), documents.end())}, result));
    static_cast<void>(server_->commands());
  }
};

TEST_F(CursorTest, DecryptsEveryBatch) {
  auto collection = doctor();
  insert(collection, 7);
  const auto found =
      all_of(must(collection.find({}, bson("{'batchSize': 3, 'sort': {'_id': 1}}"))));
  ASSERT_EQ(found.size(), 7u);
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(found[static_cast<std::size_t>(i)],
              "{ \"_id\" : " + std::to_string(i) + ", \"ssn\" : " + std::to_string(100 + i) + " }");
  if (server_->is_ours()) {
    EXPECT_EQ(sent("getMore").size(), 2u);
  }
  EXPECT_EQ(all_of(must(collection.aggregate(bson("{}"), bson("{'batchSize': 2}")))).size(), 7u);
}

TEST_F(CursorTest, OneThatIsNotReadToItsEndIsEndedAtTheServer) {
  auto collection = doctor();
  insert(collection, 7);
  {
    auto cursor = must(collection.find({}, bson("{'batchSize': 3}")));
    ASSERT_TRUE(must(cursor.next()));
    if (server_->is_ours()) {
      EXPECT_TRUE(sent("killCursors").empty());
    }
  }
  if (server_->is_ours()) {
    EXPECT_EQ(sent("killCursors").size(), 1u);
  }
  all_of(must(collection.find({}, bson("{'batchSize': 3}"))));
  if (server_->is_ours()) {
    EXPECT_TRUE(sent("killCursors").empty()) << "nothing is left of it";
  }
}

TEST_F(CursorTest, KeepsASessionToItselfWhileThereIsMore) {
  auto collection = doctor();
  insert(collection, 7);
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  const auto session = [](const std::string& command) {
    const auto lsid = find_value(bson(command), {"lsid", "id"});
    return lsid ? lsid->bytes : Buf();
  };
  auto cursor = must(collection.find({}, bson("{'batchSize': 3}")));
  const Buf held = session(sent("find").at(0));
  ASSERT_FALSE(held.empty());
  must(collection.count_documents());
  EXPECT_NE(session(sent("aggregate").at(0)), held);
  EXPECT_EQ(all_of(std::move(cursor)).size(), 7u);
  const auto more = sent("getMore");
  ASSERT_EQ(more.size(), 2u);
  for (const std::string& command : more) EXPECT_EQ(session(command), held);
}

TEST_F(CursorTest, AFailureIsRepeatedAndNotTakenForTheEnd) {
  auto collection = doctor();
  insert(collection, 7);
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  auto cursor = must(collection.find({}, bson("{'batchSize': 3}")));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(must(cursor.next()));
  fail_next("getMore", R"("errorCode": 43)");
  for (int i = 0; i < 2; ++i) {
    const auto next = cursor.next();
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, Errc::server_refused);
    EXPECT_EQ(next.error().server_code, 43);
  }
}

TEST_F(CursorTest, ADamagedValueFailsTheBatch) {
  auto collection = doctor();
  insert(collection, 2);
  Doc forged = *must(client([&] {
                       mongoc::ClientOptions o = options(false);
                       o.kms_providers = nullptr;
                       o.auto_encryption.missing_keys = client::MissingKeys::keep;
                       return o;
                     }())
                         ->collection(db_, "patients")
                         .find_one(bson("{'_id': 0}")));
  forged[forged.size() - 3] ^= 1;
  mongoc::ClientOptions bypass = options(false);
  bypass.auto_encryption.bypass_auto_encryption = true;
  must(client(bypass)->collection(db_, "patients").replace_one(bson("{'_id': 0}"), forged));
  const auto found = collection.find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::auth_failed);
}

TEST_F(CursorTest, OutlivesClientAndCollection) {
  std::optional<mongoc::Cursor> cursor;
  {
    auto collection = doctor();
    insert(collection, 7);
    cursor.emplace(must(collection.find({}, bson("{'batchSize': 3}"))));
  }
  EXPECT_EQ(all_of(std::move(*cursor)).size(), 7u);
}

TEST_F(CursorTest, AForkedChildSaysNothingOnItsParentsConnection) {
  auto collection = doctor();
  insert(collection, 7);
  auto cursor = std::make_optional(must(collection.find({}, bson("{'batchSize': 3}"))));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(must(cursor->next()));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto next = cursor->next();
    const bool is_told = !next && next.error().code == Errc::invalid_argument;
    cursor.reset();
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  if (server_->is_ours()) {
    for (const std::string& command : server_->commands())
      EXPECT_FALSE(command.find("getMore") != std::string::npos ||
                   command.find("killCursors") != std::string::npos)
          << command;
  }
  EXPECT_EQ(all_of(*std::move(cursor)).size(), 4u);
}

TEST_F(CursorTest, AServerThatWasLostIsNotWaitedForOnceMore) {
  auto collection = doctor();
  insert(collection, 7);
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  {
    auto cursor = must(collection.find({}, bson("{'batchSize': 3}")));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(must(cursor.next()));
    fail_next("getMore", R"("closeConnection": true)");
    const auto next = cursor.next();
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, Errc::server_unreachable);
  }
  EXPECT_TRUE(sent("killCursors").empty());
}

TEST_F(CursorTest, APoolOfOneConnectionDoesNotWaitForItself) {
  mongoc::ClientOptions options = this->options(false);
  const auto small = must(mongoc::EncryptedClient::create(
      server_->uri() + (server_->uri().find('?') == std::string::npos ? "?" : "&") +
          "maxPoolSize=1&waitQueueTimeoutMS=100",
      std::move(options)));
  auto collection = small->collection(db_, "others");  // its schema has to be asked for
  insert(collection, 7);
  auto cursor = must(collection.find({}, bson("{'batchSize': 3}")));
  const auto meanwhile = collection.count_documents();
  ASSERT_FALSE(meanwhile) << "the cursor holds the only connection";
  EXPECT_EQ(meanwhile.error().code, Errc::server_unreachable);
  EXPECT_EQ(all_of(std::move(cursor)).size(), 7u);
  EXPECT_EQ(must(collection.count_documents()), 7);
}

TEST_F(CursorTest, ThreadsShareAClient) {
  auto collection = doctor();
  insert(collection, 20);
  std::vector<std::thread> threads;
  std::vector<int> found(4);
  for (std::size_t t = 0; t < found.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        auto cursor = collection.find(bson("{'ssn': " + std::to_string(100 + i) + "}"),
                                      bson("{'batchSize': 1}"));
        if (!cursor) return;
        const auto next = cursor->next();
        if (next && *next) ++found[t];
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(found, std::vector<int>(4, 10));
}

}  // namespace
}  // namespace fle::test
