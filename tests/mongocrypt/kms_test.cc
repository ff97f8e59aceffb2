// Messages to key management services: the driver's network sends them, so what either library
// hands out is compared, and a KMS that is no more than a function answers.
#include <regex>

#include <gtest/gtest.h>

#include "mongocrypt/library.h"
#include "support/rsa_key.h"

namespace fle::test {
namespace {

std::string http(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// The text of a field of a JSON object.
std::string field(const std::string& json, const std::string& name) {
  std::smatch found;
  if (!std::regex_search(json, found, std::regex("\"" + name + "\" ?: ?\"([^\"]*)\""))) return {};
  return found[1];
}

/// Wraps a key by leaving it as it is: what comes back must still be what went in.
std::string answer(const std::string& endpoint, const std::string& message) {
  const std::string plaintext = field(message, "Plaintext") + field(message, "plaintext");
  const std::string ciphertext = field(message, "CiphertextBlob") + field(message, "ciphertext");
  if (message.find("/token") != std::string::npos)
    return http(200, R"({"token_type": "Bearer", "expires_in": 3599, "access_token": "TOKEN"})");
  if (message.find("TrentService.Encrypt") != std::string::npos)
    return http(200, R"({"CiphertextBlob": ")" + plaintext + R"(", "KeyId": ")" +
                         field(message, "KeyId") + "\"}");
  if (message.find("TrentService.Decrypt") != std::string::npos)
    return http(200, R"({"Plaintext": ")" + ciphertext + R"(", "KeyId": "arn:x"})");
  if (message.find(":encrypt ") != std::string::npos)
    return http(200, R"({"name": "projects/p", "ciphertext": ")" + plaintext + "\"}");
  if (message.find(":decrypt ") != std::string::npos)
    return http(200, R"({"plaintext": ")" + ciphertext + "\"}");
  if (message.find("wrapkey?") != std::string::npos)
    return http(200, R"({"kid": "https://)" + endpoint + R"(/keys/k/v", "value": ")" +
                         field(message, "value") + "\"}");
  return http(404, "{}");
}

struct Cloud {
  const char* name;
  std::string providers;
  const char* kek;
  int messages;  ///< Of a new key, with a cold token.
};
std::vector<Cloud> clouds() {
  return {
      {"aws", R"({"aws": {"accessKeyId": "AKID", "secretAccessKey": "canary"}})",
       R"({"provider": "aws", "region": "us-east-1", "key": "arn:aws:kms:us-east-1:1:key/x"})", 1},
      {"azure",
       R"({"azure": {"tenantId": "tenant", "clientId": "client", "clientSecret": "canary"}})",
       R"({"provider": "azure", "keyVaultEndpoint": "medco.vault.azure.net", "keyName": "k"})", 2},
      {"gcp", R"({"gcp": {"email": "a@b.example", "privateKey": ")" + rsa_key_base64() + "\"}}",
       R"({"provider": "gcp", "projectId": "p", "location": "global", "keyRing": "r", )"
       R"("keyName": "k"})",
       2},
  };
}

bool begin_data_key(const Library& l, const Ctx& ctx, const Cloud& cloud) {
  return l.mongocrypt_ctx_setopt_key_encryption_key(ctx, View(l, bson_of(cloud.kek))) &&
         l.mongocrypt_ctx_datakey_init(ctx);
}

/// What a server reads of a message: its request line, its headers in any order and case, without
/// those that change with the time or the library, its body.
std::string as_read(const std::string& request) {
  const std::size_t end = request.find("\r\n\r\n");
  std::string head = request.substr(0, end);
  std::set<std::string> headers;
  std::size_t at = head.find("\r\n");
  std::string read = head.substr(0, at);
  while (at != std::string::npos) {
    const std::size_t next = head.find("\r\n", at + 2);
    std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const std::size_t colon = line.find(':');
    std::transform(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), line.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    line = std::regex_replace(line, std::regex("^([a-z0-9-]+): *"), "$1:");
    line = std::regex_replace(line, std::regex("[0-9]{8}T[0-9]{6}Z|Signature=[0-9a-f]{64}"), "*");
    headers.insert(line);
    at = next;
  }
  for (const std::string& line : headers) read += "\n" + line;
  std::string body = end == std::string::npos ? std::string() : request.substr(end + 4);
  body = std::regex_replace(body, std::regex("\\s"), "");
  // The assertion of GCP has the time in it; libmongocrypt pads its signature, which RFC 7515
  // forbids.
  if (body.find("assertion=") != std::string::npos) {
    body = std::regex_replace(body, std::regex("assertion=[A-Za-z0-9_.=-]+"), "assertion=*");
    read = std::regex_replace(read, std::regex("content-length:[0-9]+"), "content-length:*");
  }
  return read + "\n\n" + body;
}

