// Calls that no driver should make: an error, never a crash.
#include <random>

#include <gtest/gtest.h>

#include "mongocrypt/walk.h"

namespace fle::test {
namespace {

/// Where Debian's library is misused as well, and says what is right.
class MongocryptMisuseOfBoth : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    library_ = GetParam() ? &Library::ours() : Library::theirs();
    if (library_ == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  }
  const Library* library_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Libraries, MongocryptMisuseOfBoth, testing::Bool(),
                         [](const auto& with) { return with.param ? "Ours" : "Debian"; });

TEST(MongocryptMisuse, NullIsAnErrorEverywhere) {
  const Library& l = Library::ours();
  EXPECT_FALSE(l.mongocrypt_init(nullptr));
  EXPECT_FALSE(l.mongocrypt_status(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_setopt_kms_providers(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_setopt_schema_map(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_setopt_log_handler(nullptr, nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_setopt_key_expiration(nullptr, 5));
  l.mongocrypt_setopt_bypass_query_analysis(nullptr);
  EXPECT_EQ(l.mongocrypt_ctx_new(nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_ctx_state(nullptr), MONGOCRYPT_CTX_ERROR);
  EXPECT_FALSE(l.mongocrypt_ctx_status(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_ctx_mongo_op(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_ctx_mongo_feed(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_ctx_mongo_done(nullptr));
  EXPECT_FALSE(l.mongocrypt_ctx_finalize(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_ctx_encrypt_init(nullptr, "db", -1, nullptr));
  EXPECT_EQ(l.mongocrypt_ctx_mongo_db(nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_ctx_next_kms_ctx(nullptr), nullptr);
  EXPECT_FALSE(l.mongocrypt_ctx_kms_done(nullptr));
  EXPECT_FALSE(l.mongocrypt_kms_ctx_message(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_kms_ctx_endpoint(nullptr, nullptr));
  EXPECT_EQ(l.mongocrypt_kms_ctx_bytes_needed(nullptr), 0U);
  EXPECT_EQ(l.mongocrypt_kms_ctx_usleep(nullptr), 0);
  EXPECT_FALSE(l.mongocrypt_kms_ctx_feed(nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_kms_ctx_feed_with_retry(nullptr, nullptr, nullptr));
  EXPECT_FALSE(l.mongocrypt_kms_ctx_fail(nullptr));
  EXPECT_EQ(l.mongocrypt_kms_ctx_get_kms_provider(nullptr, nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_binary_data(nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_binary_len(nullptr), 0U);
  EXPECT_FALSE(l.mongocrypt_status_ok(nullptr));
  EXPECT_EQ(l.mongocrypt_status_message(nullptr, nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version_string(nullptr, nullptr), nullptr);
  l.mongocrypt_binary_destroy(nullptr);
  l.mongocrypt_status_destroy(nullptr);
  l.mongocrypt_ctx_destroy(nullptr);
  l.mongocrypt_destroy(nullptr);
}

TEST(MongocryptMisuse, AHandleOfAnotherKindIsAnError) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  const Ctx ctx(client);
  mongocrypt_t* const crypt = client;
  auto* const wrong = reinterpret_cast<mongocrypt_ctx_t*>(crypt);
  EXPECT_EQ(l.mongocrypt_ctx_state(wrong), MONGOCRYPT_CTX_ERROR);
  EXPECT_FALSE(l.mongocrypt_ctx_datakey_init(wrong));
  EXPECT_EQ(
      l.mongocrypt_ctx_new(reinterpret_cast<mongocrypt_t*>(static_cast<mongocrypt_ctx_t*>(ctx))),
      nullptr);
}

TEST(MongocryptMisuse, CallsOutOfTurnEndTheContextAndSayWhich) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  const View out(l);
  const std::vector<std::function<bool(Ctx&)>> calls = {
      [&](Ctx& c) { return l.mongocrypt_ctx_mongo_op(c, out); },
      [&](Ctx& c) { return c.feed(bson_of("{}")); },
      [&](Ctx& c) { return c.done(); },
      [&](Ctx& c) { return l.mongocrypt_ctx_kms_done(c); },
      [&](Ctx& c) { return l.mongocrypt_ctx_provide_kms_providers(c, View(l, bson_of(kLocal))); },
      [&](Ctx& c) { return c.finalize().has_value(); },
  };
  for (const auto& call : calls) {
    Ctx ctx(client);
    EXPECT_FALSE(call(ctx));
    EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_ERROR);
    const std::string first = ctx.status().message;
    EXPECT_FALSE(first.empty());
    // It stays ended, and says what came first.
    EXPECT_FALSE(l.mongocrypt_ctx_decrypt_init(ctx, View(l, bson_of("{}"))));
    EXPECT_EQ(ctx.status().message, first);
  }
}

TEST(MongocryptMisuse, OptionsThatSayTooMuchOrNothingAreErrors) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  for (const char* name : {R"({"keyAltName": ""})", R"({"keyAltName": "a", "other": 1})",
                           R"({"other": 1, "keyAltName": "a"})", R"({"keyAltName": 5})", "{}"}) {
    const Ctx ctx(client);
    EXPECT_FALSE(l.mongocrypt_ctx_setopt_key_alt_name(ctx, View(l, bson_of(name)))) << name;
  }
  const Ctx two(client);
  for (const char* name : {R"({"keyAltName": "a"})", R"({"keyAltName": "b"})"})
    EXPECT_TRUE(l.mongocrypt_ctx_setopt_key_alt_name(two, View(l, bson_of(name))));
  EXPECT_TRUE(l.mongocrypt_ctx_setopt_algorithm(two, kRandom.data(), -1));
  EXPECT_FALSE(l.mongocrypt_ctx_explicit_encrypt_init(two, View(l, bson_of("{\"v\": 5}"))));
  const View command(l, bson_of(R"({"find": "c", "filter": {}})"));
  for (const char* db : {"", static_cast<const char*>(nullptr)}) {
    const Ctx ctx(client);
    EXPECT_FALSE(l.mongocrypt_ctx_encrypt_init(ctx, db, -1, command));
  }
  const Ctx negative(client);
  EXPECT_FALSE(l.mongocrypt_ctx_encrypt_init(negative, "db", -2, command));
}

TEST(MongocryptMisuse, AContextIsInitializedOnce) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  Ctx ctx(client);
  const View reply(l, bson_of("{\"a\": 1}"));
  ASSERT_TRUE(l.mongocrypt_ctx_decrypt_init(ctx, reply));
  EXPECT_FALSE(l.mongocrypt_ctx_decrypt_init(ctx, reply));
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_ERROR);
  Ctx late(client);
  ASSERT_TRUE(l.mongocrypt_ctx_decrypt_init(late, reply));
  EXPECT_FALSE(l.mongocrypt_ctx_setopt_masterkey_local(late));
}

TEST(MongocryptMisuse, BytesThatAreNoDocumentAreAnError) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  const std::vector<Buf> broken = {{},
                                   {0},
                                   {5, 0, 0, 0},
                                   {5, 0, 0, 0, 1},
                                   {0xff, 0xff, 0xff, 0x7f, 0},
                                   {6, 0, 0, 0, 0, 0},
                                   {5, 0, 0, 0, 0, 0}};
  for (const Buf& bytes : broken) {
    Ctx encrypt(client);
    EXPECT_FALSE(l.mongocrypt_ctx_encrypt_init(encrypt, "db", -1, View(l, bytes)));
    Ctx decrypt(client);
    EXPECT_FALSE(l.mongocrypt_ctx_decrypt_init(decrypt, View(l, bytes)));
    Ctx value(client);
    EXPECT_FALSE(l.mongocrypt_ctx_explicit_decrypt_init(value, View(l, bytes)));
  }
}

TEST_P(MongocryptMisuseOfBoth, NothingStandsBehindADocument) {
  const Library& l = *library_;
  const auto longer = [](const std::string& json) {
    Buf document = bson_of(json);
    document.insert(document.end(), {1, 0});
    return document;
  };
  EXPECT_FALSE(Client(l, {"", "",
                          [&](const Library&, mongocrypt_t* crypt) {
                            EXPECT_FALSE(
                                l.mongocrypt_setopt_kms_providers(crypt, View(l, longer(kLocal))));
                          }})
                   .is_ready());
  const Client client(l, {kLocal});
  const std::string material = std::string(128, 'A');
  const std::vector<std::function<bool(Ctx&)>> calls = {
      [&](Ctx& c) {
        return l.mongocrypt_ctx_setopt_key_alt_name(c, View(l, longer(R"({"keyAltName": "ann"})")));
      },
      [&](Ctx& c) {
        return l.mongocrypt_ctx_setopt_key_material(
            c, View(l, longer(R"({"keyMaterial": {"$binary": {"base64": ")" + material +
                              R"(", "subType": "00"}}})")));
      },
      [&](Ctx& c) {
        return l.mongocrypt_ctx_setopt_key_encryption_key(
            c, View(l, longer(R"({"provider": "local"})")));
      },
      [&](Ctx& c) {
        EXPECT_TRUE(l.mongocrypt_ctx_setopt_key_id(c, View(l, Buf(16, 1))));
        EXPECT_TRUE(l.mongocrypt_ctx_setopt_algorithm(c, kRandom.data(), -1));
        return l.mongocrypt_ctx_explicit_encrypt_init(c, View(l, longer("{\"v\": 5}")));
      },
      [&](Ctx& c) { return l.mongocrypt_ctx_decrypt_init(c, View(l, longer("{}"))); },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Ctx ctx(client);
    EXPECT_FALSE(calls[i](ctx)) << i;
  }
}

TEST(MongocryptMisuse, AnyCallsInAnyOrderEndWell) {
  const Library& l = Library::ours();
  const Client client(l, walk_options());
  ASSERT_TRUE(client.is_ready()) << client.status().message;
  const std::vector<Buf> documents = walk_documents(client);
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    Walk walk(client, documents, [&random] { return static_cast<unsigned>(random()); });
    for (int i = 0; i < 25; ++i) walk.step();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace fle::test
