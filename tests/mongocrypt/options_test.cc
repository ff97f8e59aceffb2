// Options of a client.
#include <gtest/gtest.h>

#include "mongocrypt/library.h"

namespace fle::test {
namespace {

class MongocryptOptions : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    library_ = GetParam() ? &Library::ours() : Library::theirs();
    if (library_ == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  }
  const Library* library_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Libraries, MongocryptOptions, testing::Bool(),
                         [](const auto& with) { return with.param ? "Ours" : "Debian"; });

TEST_P(MongocryptOptions, KmsProvidersThatAreWrongAreErrors) {
  for (const char* providers :
       {"{}", R"({"bogus": {"key": 5}})", R"({"local": {"key": "AQID"}})",
        R"({"aws": {"accessKeyId": "a"}})", R"({"local": 5})",
        R"({"azure": {"tenantId": "a", "clientId": "b"}})", R"({"gcp": {"email": "a"}})"}) {
    const Client client(*library_, {providers});
    EXPECT_FALSE(client.is_ready()) << providers;
    EXPECT_FALSE(client.status().message.empty()) << providers;
    if (GetParam()) {
      EXPECT_EQ(library_->mongocrypt_ctx_new(client), nullptr) << providers;
    }
  }
}

TEST_P(MongocryptOptions, AClientWithoutAProviderIsAnError) {
  const Client client(*library_, {""});
  EXPECT_FALSE(client.is_ready());
}

TEST_P(MongocryptOptions, EveryProviderIsTaken) {
  for (const char* providers :
       {R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"}})",
        R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"}})",
        R"({"azure": {"tenantId": "a", "clientId": "b", "clientSecret": "c"}})",
        R"({"azure": {"accessToken": "a"}})", R"({"gcp": {"accessToken": "a"}})",
        R"({"kmip": {"endpoint": "localhost:5698"}})"}) {
    const Client client(*library_, {providers});
    EXPECT_TRUE(client.is_ready()) << providers << ": " << client.status().message;
  }
}

TEST_P(MongocryptOptions, TheOldSettersAreTheSame) {
  const Client aws(
      *library_, {"", "", [](const Library& l, mongocrypt_t* crypt) {
                    EXPECT_TRUE(l.mongocrypt_setopt_kms_provider_aws(crypt, "id", -1, "secret", 6));
                  }});
  EXPECT_TRUE(aws.is_ready());
  const Client local(*library_, {"", "", [](const Library& l, mongocrypt_t* crypt) {
                                   EXPECT_TRUE(l.mongocrypt_setopt_kms_provider_local(
                                       crypt, View(l, Buf(96, 0x5a))));
                                 }});
  World world;
  world.keys = {*create_data_key(local, world, R"({"provider": "local"})")};
  const Client other(*library_, {kLocal});
  EXPECT_TRUE(encrypt_value(other, world, binary_of(world.keys[0], "_id"), kRandom, "5"));
  const Client short_key(*library_, {"", "", [](const Library& l, mongocrypt_t* crypt) {
                                       EXPECT_FALSE(l.mongocrypt_setopt_kms_provider_local(
                                           crypt, View(l, Buf(95, 0x5a))));
                                     }});
}

TEST_P(MongocryptOptions, NoneCanBeSetOnceInitialized) {
  const Client client(*library_, {kLocal});
  ASSERT_TRUE(client.is_ready());
  EXPECT_FALSE(library_->mongocrypt_setopt_kms_providers(client, View(*library_, bson_of(kLocal))));
  EXPECT_FALSE(library_->mongocrypt_setopt_schema_map(client, View(*library_, bson_of("{}"))));
  EXPECT_FALSE(library_->mongocrypt_init(client));
}

TEST(MongocryptOurOptions, CredentialsMayComeWhenAKeyNeedsThem) {
  const Client client(Library::ours(),
                      {R"({"local": {}})", "", [](const Library& l, mongocrypt_t* crypt) {
                         l.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
                       }});
  ASSERT_TRUE(client.is_ready()) << client.status().message;
  World world;
  world.credentials = kLocal;
  const auto made = create_data_key(client, world, R"({"provider": "local"})");
  ASSERT_TRUE(made);
  world.keys = {*made};
  Ctx ctx(client);
  const Library& l = Library::ours();
  ASSERT_TRUE(l.mongocrypt_ctx_setopt_key_id(ctx, View(l, binary_of(*made, "_id"))));
  ASSERT_TRUE(l.mongocrypt_ctx_setopt_algorithm(ctx, kRandom.data(), -1));
  ASSERT_TRUE(l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, bson_of("{\"v\": 5}"))));
  EXPECT_TRUE(ctx.run(world)) << ctx.status().message;
  EXPECT_EQ(ctx.states, (std::vector{MONGOCRYPT_CTX_NEED_MONGO_KEYS,
                                     MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS, MONGOCRYPT_CTX_READY}));
}

