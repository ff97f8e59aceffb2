// The key vault in MongoDB: what it sends, and what it makes of answers that no other vault gets.
#include <algorithm>
#include <functional>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "fle/kms/rewrap.h"
#include "kms/support.h"
#include "mongo_fixture/mongo_client.h"
#include "mongo_fixture/mongo_fixture.h"
#include "support/patience.h"

namespace fle::kms {
namespace {

using fle::test::MongoClient;
using fle::test::MongoFixture;
using test::document;
using test::id_of;

/// id_of(n) for n below 4.
std::string uuid_json(std::uint32_t n) {
  return R"({"$binary": {"base64": "AAAAA)" + std::string(1, "AQgw"[n]) +
         R"(AAAAAAAAAAAAAAAA==", "subType": "04"}})";
}

class MongoVault : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_mongo_vault()) GTEST_SKIP() << "built without libmongoc";
    if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
    static MongoFixture fixture;
    mongo_ = &fixture;
    database_ = fixture.new_database();
    client_.emplace(fixture.uri());
    vault_ = open();
    static_cast<void>(mongo_->commands());  // those of earlier tests
  }
  void TearDown() override {
    if (client_) client_->run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  }
  [[nodiscard]] std::unique_ptr<KeyVault> open() const {
    auto vault = open_mongo_vault({mongo_->uri(), database_, "keys"});
    EXPECT_TRUE(vault) << vault.error().to_string();
    return std::move(*vault);
  }
  /// A command on the vault's database.
  void run(const std::string& command) { client_->run(database_, command); }
  void fail(const std::string& command, const std::string& how, int times = 1) {
    client_->run("admin", R"({"configureFailPoint": "failCommand", "mode": {"times": )" +
                              std::to_string(times) + R"(}, "data": {"failCommands": [")" +
                              command + R"("], )" + how + "}}");
  }
  /// Expects that exactly these commands came in, apart from what libmongoc adds to each.
  void expect_commands(const std::vector<std::string>& expected) {
    const auto came = mongo_->commands();
    ASSERT_EQ(came.size(), expected.size()) << (came.empty() ? "" : came.back());
    for (std::size_t i = 0; i < came.size(); ++i)
      EXPECT_EQ(test::json_of(without_session(came[i])), test::json_of(test::bson_of(expected[i])));
  }
  static test::Buf without_session(const std::string& json) {
    const test::Buf in = test::bson_of(json);
    bson_t b;
    bson_t out = BSON_INITIALIZER;
    EXPECT_TRUE(bson_init_static(&b, in.data(), in.size()));
    bson_copy_to_excluding_noinit(&b, &out, "lsid", "$db", "$clusterTime", "txnNumber",
                                  "$readPreference", "ordered", static_cast<const char*>(nullptr));
    const std::uint8_t* p = bson_get_data(&out);
    test::Buf bytes(p, p + out.len);
    bson_destroy(&out);
    return bytes;
  }
  MongoFixture* mongo_ = nullptr;
  std::string database_;
  std::optional<MongoClient> client_;
  std::unique_ptr<KeyVault> vault_;
};

const std::string kMajorityRead = R"("readConcern": {"level": "majority"})";
const std::string kMajorityWrite = R"("writeConcern": {"w": "majority"})";

