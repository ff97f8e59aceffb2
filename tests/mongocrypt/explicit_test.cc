// Explicit encryption and decryption, by either library.
#include <cctype>

#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

/// Each test with ours, and with Debian's, which says what is right.
class MongocryptExplicit : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    library_ = GetParam() ? &Library::ours() : Library::theirs();
    if (library_ == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    client_.emplace(*library_, Client::Options{kLocal});
    ASSERT_TRUE(client_->is_ready());
    world_.keys.push_back(*create_data_key(*client_, world_, R"({"provider": "local"})", {"ann"}));
    id_ = binary_of(world_.keys[0], "_id");
  }

  const Library* library_ = nullptr;
  std::optional<Client> client_;
  World world_;
  Buf id_;
};
INSTANTIATE_TEST_SUITE_P(Libraries, MongocryptExplicit, testing::Bool(),
                         [](const auto& with) { return with.param ? "Ours" : "Debian"; });

TEST_P(MongocryptExplicit, AValueComesBackAsItWas) {
  for (const char* value :
       {"{\"$numberInt\": \"5\"}", "{\"$numberLong\": \"5\"}", "\"text\"", "\"\"",
        "{\"$oid\": \"0123456789abcdef01234567\"}", "{\"$date\": {\"$numberLong\": \"12345\"}}",
        "{\"$timestamp\": {\"t\": 5, \"i\": 6}}",
        "{\"$binary\": {\"base64\": \"AQID\", "
        "\"subType\": \"00\"}}",
        "{\"$regularExpression\": {\"pattern\": \"a\", \"options\": "
        "\"i\"}}",
        "{\"$code\": \"f()\"}", "{\"$symbol\": \"s\"}"}) {
    SCOPED_TRACE(value);
    for (const std::string_view algorithm : {kDeterministic, kRandom}) {
      const auto sealed = encrypt_value(*client_, world_, id_, algorithm, value);
      ASSERT_TRUE(sealed);
      EXPECT_EQ(decrypt_value(*client_, world_, *sealed),
                bson_of(std::string("{\"v\": ") + value + "}"));
      EXPECT_EQ(*sealed == *encrypt_value(*client_, world_, id_, algorithm, value),
                algorithm == kDeterministic);
    }
  }
  for (const char* value : {"{\"$numberDouble\": \"1.5\"}", "true", "{\"a\": 1}", "[1, \"two\"]",
                            "{\"$numberDecimal\": \"1.5\"}"}) {
    SCOPED_TRACE(value);
    const auto sealed = encrypt_value(*client_, world_, id_, kRandom, value);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(decrypt_value(*client_, world_, *sealed),
              bson_of(std::string("{\"v\": ") + value + "}"));
    std::string why;
    EXPECT_FALSE(encrypt_value(*client_, world_, id_, kDeterministic, value, &why));
    EXPECT_NE(why.find("BSON type invalid for deterministic encryption"), std::string::npos) << why;
  }
  for (const char* value :
       {"null", "{\"$minKey\": 1}", "{\"$maxKey\": 1}", "{\"$undefined\": true}"})
    EXPECT_FALSE(encrypt_value(*client_, world_, id_, kRandom, value)) << value;
}

TEST_P(MongocryptExplicit, TheKeyIsAskedForOnce) {
  Client fresh(*library_, {kLocal});
  for (const bool cold : {true, false}) {
    SCOPED_TRACE(cold);
    Ctx ctx(fresh);
    ASSERT_TRUE(library_->mongocrypt_ctx_setopt_key_id(ctx, View(*library_, id_)));
    ASSERT_TRUE(library_->mongocrypt_ctx_setopt_algorithm(ctx, kRandom.data(), -1));
    ASSERT_TRUE(library_->mongocrypt_ctx_explicit_encrypt_init(
        ctx, View(*library_, bson_of("{\"v\": 5}"))));
    EXPECT_TRUE(ctx.run(world_));
    EXPECT_EQ(ctx.states, cold ? (std::vector{kKeys, kReady}) : (std::vector{kReady}));
    EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_DONE);
    EXPECT_FALSE(ctx.finalize()) << "once";
  }
}