class MongocryptKms : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    library_ = GetParam() ? &Library::ours() : Library::theirs();
    if (library_ == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    world_.kms = answer;
  }
  const Library* library_ = nullptr;
  World world_;
};
INSTANTIATE_TEST_SUITE_P(Libraries, MongocryptKms, testing::Bool(),
                         [](const auto& with) { return with.param ? "Ours" : "Debian"; });

TEST_P(MongocryptKms, AKeyIsWrappedUnwrappedAndRewrappedByEachCloud) {
  for (const Cloud& cloud : clouds()) {
    SCOPED_TRACE(cloud.name);
    const Client client(*library_, {cloud.providers});
    ASSERT_TRUE(client.is_ready()) << client.status().message;
    std::string why;
    const auto made = create_data_key(client, world_, cloud.kek, {}, {}, &why);
    ASSERT_TRUE(made) << why;
    world_.keys = {*made};
    const auto sealed =
        encrypt_value(client, world_, binary_of(*made, "_id"), kRandom, "\"x\"", &why);
    ASSERT_TRUE(sealed) << why;
    EXPECT_EQ(decrypt_value(client, world_, *sealed), bson_of("{\"v\": \"x\"}"));
    Ctx rewrap(client);
    ASSERT_TRUE(library_->mongocrypt_ctx_setopt_key_encryption_key(
        rewrap, View(*library_, bson_of(cloud.kek))));
    ASSERT_TRUE(
        library_->mongocrypt_ctx_rewrap_many_datakey_init(rewrap, View(*library_, bson_of("{}"))));
    EXPECT_TRUE(rewrap.run(world_)) << rewrap.status().message;
  }
}

TEST_P(MongocryptKms, AnAnswerThatSaysNoIsAnErrorWithItsStatus) {
  world_.kms = [](const std::string&, const std::string&) {
    return http(403, R"({"error": {"message": "no entry", "code": "Forbidden"}, )"
                     R"("__type": "AccessDenied", "message": "no entry"})");
  };
  for (const Cloud& cloud : clouds()) {
    SCOPED_TRACE(cloud.name);
    const Client client(*library_, {cloud.providers});
    std::string why;
    EXPECT_FALSE(create_data_key(client, world_, cloud.kek, {}, {}, &why));
  }
}

TEST_P(MongocryptKms, AnAnswerThatIsCutShortIsAnError) {
  const Cloud aws = clouds()[0];
  const Client client(*library_, {aws.providers});
  Ctx ctx(client);
  const Library& l = *library_;
  ASSERT_TRUE(begin_data_key(l, ctx, aws));
  ASSERT_EQ(ctx.state(), MONGOCRYPT_CTX_NEED_KMS);
  mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
  ASSERT_NE(kms, nullptr);
  EXPECT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), nullptr);
  std::uint32_t len = 0;
  EXPECT_STREQ(l.mongocrypt_kms_ctx_get_kms_provider(kms, &len), "aws");
  EXPECT_EQ(len, 3U);
  const char* endpoint = nullptr;
  ASSERT_TRUE(l.mongocrypt_kms_ctx_endpoint(kms, &endpoint));
  EXPECT_STREQ(endpoint, "kms.us-east-1.amazonaws.com:443");
  const View message(l);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_message(kms, message));
  ASSERT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  const std::string half = "HTTP/1.1 200 OK\r\nContent-Le";
  ASSERT_TRUE(l.mongocrypt_kms_ctx_feed(
      kms, View(l, {reinterpret_cast<const std::uint8_t*>(half.data()), half.size()})));
  EXPECT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  EXPECT_FALSE(l.mongocrypt_ctx_kms_done(ctx));
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_ERROR);
}