TEST_F(MongoVault, SendsWhatDriversSend) {
  if (!mongo_->is_ours()) GTEST_SKIP() << "only our own server tells";
  const KeyDocument key = document(1, {"a"});
  ASSERT_TRUE(vault_->insert(key));
  expect_commands(
      {R"({"listIndexes": "keys", "cursor": {}})",
       R"({"createIndexes": "keys", "indexes": [{"name": "keyAltNames_1", "key": {"keyAltNames": 1},
           "unique": true, "partialFilterExpression": {"keyAltNames": {"$exists": true}}}], )" +
           kMajorityWrite + "}",
       R"({"listIndexes": "keys", "cursor": {}})",
       R"({"insert": "keys", )" + kMajorityWrite + R"(, "documents": [)" +
           test::json_of(to_bson(key)) + "]}"});
  const KeyId ids[] = {id_of(1), id_of(2)};
  const std::string names[] = {"a"};
  ASSERT_TRUE(vault_->find(ids, names));
  ASSERT_TRUE(vault_->list());
  expect_commands({R"({"find": "keys", "filter": {"$or": [{"_id": {"$in": [)" + uuid_json(1) +
                       ", " + uuid_json(2) + R"(]}}, {"keyAltNames": {"$in": ["a"]}}]}, )" +
                       kMajorityRead + "}",
                   R"({"find": "keys", "filter": {}, )" + kMajorityRead + "}"});
  ASSERT_TRUE(vault_->add_alt_name(id_of(1), "b"));
  ASSERT_TRUE(vault_->remove_alt_name(id_of(1), "b"));
  ASSERT_TRUE(vault_->delete_key(id_of(2)));
  expect_commands({R"({"findAndModify": "keys", "query": {"_id": )" + uuid_json(1) +
                       R"(}, "update": {"$addToSet": {"keyAltNames": "b"}}, )" + kMajorityWrite +
                       "}",
                   R"({"findAndModify": "keys", "query": {"_id": )" + uuid_json(1) +
                       R"(, "keyAltNames": "b"}, "update": [{"$set": {"keyAltNames": {"$cond": [
               {"$eq": ["$keyAltNames", ["b"]]}, "$$REMOVE", {"$filter": {"input": "$keyAltNames",
               "cond": {"$ne": ["$$this", "b"]}}}]}}}], )" +
                       kMajorityWrite + "}",
                   R"({"delete": "keys", )" + kMajorityWrite + R"(, "deletes": [{"q": {"_id": )" +
                       uuid_json(2) + R"(}, "limit": 1}]})"});
  const Rewrapping to{id_of(1), key.key_material, {1, 2, 3}, MasterKey::local("local:new")};
  ASSERT_TRUE(vault_->rewrap({&to, 1})->empty());
  const std::string old_material = test::json_of(to_bson(key));
  const std::size_t at = old_material.find("{ \"$binary\"", old_material.find("keyMaterial"));
  expect_commands({R"({"update": "keys", )" + kMajorityWrite + R"(, "updates": [{"q": {"_id": )" +
                   uuid_json(1) + R"(, "keyMaterial": )" +
                   old_material.substr(at, old_material.find("} }", at) + 3 - at) +
                   R"(}, "u": {"$set": {"masterKey": {"provider": "local:new"}, "keyMaterial":
                       {"$binary": {"base64": "AQID", "subType": "00"}}},
                       "$currentDate": {"updateDate": true}}, "upsert": false, "multi": false}]})"});
}

TEST_F(MongoVault, PassesFiltersOnAndReportsWhatTheServerRefuses) {
  for (std::uint32_t n = 1; n <= 3; ++n)
    ASSERT_TRUE(vault_->insert(document(n, {"n" + std::to_string(n)})));
  // Beyond what the other vaults understand.
  const auto filter =
      KeyFilter::from_bson(test::bson_of(R"({"$nor": [{"keyAltNames": {"$regex": "^n[13]$"}}]})"));
  const auto keys = vault_->match(*filter);
  ASSERT_TRUE(keys) << keys.error().to_string();
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ(keys->front().id, id_of(2));
}

TEST_F(MongoVault, ReadsMoreKeysThanOneAnswerHolds) {
  std::vector<KeyDocument> keys;
  for (std::uint32_t n = 0; n < 500; ++n) keys.push_back(document(n));
  ASSERT_TRUE(vault_->insert_many(keys));
  const auto all = vault_->list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(all->at(i).stored, to_bson(keys[i]));
}

TEST_F(MongoVault, TakesAnIndexThatIsThereAndRefusesAWrongOne) {
  const auto index = [](const std::string& more) {
    return R"({"createIndexes": "keys", "indexes": [{"name": "other", "key": {"keyAltNames": 1})" +
           more + "}]}";
  };
  run(index(R"(, "unique": true, "partialFilterExpression": {"keyAltNames": {"$exists": true}})"));
  EXPECT_TRUE(vault_->insert(document(1, {"a"})));
  for (const char* wrong : {"", R"(, "unique": false)", R"(, "unique": true)"}) {
    run(R"({"drop": "keys"})");
    run(index(wrong));
    const auto vault = open();
    for (const Done& done : {vault->insert(document(1)), [&]() -> Done {
                               FLE_CHECK(vault->add_alt_name(id_of(1), "a"));
                               return ok;
                             }()}) {
      ASSERT_FALSE(done) << wrong;
      EXPECT_EQ(done.error().code, Errc::vault_failed);
      EXPECT_NE(done.error().message.find("unique"), std::string::npos) << done.error().message;
    }
    EXPECT_TRUE(vault->list()) << "reading goes on";
  }
}