TEST_P(MongocryptExplicit, TheFilterOfTheKeyVaultIsTheSame) {
  Client fresh(*library_, {kLocal});
  Ctx ctx(fresh);
  const Buf name = bson_of(R"({"keyAltName": "ann"})");
  ASSERT_TRUE(library_->mongocrypt_ctx_setopt_key_alt_name(ctx, View(*library_, name)));
  ASSERT_TRUE(library_->mongocrypt_ctx_setopt_algorithm(ctx, kRandom.data(), -1));
  ASSERT_TRUE(
      library_->mongocrypt_ctx_explicit_encrypt_init(ctx, View(*library_, bson_of("{\"v\": 5}"))));
  EXPECT_EQ(ctx.op(),
            bson_of(R"({"$or": [{"_id": {"$in": []}}, {"keyAltNames": {"$in": ["ann"]}}]})"));
  EXPECT_TRUE(ctx.run(world_));
}

TEST_P(MongocryptExplicit, AKeyThatTheVaultLacksIsAnError) {
  const Buf other(16, 7);
  std::string why;
  EXPECT_FALSE(encrypt_value(*client_, world_, other, kRandom, "5", &why));
  EXPECT_NE(why.find("not all keys requested were satisfied"), std::string::npos) << why;
}

TEST_P(MongocryptExplicit, ADocumentThatWasNotAskedForIsAnError) {
  World another;
  const Buf stranger = *create_data_key(*client_, another, R"({"provider": "local"})");
  Client fresh(*library_, {kLocal});
  Ctx ctx(fresh);
  ASSERT_TRUE(library_->mongocrypt_ctx_setopt_key_id(ctx, View(*library_, id_)));
  ASSERT_TRUE(library_->mongocrypt_ctx_setopt_algorithm(ctx, kRandom.data(), -1));
  ASSERT_TRUE(
      library_->mongocrypt_ctx_explicit_encrypt_init(ctx, View(*library_, bson_of("{\"v\": 5}"))));
  EXPECT_FALSE(ctx.feed(stranger));
  EXPECT_EQ(ctx.state(), kError);
  EXPECT_NE(ctx.status().message.find("unexpected key returned"), std::string::npos);
}

TEST_P(MongocryptExplicit, AChangedCiphertextFailsAtTheEnd) {
  Buf sealed = *encrypt_value(*client_, world_, id_, kRandom, "5");
  sealed[sealed.size() - 3] ^= 1;
  Ctx ctx(*client_);
  ASSERT_TRUE(library_->mongocrypt_ctx_explicit_decrypt_init(ctx, View(*library_, sealed)));
  EXPECT_EQ(ctx.state(), kReady);
  EXPECT_FALSE(ctx.finalize());
  EXPECT_EQ(ctx.state(), kError);
}

TEST_P(MongocryptExplicit, AnAlgorithmMayBeWrittenInLettersOfEitherCase) {
  std::string lower(kDeterministic);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto sealed = encrypt_value(*client_, world_, id_, lower, "5");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed, encrypt_value(*client_, world_, id_, kDeterministic, "5"));
  EXPECT_FALSE(encrypt_value(*client_, world_, id_, lower + "_", "5"));
}

TEST_P(MongocryptExplicit, OptionsThatDoNotFitAreErrors) {
  const Library& l = *library_;
  const View v(l, bson_of("{\"v\": 5}"));
  const View name(l, bson_of(R"({"keyAltName": "ann"})"));
  const auto fails = [&](auto call) {
    Ctx ctx(*client_);
    const bool good = call(ctx);
    EXPECT_EQ(ctx.state(), kError);
    EXPECT_FALSE(ctx.status().message.empty());
    return !good && !l.mongocrypt_ctx_explicit_encrypt_init(ctx, v);
  };
  EXPECT_TRUE(fails([&](Ctx& c) { return l.mongocrypt_ctx_explicit_encrypt_init(c, v); }))
      << "no key";
  EXPECT_TRUE(fails([&](Ctx& c) {
    return l.mongocrypt_ctx_setopt_key_id(c, View(l, id_)) &&
           l.mongocrypt_ctx_explicit_encrypt_init(c, v);
  })) << "no algorithm";
  EXPECT_TRUE(fails([&](Ctx& c) {
    return l.mongocrypt_ctx_setopt_key_id(c, View(l, id_)) &&
           l.mongocrypt_ctx_setopt_key_alt_name(c, name) &&
           l.mongocrypt_ctx_setopt_algorithm(c, kRandom.data(), -1) &&
           l.mongocrypt_ctx_explicit_encrypt_init(c, v);
  })) << "both id and name";
  EXPECT_TRUE(
      fails([&](Ctx& c) { return l.mongocrypt_ctx_setopt_key_id(c, View(l, Buf(15, 1))); }));
  EXPECT_TRUE(fails([&](Ctx& c) { return l.mongocrypt_ctx_setopt_algorithm(c, "bogus", -1); }));
  EXPECT_TRUE(fails([&](Ctx& c) { return l.mongocrypt_ctx_setopt_key_alt_name(c, v); }));
  EXPECT_TRUE(fails([&](Ctx& c) {
    return l.mongocrypt_ctx_setopt_algorithm(c, kRandom.data(), -1) &&
           l.mongocrypt_ctx_setopt_algorithm(c, kRandom.data(), -1);
  })) << "twice";
  EXPECT_TRUE(fails([&](Ctx& c) {
    return l.mongocrypt_ctx_setopt_algorithm(c, kRandom.data(), -1) &&
           l.mongocrypt_ctx_encrypt_init(c, "db", -1, v);
  })) << "automatic encryption takes none";
}