TEST(MongocryptKmsBoth, SendTheSame) {
  if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  for (const Cloud& cloud : clouds()) {
    SCOPED_TRACE(cloud.name);
    std::vector<std::string> sent[2];
    const Buf material(96, 0x11);
    for (const bool ours : {false, true}) {
      const Library& l = ours ? Library::ours() : *Library::theirs();
      World world;
      world.kms = [&](const std::string& endpoint, const std::string& message) {
        sent[ours ? 1 : 0].push_back(endpoint + "\n" + as_read(message));
        return answer(endpoint, message);
      };
      {
        const Client client(l, {cloud.providers});
        world.keys = {*create_data_key(client, world, cloud.kek, {}, material)};
      }
      const Client client(l, {cloud.providers});
      EXPECT_TRUE(encrypt_value(client, world, binary_of(world.keys[0], "_id"), kRandom, "\"x\""));
    }
    EXPECT_EQ(sent[0].size(), static_cast<std::size_t>(2 * cloud.messages));
    EXPECT_EQ(sent[1], sent[0]);
  }
}

TEST(MongocryptOurKms, ATokenIsAskedForOnceForAllKeys) {
  const Cloud azure = clouds()[1];
  World world;
  int tokens = 0;
  int unwraps = 0;
  world.kms = [&](const std::string& endpoint, const std::string& message) {
    tokens += message.find("/token") != std::string::npos ? 1 : 0;
    unwraps += message.find("unwrapkey") != std::string::npos ? 1 : 0;
    return answer(endpoint, message);
  };
  {
    const Client client(Library::ours(), {azure.providers});
    for (int i = 0; i < 4; ++i) world.keys.push_back(*create_data_key(client, world, azure.kek));
  }
  EXPECT_EQ(tokens, 1) << "the client remembers it";
  const Client fresh(Library::ours(), {azure.providers});
  Ctx ctx(fresh);
  const Library& l = Library::ours();
  ASSERT_TRUE(l.mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(l, bson_of("{}"))));
  EXPECT_TRUE(ctx.run(world)) << ctx.status().message;
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(unwraps, 4);
}

TEST(MongocryptOurKms, AServersRefusalIsToldBeforeAnAnswerThatIsMissing) {
  const Library& l = Library::ours();
  const Cloud aws = clouds()[0];
  const Client client(l, {aws.providers});
  World world;
  world.kms = answer;
  for (int i = 0; i < 2; ++i) world.keys.push_back(*create_data_key(client, world, aws.kek));
  Ctx ctx(client);
  ASSERT_TRUE(l.mongocrypt_ctx_rewrap_many_datakey_init(ctx, View(l, bson_of("{}"))));
  for (const Buf& key : world.keys) ASSERT_TRUE(ctx.feed(key));
  ASSERT_TRUE(ctx.done());
  ASSERT_NE(l.mongocrypt_ctx_next_kms_ctx(ctx), nullptr);  // never answered
  mongocrypt_kms_ctx_t* const refused = l.mongocrypt_ctx_next_kms_ctx(ctx);
  ASSERT_NE(refused, nullptr);
  const std::string text = http(403, R"({"__type": "AccessDenied"})");
  ASSERT_GT(l.mongocrypt_kms_ctx_bytes_needed(refused), 0U);
  EXPECT_FALSE(l.mongocrypt_kms_ctx_feed(
      refused, View(l, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()})));
  EXPECT_FALSE(l.mongocrypt_ctx_kms_done(ctx));
  EXPECT_EQ(ctx.status().type, MONGOCRYPT_STATUS_ERROR_KMS);
  EXPECT_NE(ctx.status().message.find("403"), std::string::npos) << ctx.status().message;
}

TEST(MongocryptOurKms, ATransientAnswerIsTriedAgainAfterAWait) {
  const Library& l = Library::ours();
  const Cloud aws = clouds()[0];
  const Client client(l, {aws.providers, "", [](const Library& of, mongocrypt_t* crypt) {
                            EXPECT_TRUE(of.mongocrypt_setopt_retry_kms(crypt, true));
                          }});
  Ctx ctx(client);
  ASSERT_TRUE(begin_data_key(l, ctx, aws));
  const auto feed = [&](mongocrypt_kms_ctx_t* kms, const std::string& text, bool& again) {
    return l.mongocrypt_kms_ctx_feed_with_retry(
        kms, View(l, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}), &again);
  };
  mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
  EXPECT_EQ(l.mongocrypt_kms_ctx_usleep(kms), 0);
  const View first(l);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_message(kms, first));
  ASSERT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  bool again = false;
  ASSERT_TRUE(feed(kms, http(429, "{}"), again));
  EXPECT_TRUE(again);
  // The same context comes again, and says how long to wait.
  ASSERT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), kms);
  EXPECT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), nullptr);
  EXPECT_GE(l.mongocrypt_kms_ctx_usleep(kms), 0);
  const View second(l);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_message(kms, second));
  EXPECT_EQ(l.mongocrypt_kms_ctx_usleep(kms), 0);
  // A connection that breaks is one more.
  EXPECT_TRUE(l.mongocrypt_kms_ctx_fail(kms));
  ASSERT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), kms);
  const View third(l);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_message(kms, third));
  const Buf sent = third.bytes();
  ASSERT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  ASSERT_TRUE(feed(kms, answer("", std::string(sent.begin(), sent.end())), again));
  EXPECT_FALSE(again);
  ASSERT_TRUE(l.mongocrypt_ctx_kms_done(ctx)) << ctx.status().message;
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_READY);
}