TEST_F(MongoVault, TellsOfServersThatRefuse) {
  ASSERT_TRUE(vault_->insert(document(1, {"a"})));
  const std::pair<const char*, std::function<Failure()>> calls[] = {
      {"find", [this] { return vault_->list().error(); }},
      {"insert", [this] { return vault_->insert(document(2)).error(); }},
      {"findAndModify", [this] { return vault_->add_alt_name(id_of(1), "b").error(); }},
      {"findAndModify", [this] { return vault_->remove_alt_name(id_of(1), "a").error(); }},
      {"delete", [this] { return vault_->delete_key(id_of(1)).error(); }},
      {"update",
       [this] {
         const Rewrapping to{id_of(1), test::Buf(160, 1), {1}, MasterKey::local()};
         return vault_->rewrap({&to, 1}).error();
       }},
  };
  for (const auto& [command, call] : calls) {
    fail(command, R"("errorCode": 13)");  // Unauthorized
    const Failure f = call();
    EXPECT_EQ(f.code, Errc::vault_failed) << command;
    EXPECT_NE(f.message.find(database_ + ".keys"), std::string::npos) << f.message;
    EXPECT_EQ(f.message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(vault_->list()->size(), 1U);
}

TEST_F(MongoVault, SurvivesAConnectionThatIsCut) {
  ASSERT_TRUE(vault_->insert(document(1)));
  fail("delete", R"("closeConnection": true)");
  EXPECT_EQ(vault_->delete_key(id_of(1)).error().code, Errc::vault_unreachable);
  EXPECT_TRUE(*vault_->delete_key(id_of(1)));
}

// An election is no reason to give up.
TEST_F(MongoVault, AServerThatIsNoPrimaryNowIsWorthAnotherTry) {
  ASSERT_TRUE(vault_->insert(document(1)));
  const Rewrapping to{id_of(1), test::Buf(160, 1), {1}, MasterKey::local()};
  const std::pair<const char*, std::function<Failure()>> calls[] = {
      {"insert", [this] { return vault_->insert(document(2)).error(); }},
      {"update",
       [&] {
         return vault_->rewrap({&to, 1}).error();
       }},
      {"find", [this] { return vault_->list().error(); }},
  };
  for (const auto& [command, call] : calls) {
    fail(command, R"("errorCode": 134)", 2);  // reads are tried twice
    EXPECT_EQ(call().code, Errc::vault_unreachable) << command;
  }
  fail("insert", R"("errorCode": 10107)");
  EXPECT_EQ(vault_->insert(document(2)).error().code, Errc::vault_unreachable);
  EXPECT_EQ(vault_->list()->size(), 1U);
}

TEST_F(MongoVault, RefusesDocumentsThatAreNoDataKeys) {
  run(R"({"insert": "keys", "documents": [{"_id": 7, "note": "canary"}]})");
  for (const Failure& f : {vault_->list().error(), vault_->match({}).error()}) {
    EXPECT_EQ(f.code, Errc::key_document_invalid);
    EXPECT_NE(f.message.find(database_ + ".keys"), std::string::npos) << f.message;
    EXPECT_EQ(f.message.find("canary"), std::string::npos);
  }
}

TEST_F(MongoVault, IsNotUsableInAForkedChild) {
  ASSERT_TRUE(vault_->insert(document(1)));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto keys = vault_->list();
    vault_.reset();
    ::_exit(!keys && keys.error().code == Errc::vault_failed ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(vault_->list()->size(), 1U) << "the parent's connection still works";
}

TEST_F(MongoVault, NeverLeavesNullForTheNamesOfAKeyWithoutAny) {
  ASSERT_TRUE(vault_->insert(document(1)));
  const auto before = vault_->remove_alt_name(id_of(1), "a");
  ASSERT_TRUE(before) << before.error().to_string();
  EXPECT_EQ(to_bson(**before), to_bson(document(1)));
  EXPECT_EQ(to_bson(vault_->list()->front()), to_bson(document(1)));
}

TEST_F(MongoVault, RewrapsDataKeysOfAProvider) {
  Providers providers;
  ASSERT_TRUE(providers.add_local("local", test::master_key_bytes(1)));
  ASSERT_TRUE(providers.add_local("local:new", test::master_key_bytes(2)));
  for (std::uint32_t n = 1; n <= 3; ++n) ASSERT_TRUE(vault_->insert(test::real_document(n)));
  RewrapOptions options;
  options.master_key = MasterKey::local("local:new");
  const auto result = rewrap_many_data_key(*vault_, providers, {}, options);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), 3U);
  const auto keys = vault_->list();
  for (const KeyDocument& key : *keys)
    EXPECT_TRUE((*providers.find("local:new"))->unwrap(key.key_material, key.master_key));
}

// libmongoc ended the process.
TEST(MongoVaultPool, ThatStaysInUseIsGivenUp) {
  if (!have_mongo_vault()) GTEST_SKIP() << "built without libmongoc";
  // A server that is there and says nothing: who has the connection waits for it.
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(silent, 8), 0);
  const auto vault = open_mongo_vault(
      {.uri = "mongodb://127.0.0.1:" + std::to_string(::ntohs(address.sin_port)) +
              "/?maxPoolSize=1&waitQueueTimeoutMS=1&serverSelectionTimeoutMS=1000"});
  ASSERT_TRUE(vault) << vault.error().to_string();
  std::thread other([&] { EXPECT_EQ((*vault)->list().error().code, Errc::vault_unreachable); });
  // libmongoc looks for the server once somebody has a connection.
  pollfd came{silent, POLLIN, 0};
  const auto patience =
      std::chrono::duration_cast<std::chrono::milliseconds>(fle::test::kPatience).count();
  EXPECT_EQ(::poll(&came, 1, static_cast<int>(patience)), 1);
  EXPECT_EQ((*vault)->list().error().code, Errc::vault_unreachable);
  EXPECT_EQ((*vault)->insert(document(1)).error().code, Errc::vault_unreachable);
  EXPECT_EQ((*vault)->delete_key(id_of(1)).error().code, Errc::vault_unreachable);
  other.join();
  ::close(silent);
}