TEST(MongocryptOurOptions, CredentialsThatNeverComeAreAnErrorThatNamesTheProvider) {
  const Client asks(Library::ours(),
                    {R"({"local": {}})", "", [](const Library& l, mongocrypt_t* crypt) {
                       l.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
                     }});
  const Client never(Library::ours(), {R"({"local": {}})"});
  World world;
  world.credentials = "{}";
  for (const Client* client : {&asks, &never}) {
    std::string why;
    EXPECT_FALSE(create_data_key(*client, world, R"({"provider": "local"})", {}, {}, &why));
    EXPECT_NE(why.find("'local'"), std::string::npos) << why;
  }
}

TEST(MongocryptOurOptions, AnalyzersAndHooksAreTakenWithALine) {
  std::vector<std::string> log;
  const auto hook = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_binary_t*,
                       mongocrypt_binary_t*, std::uint32_t*,
                       mongocrypt_status_t*) { return false; };
  const auto hmac = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_binary_t*,
                       mongocrypt_status_t*) { return false; };
  const Client client(
      Library::ours(),
      {kLocal, "", [&](const Library& l, mongocrypt_t* crypt) {
         const auto note = [](mongocrypt_log_level_t, const char* text, std::uint32_t len,
                              void* to) {
           static_cast<std::vector<std::string>*>(to)->emplace_back(text, len);
         };
         EXPECT_TRUE(l.mongocrypt_setopt_log_handler(crypt, note, &log));
         l.mongocrypt_setopt_set_crypt_shared_lib_path_override(crypt, "/nowhere.so");
         EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ctr(crypt, hook, hook, nullptr));
         EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ecb(crypt, hook, nullptr));
         EXPECT_TRUE(l.mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5(crypt, hmac, nullptr));
       }});
  EXPECT_TRUE(client.is_ready());
  EXPECT_EQ(std::ranges::count_if(log,
                                  [](const std::string& line) {
                                    return line.find("crypt_shared") != std::string::npos;
                                  }),
            1);
  EXPECT_EQ(
      std::ranges::count_if(
          log, [](const std::string& line) { return line.find("hooks") != std::string::npos; }),
      1);
}

TEST_P(MongocryptOptions, ARefusedOptionEndsTheHandle) {
  // Who goes on without a schema map that was refused would send plaintext.
  const std::vector<Buf> broken = {{5, 0, 0, 0, 1}, {5, 0, 0, 0, 0, 0}, {1, 2, 3}, {}};
  for (const Buf& map : broken) {
    const Client client(*library_,
                        {kLocal, "", [&map](const Library& l, mongocrypt_t* crypt) {
                           EXPECT_FALSE(l.mongocrypt_setopt_schema_map(crypt, View(l, map)));
                         }});
    EXPECT_FALSE(client.is_ready());
    EXPECT_FALSE(client.status().message.empty());
  }
}

TEST(MongocryptOurOptions, TheFirstRefusalIsTheOneThatIsTold) {
  const Client client(Library::ours(), {R"({"bogus": {}})"});
  EXPECT_NE(client.status().message.find("'bogus'"), std::string::npos);
  const Client hooks(Library::ours(),
                     {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                        EXPECT_FALSE(l.mongocrypt_setopt_crypto_hooks(
                            crypt, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
                      }});
  EXPECT_FALSE(hooks.is_ready());
}

TEST(MongocryptOurOptions, ALogHandlerIsNotCalledOnceItsHandleIsGone) {
  std::vector<std::string> log;
  Client client(Library::ours(), {kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) {
                                    const auto note = [](mongocrypt_log_level_t, const char* text,
                                                         std::uint32_t len, void* to) {
                                      static_cast<std::vector<std::string>*>(to)->emplace_back(text,
                                                                                               len);
                                    };
                                    EXPECT_TRUE(l.mongocrypt_setopt_log_handler(crypt, note, &log));
                                  }});
  const Ctx ctx(client);
  client.destroy();
  log.clear();
  const Library& l = Library::ours();
  const Buf reply =
      bson_of(R"({"a": {"$binary": {"base64": "BwAAAAAAAAAAAAAAAAAAAAAAAAAA", "subType": "06"}}})");
  EXPECT_TRUE(l.mongocrypt_ctx_decrypt_init(ctx, View(l, reply)));
  EXPECT_EQ(ctx.finalize(), reply);
  EXPECT_TRUE(log.empty());
}

TEST(MongocryptOurOptions, QueryableEncryptionsMapIsRefusedUnlessItIsEmpty) {
  const Client client(
      Library::ours(),
      {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
         EXPECT_TRUE(l.mongocrypt_setopt_encrypted_field_config_map(crypt, View(l, bson_of("{}"))));
         EXPECT_FALSE(l.mongocrypt_setopt_encrypted_field_config_map(
             crypt, View(l, bson_of(R"({"db.c": {"fields": []}})"))));
       }});
  EXPECT_NE(client.status().message.find("Queryable Encryption"), std::string::npos);
}

}  // namespace
}  // namespace fle::test
