// Calls that no driver should make: an error, never a crash.
#include <random>

#include <gtest/gtest.h>

#include "mongocrypt/library.h"

namespace fle::test {
namespace {

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

/// What a program might do that has lost its way: every call, on every kind of context, in any
/// order, with documents that fit and that do not.
class Walk {
 public:
  Walk(const Client& client, const std::vector<Buf>& documents, unsigned seed)
      : l_(client.library()), documents_(documents), random_(seed), ctx_(client) {}

  void step() {
    const View document(l_, pick());
    switch (random_() % 22) {
      case 0:
        (void)l_.mongocrypt_ctx_encrypt_init(ctx_, "clinic", -1, document);
        break;
      case 1:
        (void)l_.mongocrypt_ctx_decrypt_init(ctx_, document);
        break;
      case 2:
        (void)l_.mongocrypt_ctx_explicit_encrypt_init(ctx_, document);
        break;
      case 3:
        (void)l_.mongocrypt_ctx_explicit_decrypt_init(ctx_, document);
        break;
      case 4:
        (void)l_.mongocrypt_ctx_datakey_init(ctx_);
        break;
      case 5:
        (void)l_.mongocrypt_ctx_rewrap_many_datakey_init(ctx_, document);
        break;
      case 6:
        (void)l_.mongocrypt_ctx_setopt_key_id(ctx_, document);
        break;
      case 7:
        (void)l_.mongocrypt_ctx_setopt_key_alt_name(ctx_, document);
        break;
      case 8:
        (void)l_.mongocrypt_ctx_setopt_algorithm(ctx_, kRandom.data(), -1);
        break;
      case 9:
        (void)l_.mongocrypt_ctx_setopt_masterkey_local(ctx_);
        break;
      case 10:
        (void)l_.mongocrypt_ctx_setopt_key_encryption_key(ctx_, document);
        break;
      case 11:
        (void)ctx_.op();
        break;
      case 12:
      case 13:
        (void)l_.mongocrypt_ctx_mongo_feed(ctx_, document);
        break;
      case 14:
        (void)ctx_.done();
        break;
      case 15:
        (void)ctx_.finalize();
        break;
      case 16:
        (void)l_.mongocrypt_ctx_kms_done(ctx_);
        break;
      case 17:
        (void)l_.mongocrypt_ctx_provide_kms_providers(ctx_, document);
        break;
      case 18:
        (void)l_.mongocrypt_ctx_setopt_masterkey_aws(ctx_, "r", -1, "arn:x", -1);
        break;
      default:
        use_kms(document);
        break;
    }
    EXPECT_EQ(ctx_.state() == MONGOCRYPT_CTX_ERROR && !ctx_.status().message.empty(),
              !ctx_.status().message.empty());
  }

 private:
  Bytes pick() { return documents_[random_() % documents_.size()]; }
  void use_kms(const View& bytes) {
    if (mongocrypt_kms_ctx_t* const next = l_.mongocrypt_ctx_next_kms_ctx(ctx_)) kms_ = next;
    if (ctx_.state() != MONGOCRYPT_CTX_NEED_KMS) kms_ = nullptr;  // they end with the round
    const View message(l_);
    (void)l_.mongocrypt_kms_ctx_message(kms_, message);
    (void)l_.mongocrypt_kms_ctx_bytes_needed(kms_);
    (void)l_.mongocrypt_kms_ctx_usleep(kms_);
    bool again = false;
    if (random_() % 2 == 0) (void)l_.mongocrypt_kms_ctx_feed_with_retry(kms_, bytes, &again);
    if (random_() % 4 == 0) (void)l_.mongocrypt_kms_ctx_fail(kms_);
  }

  const Library& l_;
  const std::vector<Buf>& documents_;
  std::mt19937 random_;
  Ctx ctx_;
  mongocrypt_kms_ctx_t* kms_ = nullptr;
};

TEST(MongocryptMisuse, AnyCallsInAnyOrderEndWell) {
  const Library& l = Library::ours();
  const Client client(l,
                      {R"({"local": {"key": ")" + std::string(128, 'A') +
                           R"("}, "aws": {"accessKeyId": "a", "secretAccessKey": "b"}, "gcp": {}})",
                       R"({"clinic.b": {"bsonType": "object", "properties": {}}})",
                       [](const Library& of, mongocrypt_t* crypt) {
                         of.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
                         EXPECT_TRUE(of.mongocrypt_setopt_retry_kms(crypt, true));
                       }});
  ASSERT_TRUE(client.is_ready()) << client.status().message;
  World world;
  const Buf key = *create_data_key(client, world, R"({"provider": "local"})", {"ann"});
  world.keys = {key};
  const Buf id = binary_of(key, "_id");
  const Buf sealed = *encrypt_value(client, world, id, kRandom, "\"x\"");
  const std::vector<Buf> documents = {
      key,
      id,
      sealed,
      {},
      {5, 0, 0, 0, 0},
      {1, 2, 3},
      bson_of("{\"v\": \"x\"}"),
      bson_of(R"({"keyAltName": "ann"})"),
      bson_of(R"({"provider": "local"})"),
      bson_of(R"({"provider": "aws", "region": "us-east-1", "key": "arn:x"})"),
      bson_of(R"({"insert": "a", "documents": [{"_id": 1}]})"),
      bson_of(R"({"find": "b", "filter": {"x": 1}})"),
      bson_of(R"({"name": "a", "type": "collection", "options": {}})"),
      bson_of(kLocal)};
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Walk walk(client, documents, seed);
    for (int i = 0; i < 25; ++i) walk.step();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace fle::test