TEST(MongoVaultAddress, NeverReachesAnErrorText) {
  if (!have_mongo_vault()) GTEST_SKIP() << "built without libmongoc";
  const std::string canary = "s3cr3t-canary";
  for (const std::string& uri :
       {"mongodb://user:" + canary + "@", "http://" + canary, canary, std::string(),
        "mongodb://u:" + canary + "@h:99999/", "mongodb://u:" + canary + "%zz@h/",
        "mongodb://u:" + canary + "@h/?directConnection=true&loadBalanced=true",
        std::string("mongodb://h/") + '\0' + canary}) {
    const auto vault = open_mongo_vault({uri, "d", "c"});
    ASSERT_FALSE(vault) << uri;
    EXPECT_EQ(vault.error().code, Errc::vault_failed);
    EXPECT_EQ(vault.error().to_string().find(canary), std::string::npos);
  }
  const auto nowhere = open_mongo_vault(
      {"mongodb://u:" + canary + "@127.0.0.1:1/?serverSelectionTimeoutMS=200", "d", "c"});
  ASSERT_TRUE(nowhere);
  const auto keys = (*nowhere)->list();
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code, Errc::vault_unreachable);
  EXPECT_EQ(keys.error().to_string().find(canary), std::string::npos);
  EXPECT_NE(keys.error().to_string().find("127.0.0.1:1"), std::string::npos)
      << keys.error().message;
  EXPECT_EQ(open_mongo_vault({"mongodb://h", "", "c"}).error().code, Errc::invalid_argument);
  EXPECT_EQ(open_mongo_vault({"mongodb://h", "d", ""}).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace fle::kms
