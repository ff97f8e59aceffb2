// KMIP through the interface: the driver's network, and a server that is no more than a function.
#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "kms/kmip/fake/kmip_answers.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

constexpr std::uint32_t kRegister = 0x03;
constexpr std::uint32_t kGet = 0x0A;
constexpr std::uint32_t kGetAttributes = 0x0B;
constexpr std::uint32_t kActivate = 0x12;

/// A server with one secret, of the id "12".
struct KmipServer {
  std::string operator()(const std::string& endpoint, const std::string& message) {
    EXPECT_EQ(endpoint, "kmip.example:5696");
    const std::uint32_t operation = kms::test::operation_of(
        {reinterpret_cast<const std::uint8_t*>(message.data()), message.size()});
    asked.push_back(operation);
    Buf payload = kms::test::id_payload("12");
    if (operation == kGet) payload = kms::test::secret_payload("12", Buf(96, 0x33));
    if (operation == kGetAttributes) payload = kms::test::state_payload("12", 2);
    const Buf answer = kms::test::answer(operation, payload);
    return {answer.begin(), answer.end()};
  }
  std::vector<std::uint32_t> asked;
};

const std::string kKmip = R"({"kmip": {"endpoint": "kmip.example"}})";

TEST(MongocryptKmip, ANewKeysObjectIsMadeAndAnOldKeyOpens) {
  KmipServer server;
  World world;
  world.kms = std::ref(server);
  std::string why;
  {
    const Client client(Library::ours(), {kKmip});
    ASSERT_TRUE(client.is_ready()) << client.status().message;
    const auto made = create_data_key(client, world, R"({"provider": "kmip"})", {}, {}, &why);
    ASSERT_TRUE(made) << why;
    EXPECT_EQ(server.asked.front(), kRegister);
    EXPECT_EQ(std::ranges::count(server.asked, kActivate), 1);
    const auto master_key = bson::find(*made, "masterKey");
    ASSERT_TRUE(master_key);
    const auto id = bson::find(*made, "keyId", master_key->value_offset);
    ASSERT_TRUE(id);
    EXPECT_EQ(bson::text_of(*made, *id), "12");
    world.keys = {*made};
  }
  const Client client(Library::ours(), {kKmip});
  const auto sealed =
      encrypt_value(client, world, binary_of(world.keys[0], "_id"), kRandom, "5", &why);
  ASSERT_TRUE(sealed) << why;
  Ctx rewrap(client);
  const Library& l = Library::ours();
  ASSERT_TRUE(l.mongocrypt_ctx_rewrap_many_datakey_init(rewrap, View(l, bson_of("{}"))));
  EXPECT_TRUE(rewrap.run(world)) << rewrap.status().message;
}

TEST(MongocryptKmip, ManyKeysUnderOneMasterKeyTakeOneRound) {
  KmipServer server;
  World world;
  world.kms = std::ref(server);
  {
    const Client client(Library::ours(), {kKmip});
    for (int i = 0; i < 4; ++i)
      world.keys.push_back(
          *create_data_key(client, world, R"({"provider": "kmip", "keyId": "12"})"));
  }
  const Library& l = Library::ours();
  const Client client(l, {kKmip});
  Ctx ctx(client);
  ASSERT_TRUE(l.mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(l, bson_of("{}"))));
  for (const Buf& key : world.keys) ASSERT_TRUE(ctx.feed(key));
  ASSERT_TRUE(ctx.done());
  ASSERT_EQ(ctx.state(), MONGOCRYPT_CTX_NEED_KMS);
  int messages = 0;
  while (l.mongocrypt_ctx_next_kms_ctx(ctx) != nullptr) ++messages;
  EXPECT_EQ(messages, 4) << "a driver may run them side by side";
}

TEST(MongocryptKmip, EachLibraryOpensWhatTheOtherWrapped) {
  if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  KmipServer server;
  const Client ours(Library::ours(), {kKmip});
  const Client theirs(*Library::theirs(), {kKmip});
  for (const bool we_wrap : {true, false}) {
    World world;
    world.kms = std::ref(server);
    std::string why;
    const auto made = create_data_key(we_wrap ? ours : theirs, world,
                                      R"({"provider": "kmip", "keyId": "12"})", {}, {}, &why);
    ASSERT_TRUE(made) << why;
    world.keys = {*made};
    const Buf id = binary_of(*made, "_id");
    const auto a = encrypt_value(ours, world, id, kDeterministic, "5", &why);
    ASSERT_TRUE(a) << why;
    EXPECT_EQ(a, encrypt_value(theirs, world, id, kDeterministic, "5"));
  }
}

}  // namespace
}  // namespace fle::test
