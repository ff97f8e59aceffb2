// Connection strings, servers that are not there, and errors that a server gives.
#include <sys/wait.h>
#include <unistd.h>

#include "mongoc/clinic.h"

namespace fle::test {
namespace {

using ConnectionTest = Clinic;

Errc refusal(const std::string& uri, const std::string& vault = "encryption.__keyVault") {
  mongoc::ClientOptions options;
  options.key_vault_namespace = vault;
  const auto made = mongoc::EncryptedClient::create(uri, std::move(options));
  if (made) return Errc{};
  EXPECT_EQ(made.error().to_string().find("pa55"), std::string::npos) << "a password in an error";
  return made.error().code;
}

TEST(ConnectionStringTest, WhatIsNoneIsRefusedWithoutQuotingIt) {
  EXPECT_EQ(refusal("mongodb://localhost"), Errc{});
  EXPECT_EQ(refusal("http://user:pa55@localhost"), Errc::invalid_argument);
  EXPECT_EQ(refusal("mongodb://user:pa55@"), Errc::invalid_argument);
  EXPECT_EQ(refusal(std::string("mongodb://user:pa55@h\0", 22)), Errc::invalid_argument);
  EXPECT_EQ(refusal("mongodb://user:pa55@localhost/?w=0"), Errc::invalid_argument);
  EXPECT_EQ(refusal("mongodb://localhost", "no_dot"), Errc::invalid_argument);
  EXPECT_EQ(refusal("mongodb://localhost", ".keys"), Errc::invalid_argument);
  EXPECT_EQ(refusal("mongodb://localhost", "keys."), Errc::invalid_argument);
}

TEST(ConnectionStringTest, ServersThatDnsDoesNotHaveAreNoFaultOfTheString) {
  EXPECT_EQ(refusal("mongodb+srv://user:pa55@clinic.example.invalid/"), Errc::server_unreachable);
  const auto vault =
      kms::open_mongo_vault({.uri = "mongodb+srv://user:pa55@clinic.example.invalid/"});
  ASSERT_FALSE(vault);
  EXPECT_EQ(vault.error().code, Errc::vault_unreachable);
  EXPECT_EQ(vault.error().to_string().find("pa55"), std::string::npos);
}

TEST(ConnectionStringTest, NoServerIsToldApartFromAServerThatRefuses) {
  const auto nobody = must(mongoc::EncryptedClient::create(
      "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&serverSelectionTryOnce=true", {}));
  const auto pinged = nobody->run_command("admin", bson("{'ping': 1}"));
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, Errc::server_unreachable);
  EXPECT_EQ(pinged.error().server_code, 0);
}

TEST_F(ConnectionTest, AServersErrorKeepsItsNumber) {
  auto collection = doctor();
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  fail_next("find", R"("errorCode": 292)");
  const auto found = collection.find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::server_refused);
  EXPECT_EQ(found.error().server_code, 292);
  fail_next("insert", R"("closeConnection": true)");
  const auto inserted = collection.insert_one(bson("{'_id': 1}"));
  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().code, Errc::server_unreachable);
}

TEST_F(ConnectionTest, ALoginThatIsRefusedIsNoServerThatCannotBeReached) {
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  MongoClient(server_->uri())
      .run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
                        "data": {"failCommands": ["saslStart"], "errorCode": 18}})");
  std::string uri = server_->uri();
  uri.insert(uri.find("//") + 2, "user:pa55@");
  mongoc::ClientOptions options = this->options();
  const auto stranger = must(mongoc::EncryptedClient::create(uri, std::move(options)));
  const auto pinged = stranger->run_command("admin", bson("{'ping': 1}"));
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, Errc::server_refused) << pinged.error().to_string();
  EXPECT_EQ(pinged.error().to_string().find("pa55"), std::string::npos);
}

TEST_F(ConnectionTest, AWriteIsNotRepeatedByItself) {
  auto collection = doctor();
  if (!server_->is_ours()) GTEST_SKIP() << "needs a fail point";
  fail_next("insert", R"("closeConnection": true)");
  EXPECT_FALSE(collection.insert_one(bson("{'_id': 1}")));
  EXPECT_EQ(sent("insert").size(), 1u);
}

TEST_F(ConnectionTest, ReadAndWriteConcernComeFromTheConnectionString) {
  if (!server_->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  const auto careful = must(mongoc::EncryptedClient::create(
      server_->uri() + "&w=majority&journal=true&readConcernLevel=majority", options()));
  auto collection = careful->collection(db_, "patients");
  must(collection.insert_one(bson("{'_id': 1}")));
  must(collection.find_one());
  const auto commands = server_->commands();
  int concerned = 0;
  for (const std::string& c : commands) {
    if (c.starts_with("{\"insert\""))
      concerned += c.find(R"("writeConcern":{"w":"majority","j":true})") != std::string::npos;
    if (c.starts_with(R"({"find":"patients")"))
      concerned += c.find(R"("readConcern":{"level":"majority"})") != std::string::npos;
  }
  EXPECT_EQ(concerned, 2);
}

TEST_F(ConnectionTest, AForkedChildIsToldToMakeItsOwn) {
  auto collection = doctor();
  must(collection.insert_one(bson("{'_id': 1}")));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto found = collection.find_one();
    ::_exit(!found && found.error().code == Errc::invalid_argument ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(must(collection.find_one()));
}

}  // namespace
}  // namespace fle::test