TEST(MongocryptOurKms, AMessageMayBeAskedForItsStatusAfterItsRound) {
  const Library& l = Library::ours();
  const Cloud aws = clouds()[0];
  const Client client(l, {aws.providers});
  Ctx ctx(client);
  ASSERT_TRUE(begin_data_key(l, ctx, aws));
  mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
  const View message(l);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_message(kms, message));
  const Buf sent = message.bytes();
  const std::string text = answer("", std::string(sent.begin(), sent.end()));
  ASSERT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  ASSERT_TRUE(l.mongocrypt_kms_ctx_feed(
      kms, View(l, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()})));
  ASSERT_TRUE(l.mongocrypt_ctx_kms_done(ctx));
  mongocrypt_status_t* const status = l.mongocrypt_status_new();
  EXPECT_TRUE(l.mongocrypt_kms_ctx_status(kms, status));
  l.mongocrypt_status_destroy(status);
  EXPECT_EQ(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
  EXPECT_FALSE(l.mongocrypt_kms_ctx_fail(kms));
  EXPECT_TRUE(l.mongocrypt_kms_ctx_message(kms, message));
  EXPECT_TRUE(message.bytes().empty()) << "it had the data key in it";
}

TEST(MongocryptOurKms, WithoutRetriesABrokenConnectionIsTheEnd) {
  const Library& l = Library::ours();
  const Cloud aws = clouds()[0];
  const Client client(l, {aws.providers});
  Ctx ctx(client);
  ASSERT_TRUE(begin_data_key(l, ctx, aws));
  mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
  EXPECT_FALSE(l.mongocrypt_kms_ctx_fail(kms));
  EXPECT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), nullptr);
  EXPECT_FALSE(l.mongocrypt_ctx_kms_done(ctx));
  EXPECT_EQ(ctx.status().type, MONGOCRYPT_STATUS_ERROR_KMS);
}

TEST(MongocryptOurKms, MoreThanWasAskedForIsAnError) {
  const Library& l = Library::ours();
  const Cloud aws = clouds()[0];
  const Client client(l, {aws.providers});
  Ctx ctx(client);
  ASSERT_TRUE(begin_data_key(l, ctx, aws));
  mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
  const std::uint32_t needed = l.mongocrypt_kms_ctx_bytes_needed(kms);
  EXPECT_FALSE(l.mongocrypt_kms_ctx_feed(kms, View(l, Buf(needed + 1, 'x'))));
  EXPECT_FALSE(l.mongocrypt_kms_ctx_feed(kms, View(l)));
}

TEST(MongocryptOurKms, AnEndpointThatIsNoKmsIsRefusedBeforeAnythingIsSent) {
  const Client client(Library::ours(), {clouds()[0].providers});
  World world;
  world.kms = [](const std::string&, const std::string&) -> std::string {
    ADD_FAILURE() << "something was sent";
    return {};
  };
  std::string why;
  EXPECT_FALSE(create_data_key(
      client, world,
      R"({"provider": "aws", "region": "us-east-1", "key": "arn:x", "endpoint": "evil.example"})",
      {}, {}, &why));
  EXPECT_NE(why.find("evil.example"), std::string::npos) << why;
}

TEST(MongocryptOurKms, NoErrorTextHoldsASecret) {
  for (const Cloud& cloud : clouds()) {
    const Client client(Library::ours(), {cloud.providers});
    World world;
    world.kms = [](const std::string&, const std::string& message) { return http(400, message); };
    std::string why;
    EXPECT_FALSE(create_data_key(client, world, cloud.kek, {}, {}, &why));
    EXPECT_EQ(why.find("canary"), std::string::npos) << why;
    EXPECT_EQ(why.find("TOKEN"), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace fle::test
