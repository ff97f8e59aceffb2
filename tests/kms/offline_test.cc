// What there is without libcurl, libssl, libmongoc and SQLite: this program links none of them.
#include <string>

#include <gtest/gtest.h>

#include "fle/kms/create_data_key.h"
#include "fle/kms/exchange.h"
#include "fle/kms/key_ring.h"
#include "kms/support.h"

namespace fle::kms::test {
namespace {

const std::string kAll = R"({
  "local": {"key": ")" + std::string(128, 'a') +
                         R"("},
  "aws": {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "secret"},
  "azure": {"accessToken": "token"},
  "gcp": {"accessToken": "token"},
  "kmip": {"endpoint": "kmip.example"}})";

std::vector<MasterKey> master_keys() {
  return {MasterKey::aws("us-east-1", "alias/a"),
          MasterKey::azure("medco.vault.azure.net", "medco-key"),
          MasterKey::gcp(
              {.project_id = "medco-1", .location = "global", .key_ring = "r", .key_name = "k"}),
          MasterKey::kmip("12")};
}

class Offline : public ::testing::Test {
 protected:
  Offline() : providers(make()) {}
  static std::shared_ptr<const Providers> make() {
    auto made = Providers::from_json(kAll);
    if (!made) throw std::runtime_error(made.error().to_string());
    return std::make_shared<Providers>(std::move(*made));
  }
  static void expect_lacking(const Failure& f, const std::string& provider) {
    EXPECT_EQ(f.code, Errc::not_in_build) << f.to_string();
    const std::string lacks = provider == "kmip" ? "TLS" : "libcurl";
    EXPECT_NE(f.message.find("KMS provider '" + provider + "' cannot connect: this build lacks " +
                             lacks + "; build libfle with it, or run what begin_prepare()"),
              std::string::npos)
        << f.message;
  }

  std::shared_ptr<const Providers> providers;
  SecretBytes key = *SecretBytes::copy_of(master_key_bytes(9));
};

TEST_F(Offline, EveryProviderIsThereAndWhatConnectsSaysWhatToDo) {
  EXPECT_EQ(providers->ids(), (std::vector<std::string>{"aws", "azure", "gcp", "kmip", "local"}));
  for (const MasterKey& mk : master_keys()) {
    SCOPED_TRACE(mk.provider);
    Provider& provider = **providers->find(mk.provider);
    EXPECT_NE(provider.begin_prepare(mk)->state(), Exchange::State::failed);
    if (mk.provider == "kmip") expect_lacking(provider.prepare(mk).error(), mk.provider);
    expect_lacking(provider.wrap(key, mk).error(), mk.provider);
    expect_lacking(provider.unwrap(Buf(160), mk).error(), mk.provider);
    EXPECT_EQ(provider.begin_wrap(key, mk)->state(), Exchange::State::send);
    EXPECT_EQ(provider.begin_unwrap(Buf(160), mk)->state(), Exchange::State::send);
  }
}

TEST_F(Offline, TheKeysOfALocalProviderAreMadeAndRead) {
  const std::shared_ptr<KeyVault> vault = make_memory_vault();
  CreateKeyOptions create;
  create.master_key = MasterKey::local();
  const auto made = create_data_key(*vault, *providers, create);
  ASSERT_TRUE(made) << made.error().to_string();
  create.master_key = master_keys().front();
  expect_lacking(create_data_key(*vault, *providers, create).error(), "aws");
  KeyDocument of_aws = document(7);
  of_aws.master_key = master_keys().front();
  ASSERT_TRUE(vault->insert(of_aws));
  KeyRing ring(vault, providers);
  const auto found = ring.by_id(made->id);
  EXPECT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(ring.by_id(of_aws.id).error().code, Errc::not_in_build);
}

TEST_F(Offline, NoVaultIsOpenedThatNeedsADatabase) {
  EXPECT_FALSE(have_sqlite_vault());
  EXPECT_EQ(open_sqlite_vault("keys.db", true).error().code, Errc::not_in_build);
}

TEST_F(Offline, CredentialsOfTheEnvironmentNeedNoNetworkThoseOfMachinesDo) {
  const auto credentials = automatic_credentials();
  for (const char* id : {"azure", "gcp"})
    EXPECT_EQ(credentials(id).error().code, Errc::not_in_build) << id;
  ::setenv("AWS_ACCESS_KEY_ID", "AK", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  EXPECT_TRUE(credentials("aws"));
}

}  // namespace
}  // namespace fle::kms::test
