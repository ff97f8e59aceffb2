#ifndef FLE_TESTS_MONGOC_CLINIC_H_
#define FLE_TESTS_MONGOC_CLINIC_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/client_support.h"
#include "fle/kms/create_data_key.h"
#include "fle/mongoc/encrypted_client.h"
#include "mongo_fixture/mongo_client.h"
#include "mongo_fixture/mongo_fixture.h"
#include "mongo_fixture/plain_values.h"
#include "support/bson_values.h"

namespace fle::test {

/// The value, or an exception with the Failure's text.
template <class T>
T must(Outcome<T> r) {
  if (!r) throw std::runtime_error(r.error().to_string());
  return *std::move(r);
}

inline std::string json(Bytes document) {
  bson_t b;
  if (!bson_init_static(&b, document.data(), document.size())) return "no BSON";
  char* text = bson_as_relaxed_extended_json(&b, nullptr);
  std::string out = text == nullptr ? "no JSON" : text;
  bson_free(text);
  return out;
}

inline std::string json(const std::optional<mongoc::Document>& document) {
  return document ? json(Bytes(*document)) : "none";
}

/// Every document that is left, as Extended JSON.
inline std::vector<std::string> all_of(mongoc::Cursor cursor) {
  std::vector<std::string> out;
  while (const auto document = must(cursor.next())) out.push_back(json(*document));
  return out;
}

/// MedcoMD's deployment: a server, a master key, one data key, and the schema of patients.
class Clinic : public testing::Test {
 protected:
  void SetUp() override {
    if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
    server_.emplace();
    db_ = server_->new_database();
    auto providers = std::make_shared<kms::Providers>();
    must(providers->add_local("local", std::vector<std::uint8_t>(96, 0x5a)));
    providers_ = providers;
    auto vault =
        must(kms::open_mongo_vault({.uri = server_->uri(), .database = db_, .collection = "keys"}));
    key_ = must(kms::create_data_key(*vault, *providers_)).id;
    static_cast<void>(server_->commands());
  }
  void TearDown() override {
    if (server_) MongoClient(server_->uri()).run(db_, R"({"dropDatabase": 1})");
  }

  [[nodiscard]] mongoc::ClientOptions options(bool with_schema = true) const {
    mongoc::ClientOptions options;
    options.kms_providers = providers_;
    options.key_vault_namespace = db_ + ".keys";
    if (with_schema) options.auto_encryption.schema_map[db_ + ".patients"] = patients(key_);
    return options;
  }
  [[nodiscard]] std::unique_ptr<mongoc::EncryptedClient> client(
      mongoc::ClientOptions options) const {
    return must(mongoc::EncryptedClient::create(server_->uri(), std::move(options)));
  }
  /// The collection of a client that has the master key and the schema.
  [[nodiscard]] mongoc::EncryptedCollection doctor() const {
    return client(options())->collection(db_, "patients");
  }
  /// What is stored, as a client without encryption sees it: canonical Extended JSON.
  [[nodiscard]] std::string stored(const std::string& collection = "patients") const {
    return MongoClient(server_->uri())
        .run(db_, R"({"find": ")" + collection + R"(", "filter": {}})");
  }
  /// Commands of this name that came in since the last call.
  [[nodiscard]] std::vector<std::string> sent(const std::string& name) {
    std::vector<std::string> out;
    for (const std::string& line : server_->commands())
      if (line.starts_with("{\"" + name + "\"")) out.push_back(line);
    return out;
  }
  /// A failCommand for the next command of this name.
  void fail_next(const std::string& name, const std::string& how) const {
    MongoClient(server_->uri())
        .run("admin", R"({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": )"
                      R"({"failCommands": [")" +
                          name + "\"], " + how + "}}");
  }

  std::optional<MongoFixture> server_;
  std::string db_;
  std::shared_ptr<const kms::Providers> providers_;
  KeyId key_{};
};

}  // namespace fle::test

#endif  // FLE_TESTS_MONGOC_CLINIC_H_
