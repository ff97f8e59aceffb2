// New data keys, and old ones under a new master key.
#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "fle/kms/key_document.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

class MongocryptDataKeys : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    library_ = GetParam() ? &Library::ours() : Library::theirs();
    if (library_ == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    client_.emplace(*library_, Client::Options{kLocal});
  }
  const Library* library_ = nullptr;
  std::optional<Client> client_;
  World world_;
};
INSTANTIATE_TEST_SUITE_P(Libraries, MongocryptDataKeys, testing::Bool(),
                         [](const auto& with) { return with.param ? "Ours" : "Debian"; });

TEST_P(MongocryptDataKeys, ADocumentHasTheFieldsOfTheSpecificationInOrder) {
  const auto made = create_data_key(*client_, world_, R"({"provider": "local"})", {"b", "a"});
  ASSERT_TRUE(made);
  std::vector<std::string> names;
  bson::Cursor cursor(*made);
  while (cursor.next()) names.emplace_back(cursor.element().name);
  EXPECT_EQ(names, (std::vector<std::string>{"_id", "keyAltNames", "keyMaterial", "creationDate",
                                             "updateDate", "status", "masterKey"}));
  const auto key = kms::parse_key_document(*made);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(key->key_material.size(), 160U);
  EXPECT_EQ(std::set(key->alt_names.begin(), key->alt_names.end()),
            (std::set<std::string>{"a", "b"}));
}

TEST_P(MongocryptDataKeys, GivenMaterialIsTheKey) {
  const Buf material(96, 0x11);
  World other;
  world_.keys = {*create_data_key(*client_, world_, R"({"provider": "local"})", {}, material)};
  other.keys = {*create_data_key(*client_, other, R"({"provider": "local"})", {}, material)};
  const Buf id = binary_of(world_.keys[0], "_id");
  EXPECT_NE(id, binary_of(other.keys[0], "_id"));
  // The same material under another id: the IV of the deterministic algorithm has the id in it.
  EXPECT_TRUE(encrypt_value(*client_, world_, id, kDeterministic, "5"));
  EXPECT_FALSE(create_data_key(*client_, world_, R"({"provider": "local"})", {}, Buf(95, 1)));
}

TEST_P(MongocryptDataKeys, WhatIsMissingOrWrongIsAnError) {
  for (const char* kek :
       {R"({"provider": "bogus"})", R"({"provider": "aws"})", R"({"region": "x"})"})
    EXPECT_FALSE(create_data_key(*client_, world_, kek)) << kek;
  Ctx ctx(*client_);
  EXPECT_FALSE(library_->mongocrypt_ctx_datakey_init(ctx)) << "no master key";
  EXPECT_FALSE(create_data_key(*client_, world_, R"({"provider": "local"})", {"a", "a"}));
}

// An endpoint that nobody asks is one that somebody believes to be asked.
TEST_P(MongocryptDataKeys, AnEndpointIsForAnAwsMasterKeyAlone) {
  const Library& l = *library_;
  const auto refused = [&](auto set_master_key, auto begin) {
    Ctx ctx(*client_);
    EXPECT_FALSE(set_master_key(ctx) &&
                 l.mongocrypt_ctx_setopt_masterkey_aws_endpoint(ctx, "kms.example.com", -1) &&
                 begin(ctx));
    EXPECT_FALSE(ctx.status().message.empty());
  };
  const auto local = [&](Ctx& c) { return l.mongocrypt_ctx_setopt_masterkey_local(c); };
  const auto aws = [&](Ctx& c) {
    return l.mongocrypt_ctx_setopt_key_encryption_key(
        c, View(l, bson_of(R"({"provider": "aws", "region": "r", "key": "arn:x"})")));
  };
  const auto create = [&](Ctx& c) { return l.mongocrypt_ctx_datakey_init(c); };
  const auto rewrap = [&](Ctx& c) {
    return l.mongocrypt_ctx_rewrap_many_datakey_init(c, View(l, bson_of("{}")));
  };
  refused(local, create);
  refused(local, rewrap);
  refused(aws, create);
  refused(aws, rewrap);
}

TEST_P(MongocryptDataKeys, ManyAreRewrappedAtOnce) {
  for (int i = 0; i < 5; ++i)
    world_.keys.push_back(*create_data_key(*client_, world_, R"({"provider": "local"})"));
  Ctx ctx(*client_);
  ASSERT_TRUE(
      library_->mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(*library_, bson_of("{}"))));
  EXPECT_EQ(ctx.op(), bson_of("{}"));
  const auto result = ctx.run(world_);
  ASSERT_TRUE(result) << ctx.status().message;
  EXPECT_EQ(ctx.states.front(), MONGOCRYPT_CTX_NEED_MONGO_KEYS);
  const auto list = bson::find(*result, "v");
  ASSERT_TRUE(list);
  bson::Cursor cursor(*result, list->value_offset);
  std::size_t n = 0;
  while (cursor.next()) {
    const Bytes one = bson::value_of(*result, cursor.element());
    const Buf id = binary_of(one, "_id");
    const Buf material = binary_of(one, "keyMaterial");
    const auto old = std::ranges::find_if(
        world_.keys, [&id](const Buf& key) { return binary_of(key, "_id") == id; });
    ASSERT_NE(old, world_.keys.end());
    EXPECT_NE(binary_of(*old, "keyMaterial"), material);
    EXPECT_TRUE(bson::find(one, "masterKey"));
    ++n;
  }
  EXPECT_EQ(n, world_.keys.size());
}

TEST_P(MongocryptDataKeys, AFilterThatFindsNothingIsDone) {
  Ctx ctx(*client_);
  const Buf filter = bson_of(R"({"keyAltNames": "nobody"})");
  ASSERT_TRUE(library_->mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(*library_, filter)));
  EXPECT_EQ(ctx.op(), filter);
  EXPECT_TRUE(ctx.done());
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_DONE);
}

TEST(MongocryptOurDataKeys, ARewrapTakesEachKeyOnceAndNoOtherOption) {
  const Library& l = Library::ours();
  const Client client(l, {kLocal});
  World world;
  const Buf key = *create_data_key(client, world, R"({"provider": "local"})");
  Ctx twice(client);
  ASSERT_TRUE(l.mongocrypt_ctx_rewrap_many_datakey_init(twice, View(l, bson_of("{}"))));
  EXPECT_TRUE(twice.feed(key));
  EXPECT_FALSE(twice.feed(key));
  EXPECT_EQ(twice.state(), MONGOCRYPT_CTX_ERROR);
  const Ctx option(client);
  ASSERT_TRUE(l.mongocrypt_ctx_setopt_algorithm(option, kRandom.data(), -1));
  EXPECT_FALSE(l.mongocrypt_ctx_rewrap_many_datakey_init(option, View(l, bson_of("{}"))));
}

TEST_P(MongocryptDataKeys, ABrokenDocumentIsAnErrorWhereItIsFed) {
  for (const char* broken : {"{}", R"({"_id": 5})"}) {
    Ctx ctx(*client_);
    ASSERT_TRUE(
        library_->mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(*library_, bson_of("{}"))));
    EXPECT_FALSE(ctx.feed(bson_of(broken)));
    EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_ERROR);
  }
}

}  // namespace
}  // namespace fle::test
