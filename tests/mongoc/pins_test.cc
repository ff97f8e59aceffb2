// KmsOptions::master_keys from end to end: a client of a database whose key vault somebody else can
// write to.
#include "kms/cloud/server/cloud_server.h"
#include "mongoc/clinic.h"
#include "support/patience.h"

namespace fle::test {
namespace {

const std::string kOurs = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab";
const std::string kTheirs = "arn:aws:kms:us-east-1:999999999999:key/attacker";

class PinsOfAClient : public Clinic {
 protected:
  void SetUp() override {
    Clinic::SetUp();
    if (IsSkipped()) return;
    kms_.configure(R"({"aws": {"accessKeyId": "id", "secretAccessKey": "secret",
                               "region": "us-east-1", "keys": [")" +
                   kOurs + "\", \"" + kTheirs + "\"]}}");
  }
  [[nodiscard]] kms::MasterKey key(const std::string& arn) const {
    return kms::MasterKey::aws("us-east-1", arn, "kms.localhost:" + kms_.port_text());
  }
  [[nodiscard]] std::shared_ptr<const kms::Providers> providers(bool pinned) const {
    kms::KmsOptions kms;
    kms.connect_timeout = kms.request_timeout = kms.call_timeout = kPatience;
    kms.tls["aws"].ca_file = certificates_.authority();
    kms.allowed_endpoints["aws"] = {".localhost"};
    if (pinned) kms.master_keys["aws"] = {{{"key", kOurs}}};
    return std::make_shared<const kms::Providers>(must(kms::Providers::from_json(
        R"({"aws": {"accessKeyId": "id", "secretAccessKey": "secret"}})", kms)));
  }
  /// A client with a schema that encrypts with `key`.
  [[nodiscard]] std::unique_ptr<mongoc::EncryptedClient> client_for(const KeyId& key, bool pinned) {
    mongoc::ClientOptions with = options(false);
    with.kms_providers = providers(pinned);
    with.auto_encryption.schema_map[db_ + ".patients"] = patients(key);
    return client(std::move(with));
  }
  [[nodiscard]] std::unique_ptr<kms::KeyVault> vault() const {
    return must(
        kms::open_mongo_vault({.uri = server_->uri(), .database = db_, .collection = "keys"}));
  }
  [[nodiscard]] KeyId new_key(const std::string& arn) const {
    kms::CreateKeyOptions create;
    create.master_key = key(arn);
    return must(kms::create_data_key(*vault(), *providers(false), create)).id;
  }

  kms::test::Certificates certificates_;
  mutable kms::test::CloudServer kms_{certificates_.make(), certificates_.key()};
};

TEST_F(PinsOfAClient, LetItWorkUnderTheMasterKeysThatItNames) {
  const KeyId ours = new_key(kOurs);
  const auto c = client_for(ours, true);
  auto collection = c->collection(db_, "patients");
  must(collection.insert_one(bson("{'_id': 1, 'ssn': 123456789}")));
  EXPECT_EQ(stored().find("123456789"), std::string::npos) << stored();
  EXPECT_NE(json(must(collection.find_one(bson("{'ssn': 123456789}")))).find("123456789"),
            std::string::npos);
  EXPECT_GT(kms_.count_requests(), 0U);
}

TEST_F(PinsOfAClient, KeepItFromValuesUnderAKeyOfSomebodyElse) {
  const KeyId theirs = new_key(kTheirs);
  static_cast<void>(kms_.count_requests());
  static_cast<void>(server_->commands());
  const auto c = client_for(theirs, true);
  auto collection = c->collection(db_, "patients");
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto inserted = collection.insert_one(bson("{'_id': 1, 'ssn': 123456789}"));
    ASSERT_FALSE(inserted);
    EXPECT_EQ(inserted.error().code, Errc::master_key_not_pinned) << inserted.error().to_string();
    EXPECT_NE(inserted.error().message.find(kTheirs), std::string::npos);
    EXPECT_EQ(inserted.error().to_string().find("123456789"), std::string::npos);
  }
  EXPECT_EQ(kms_.count_requests(), 0U) << "nothing was sent to the KMS";
  EXPECT_EQ(sent("insert").size(), 0U) << "nor to the database";

  // What the pins are there for: without them the same client takes the key.
  must(client_for(theirs, false)
           ->collection(db_, "patients")
           .insert_one(bson("{'_id': 2, 'ssn': 1}")));
  EXPECT_GT(kms_.count_requests(), 0U);
  // And a value that is stored under it is not opened.
  const auto found = collection.find_one();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::master_key_not_pinned) << found.error().to_string();
  EXPECT_EQ(kms_.count_requests(), 0U);
}

// Who can write the vault swaps the master key below an id that is in use.
TEST_F(PinsOfAClient, SeeThatAKeyDocumentWasReplaced) {
  const KeyId ours = new_key(kOurs);
  const KeyId theirs = new_key(kTheirs);
  const auto keys = vault();
  const auto all = must(keys->list());
  for (kms::KeyDocument doc : all) {
    if (doc.id != theirs) continue;
    EXPECT_TRUE(must(keys->delete_key(ours)));
    doc.id = ours;
    doc.stored.clear();
    must(keys->insert(doc));
  }
  static_cast<void>(kms_.count_requests());
  const auto inserted = client_for(ours, true)
                            ->collection(db_, "patients")
                            .insert_one(bson("{'_id': 1, 'ssn': 123456789}"));
  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().code, Errc::master_key_not_pinned) << inserted.error().to_string();
  EXPECT_EQ(kms_.count_requests(), 0U);
}

TEST_F(PinsOfAClient, AreForNewDataKeysToo) {
  kms::CreateKeyOptions create;
  create.master_key = key(kTheirs);
  const auto made = kms::create_data_key(*vault(), *providers(true), create);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::master_key_not_pinned);
  EXPECT_EQ(kms_.count_requests(), 0U);
}

}  // namespace
}  // namespace fle::test