TEST(MongocryptBoth, ReadWhatTheOtherWrote) {
  if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  const Client ours(Library::ours(), {kLocal});
  const Client theirs(*Library::theirs(), {kLocal});
  for (const bool we_make_the_key : {true, false}) {
    World world;
    world.keys.push_back(
        *create_data_key(we_make_the_key ? ours : theirs, world, R"({"provider": "local"})"));
    const Buf id = binary_of(world.keys[0], "_id");
    for (const std::string_view algorithm : {kDeterministic, kRandom}) {
      const auto by_us = encrypt_value(ours, world, id, algorithm, "\"canary\"");
      const auto by_them = encrypt_value(theirs, world, id, algorithm, "\"canary\"");
      ASSERT_TRUE(by_us && by_them);
      EXPECT_EQ(*by_us == *by_them, algorithm == kDeterministic);
      EXPECT_EQ(decrypt_value(theirs, world, *by_us), bson_of("{\"v\": \"canary\"}"));
      EXPECT_EQ(decrypt_value(ours, world, *by_them), bson_of("{\"v\": \"canary\"}"));
    }
  }
}

TEST(MongocryptOurs, QueryableEncryptionIsRefusedWithOneText) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  const auto text = [&](auto call) {
    Ctx ctx(client);
    EXPECT_FALSE(call(ctx));
    EXPECT_EQ(ctx.state(), kError);
    return ctx.status().message;
  };
  const View document(l, bson_of("{\"v\": 5}"));
  const std::string expected = "Queryable Encryption, which libfle does not have";
  for (const char* algorithm :
       {"Indexed", "Unindexed", "Range", "RangePreview", "TextPreview", "indexed", "RANGE"})
    EXPECT_NE(text([&](Ctx& c) {
                return l.mongocrypt_ctx_setopt_algorithm(c, algorithm, -1);
              }).find(expected),
              std::string::npos);
  const std::vector<std::function<bool(Ctx&)>> calls = {
      [&](Ctx& c) { return l.mongocrypt_ctx_setopt_contention_factor(c, 4); },
      [&](Ctx& c) { return l.mongocrypt_ctx_setopt_index_key_id(c, document); },
      [&](Ctx& c) { return l.mongocrypt_ctx_setopt_query_type(c, "equality", -1); },
      [&](Ctx& c) { return l.mongocrypt_ctx_setopt_algorithm_range(c, document); },
      [&](Ctx& c) { return l.mongocrypt_ctx_setopt_algorithm_text(c, document); },
      [&](Ctx& c) { return l.mongocrypt_ctx_explicit_encrypt_expression_init(c, document); },
  };
  for (const auto& call : calls) EXPECT_NE(text(call).find(expected), std::string::npos);
  // A value of its own: type 7 is one of that protocol.
  Buf foreign = bson_of(R"({"v": {"$binary": {"base64": "BwAAAAAAAAAAAAAAAAAAAAAAAAAA", )"
                        R"("subType": "06"}}})");
  EXPECT_NE(text([&](Ctx& c) {
              return l.mongocrypt_ctx_explicit_decrypt_init(c, View(l, foreign));
            }).find(expected),
            std::string::npos);
}

}  // namespace
}  // namespace fle::test
