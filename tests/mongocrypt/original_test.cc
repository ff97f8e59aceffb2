// Queryable Encryption, handed to the library that FLE_MONGOCRYPT_QE names: Debian's. What it
// answers by our handles is what it answers by its own.
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "mongocrypt/library.h"
#include "mongocrypt/walk.h"

namespace fle::test {
namespace {

constexpr auto kCollInfo = MONGOCRYPT_CTX_NEED_MONGO_COLLINFO;
constexpr auto kMarkings = MONGOCRYPT_CTX_NEED_MONGO_MARKINGS;
constexpr auto kKeys = MONGOCRYPT_CTX_NEED_MONGO_KEYS;
constexpr auto kKms = MONGOCRYPT_CTX_NEED_KMS;
constexpr auto kReady = MONGOCRYPT_CTX_READY;
constexpr auto kError = MONGOCRYPT_CTX_ERROR;

std::string uuid_of(const Buf& id) {
  return R"({"$uuid": ")" + to_uuid_string(*KeyId::from(id)) + "\"}";
}

/// A client of our library that knows the original, or another file in its place.
struct Handing {
  explicit Handing(const Client::Options& options,
                   const std::string& path = FLE_MONGOCRYPT_DEBIAN) {
    const NamesOriginal names(path);
    client.emplace(Library::ours(), options);
  }
  std::optional<Client> client;
  operator const Client&() const noexcept { return *client; }  // NOLINT
};

void listen(std::vector<std::string>& log, const Library& l, mongocrypt_t* crypt) {
  const auto note = [](mongocrypt_log_level_t, const char* text, std::uint32_t len, void* to) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(text, len);
  };
  EXPECT_TRUE(l.mongocrypt_setopt_log_handler(crypt, note, &log));
}
auto lines_with(const std::vector<std::string>& log, const std::string& words) {
  return std::ranges::count_if(
      log, [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

/// Options of explicit encryption.
struct How {
  std::string algorithm = "Unindexed";
  std::optional<std::int64_t> contention{};
  std::string query_type{};
  bool has_index_key = false;
  bool key_first = true;
};

class MongocryptOriginal : public testing::Test {
 protected:
  void SetUp() override {
    if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
    theirs_.emplace(*Library::theirs(), options());
    ours_.emplace(options());
    ASSERT_TRUE(ours_->client->is_ready()) << ours_->client->status().message;
    for (const std::string name : {"ann", "ben"})
      world_.keys.push_back(*create_data_key(*theirs_, world_, R"({"provider": "local"})", {name}));
    id_ = binary_of(world_.keys[0], "_id");
  }
  static Client::Options options() { return {kLocal}; }
  [[nodiscard]] std::vector<const Client*> both() const { return {&*theirs_, &*ours_->client}; }

  [[nodiscard]] std::string fields() const {
    return R"({"escCollection": "enxcol_.c.esc", "eccCollection": "enxcol_.c.ecc", )"
           R"("ecocCollection": "enxcol_.c.ecoc", "fields": [{"path": "v", "bsonType": "string", )"
           R"("keyId": )" +
           uuid_of(id_) +
           R"(, "queries": {"queryType": "equality", "contention": {"$numberLong": "4"}}}]})";
  }
  /// As mongocryptd would answer: `v` of every document is marked.
  [[nodiscard]] Buf mark(Bytes) const {
    bson::Writer marking;
    marking.add_int32("t", 1).add_int32("a", 2);
    marking.add_binary("ki", bson::kSubtypeUuid, id_).add_binary("ku", bson::kSubtypeUuid, id_);
    marking.add_string("v", "canary").add_int64("cm", 4);
    Buf content = {3};
    const Bytes bytes = marking.finish();
    content.insert(content.end(), bytes.begin(), bytes.end());
    bson::Writer w;
    w.add_bool("hasEncryptionPlaceholders", true).add_bool("schemaRequiresEncryption", true);
    w.begin_document("result").add_string("insert", "c").begin_array("documents");
    w.begin_document({}).add_int32("_id", 1).add_binary("v", 6, content).end().end();
    w.begin_document("encryptionInformation").add_int32("type", 1).begin_document("schema");
    w.add_document("clinic.c", bson_of(fields())).end().end().end();
    w.add_double("ok", 1);
    return std::move(w).take();
  }

  /// Whether it began.
  bool begin(const Client& client, const Ctx& ctx, const How& how, const std::string& value) const {
    const Library& l = client.library();
    const auto set_key = [&] { return l.mongocrypt_ctx_setopt_key_id(ctx, View(l, id_)); };
    return (!how.key_first || set_key()) &&
           l.mongocrypt_ctx_setopt_algorithm(ctx, how.algorithm.c_str(), -1) &&
           (how.key_first || set_key()) &&
           (!how.contention || l.mongocrypt_ctx_setopt_contention_factor(ctx, *how.contention)) &&
           (how.query_type.empty() ||
            l.mongocrypt_ctx_setopt_query_type(ctx, how.query_type.c_str(), -1)) &&
           (!how.has_index_key || l.mongocrypt_ctx_setopt_index_key_id(ctx, View(l, id_))) &&
           l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, bson_of("{\"v\": " + value + "}")));
  }
  std::optional<Buf> encrypt(const Client& client, const How& how, const std::string& value,
                             StatusText* status = nullptr) {
    Ctx ctx(client);
    std::optional<Buf> result;
    if (begin(client, ctx, how, value)) result = ctx.run(world_);
    if (status != nullptr) *status = ctx.status();
    return result;
  }

  World world_;
  Buf id_;
  std::optional<Client> theirs_;
  std::optional<Handing> ours_;
};

TEST_F(MongocryptOriginal, AnUnindexedValueComesBackAndEitherReadsTheOther) {
  for (const bool key_first : {true, false}) {
    const How how{"Unindexed", {}, {}, false, key_first};
    const Buf by_us = *encrypt(*ours_, how, "\"canary\"");
    const Buf by_them = *encrypt(*theirs_, how, "\"canary\"");
    EXPECT_EQ(by_us.size(), by_them.size());
    EXPECT_EQ(binary_of(by_us, "v")[0], binary_of(by_them, "v")[0]);
    for (const Client* client : both())
      for (const Buf& sealed : {by_us, by_them})
        EXPECT_EQ(decrypt_value(*client, world_, sealed), bson_of(R"({"v": "canary"})"));
  }
}

TEST_F(MongocryptOriginal, IndexedPayloadsAreThoseOfTheOriginal) {
  const How insert{"Indexed", 4};
  const How find{"Indexed", 4, "equality"};
  for (const std::string value : {"\"canary\"", "{\"$numberInt\": \"5\"}"}) {
    const Buf inserted = *encrypt(*ours_, insert, value);
    const Buf expected = *encrypt(*theirs_, insert, value);
    EXPECT_EQ(inserted.size(), expected.size());
    EXPECT_EQ(binary_of(inserted, "v")[0], binary_of(expected, "v")[0]);
    EXPECT_EQ(encrypt(*ours_, find, value), encrypt(*theirs_, find, value))
        << "no randomness in it";
  }
}

TEST_F(MongocryptOriginal, ItsRefusalsAreToldAsItTellsThem) {
  const std::vector<How> wrong = {
      {"Indexed"},                    // no contention factor
      {"Unindexed", 4},               // one too many
      {"Indexed", -1},                //
      {"Indexed", 4, "bogus"},        //
      {"Range", 4, "range"},          // newer than it is
      {"TextPreview", 4},             //
      {"Unindexed", {}, "equality"},  //
      {"Unindexed", {}, {}, true},    //
      {std::string(kRandom), 4},      // ours, until the contention factor is there
      {std::string(kDeterministic), {}, "equality"},
  };
  int refused = 0;
  for (const How& how : wrong) {
    SCOPED_TRACE(how.algorithm);
    StatusText by_us;
    StatusText by_them;
    const bool they_do = encrypt(*theirs_, how, "5", &by_them).has_value();
    EXPECT_EQ(encrypt(*ours_, how, "5", &by_us).has_value(), they_do);
    refused += they_do ? 0 : 1;
    EXPECT_EQ(by_us, by_them) << by_us.message << "; " << by_them.message;
  }
  EXPECT_GE(refused, 8);
}

TEST_F(MongocryptOriginal, TheStatesAndTheFilterOfKeysAreItsOwn) {
  const Library& l = Library::ours();
  Ctx ctx(*ours_);
  EXPECT_EQ(ctx.state(), kError) << "nothing has begun";
  ASSERT_TRUE(l.mongocrypt_ctx_setopt_algorithm(ctx, "Unindexed", -1));
  EXPECT_EQ(ctx.state(), kError) << "to ask the original now would end it";
  ASSERT_TRUE(l.mongocrypt_ctx_setopt_key_id(ctx, View(l, id_)));
  ASSERT_TRUE(l.mongocrypt_ctx_explicit_encrypt_init(ctx, View(l, bson_of(R"({"v": "x"})"))));
  EXPECT_EQ(ctx.state(), kKeys);
  EXPECT_NE(ctx.op(), Buf());
  ASSERT_TRUE(ctx.run(world_)) << ctx.status().message;
  EXPECT_EQ(ctx.states, (std::vector{kKeys, kReady}));
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_DONE);
  EXPECT_TRUE(encrypt(*ours_, {}, "\"x\""));
  Ctx warm(*ours_);
  ASSERT_TRUE(begin(*ours_, warm, {}, "\"x\""));
  EXPECT_EQ(warm.state(), kReady) << "the original remembers keys for all contexts";
}

TEST_F(MongocryptOriginal, WhatDoesNotNeedItStaysHere) {
  // Providers with names are newer than the library.
  const std::string named = R"({"local": {"key": ")" + std::string(128, 'A') +
                            R"("}, "local:name": {"key": ")" + std::string(128, 'B') + R"("}})";
  const Handing client({named});
  ASSERT_TRUE(client.client->is_ready()) << client.client->status().message;
  World world;
  world.keys.push_back(*create_data_key(client, world, R"({"provider": "local:name"})"));
  const Buf id = binary_of(world.keys[0], "_id");
  const Buf sealed = *encrypt_value(client, world, id, kRandom, "\"x\"");
  EXPECT_EQ(decrypt_value(client, world, sealed), bson_of(R"({"v": "x"})"));
  const Buf insert = bson_of(R"({"insert": "a", "documents": [{"_id": 1}]})");
  EXPECT_EQ(encrypt_command(client, world, "clinic", insert), insert) << "without an analyzer";
  EXPECT_EQ(decrypt_reply(client, world, sealed), bson_of(R"({"v": "x"})"));
  // And what does fails with its text, for such a provider is none there.
  Ctx ctx(client);
  EXPECT_FALSE(
      Library::ours().mongocrypt_ctx_setopt_algorithm(ctx, MONGOCRYPT_ALGORITHM_UNINDEXED_STR, -1));
  EXPECT_NE(ctx.status().message.find("FLE_MONGOCRYPT_QE"), std::string::npos)
      << ctx.status().message;
  EXPECT_NE(ctx.status().message.find("1.7.2"), std::string::npos) << ctx.status().message;
}

TEST_F(MongocryptOriginal, AReplyThatMixesBothProtocolsIsRead) {
  const Buf fle1 = binary_of(*encrypt_value(*ours_, world_, id_, kRandom, "\"one\""), "v");
  const Buf fle2 = binary_of(*encrypt(*ours_, {}, "\"two\""), "v");
  bson::Writer w;
  w.begin_document("cursor").begin_array("firstBatch").begin_document({});
  w.add_binary("a", 6, fle1).add_binary("b", 6, fle2).end().end().end();
  const Buf reply = std::move(w).take();
  const Buf plain = bson_of(R"({"cursor": {"firstBatch": [{"a": "one", "b": "two"}]}})");
  const Handing fresh({kLocal});
  const Client fresh_theirs(*Library::theirs(), {kLocal});
  for (const Client* client :
       std::vector<const Client*>{&fresh_theirs, &*fresh.client, &*ours_->client})
    EXPECT_EQ(decrypt_reply(*client, world_, reply), plain);
}

TEST_F(MongocryptOriginal, APlaceholderOrAnUnknownTypeStaysAsItIs) {
  for (const char* base64 : {"AA==", "AwAAAAAAAAAAAAAAAAAAAAAAAAAA", "fwAAAAAA", ""}) {
    SCOPED_TRACE(base64);
    const Buf reply = bson_of(std::string(R"({"v": {"$binary": {"base64": ")") + base64 +
                              R"(", "subType": "06"}}})");
    for (const Client* client : both()) EXPECT_EQ(decrypt_reply(*client, world_, reply), reply);
  }
}

TEST_F(MongocryptOriginal, ACollectionOfTheDriversMapIsHandedOver) {
  const auto with_map = [&](const Library& l, mongocrypt_t* crypt) {
    EXPECT_TRUE(l.mongocrypt_setopt_encrypted_field_config_map(
        crypt, View(l, bson_of("{\"clinic.c\": " + fields() + "}"))));
  };
  const Client theirs(*Library::theirs(), {kLocal, "", with_map});
  const Handing ours({kLocal, "", with_map});
  ASSERT_TRUE(ours.client->is_ready()) << ours.client->status().message;
  const Library& l = Library::ours();
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version_string(*ours.client, nullptr), nullptr)
      << "the driver is to bring an analyzer for the original";
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version(*ours.client), 0U);
  world_.mark = [this](Bytes command) { return mark(command); };
  const Buf insert = bson_of(R"({"insert": "c", "documents": [{"_id": 1, "v": "canary"}]})");
  std::vector<Buf> questions;
  for (const Client* client : std::vector<const Client*>{&theirs, &*ours.client}) {
    Ctx ctx(*client);
    ASSERT_TRUE(client->library().mongocrypt_ctx_encrypt_init(ctx, "clinic", -1,
                                                              View(client->library(), insert)));
    ASSERT_EQ(ctx.state(), kMarkings);
    questions.push_back(ctx.op());
    const auto sent = ctx.run(world_);
    ASSERT_TRUE(sent) << ctx.status().message;
    EXPECT_EQ(ctx.states, (std::vector{kMarkings, kKeys, kReady}));
    const std::string_view text(reinterpret_cast<const char*>(sent->data()), sent->size());
    EXPECT_EQ(text.find("canary"), std::string_view::npos);
    for (const Client* reader : both()) {
      const auto plain = decrypt_reply(*reader, world_, *sent);
      ASSERT_TRUE(plain);
      EXPECT_NE(json_of(*plain).find("\"canary\""), std::string::npos);
    }
  }
  EXPECT_EQ(questions[0], questions[1]);
  // A collection beside it is ours.
  const Buf other = bson_of(R"({"insert": "d", "documents": [{"_id": 1, "v": "x"}]})");
  Ctx ctx(*ours.client);
  ASSERT_TRUE(l.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l, other)));
  EXPECT_EQ(ctx.run(world_), other);
  EXPECT_EQ(ctx.states, (std::vector{kCollInfo, kReady}));
}

TEST_F(MongocryptOriginal, ACollectionThatTheServerTellsOfIsHandedOver) {
  // One of the map, so that the driver has an analyzer.
  const Handing ours({kLocal, "", [&](const Library& l, mongocrypt_t* crypt) {
                        EXPECT_TRUE(l.mongocrypt_setopt_encrypted_field_config_map(
                            crypt, View(l, bson_of("{\"clinic.other\": " + fields() + "}"))));
                      }});
  world_.collections["c"] = bson_of(R"({"name": "c", "type": "collection", "options": )"
                                    R"({"encryptedFields": )" +
                                    fields() + "}}");
  world_.mark = [this](Bytes command) { return mark(command); };
  const Buf insert = bson_of(R"({"insert": "c", "documents": [{"_id": 1, "v": "canary"}]})");
  const Library& l = Library::ours();
  for (const auto& expected : {std::vector{kCollInfo, kMarkings, kKeys, kReady},
                               std::vector{kMarkings, kReady}}) {  // all of it is remembered
    Ctx ctx(ours);
    ASSERT_TRUE(l.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l, insert)));
    ASSERT_TRUE(ctx.run(world_)) << ctx.status().message;
    EXPECT_EQ(ctx.states, expected);
  }
}

TEST_F(MongocryptOriginal, ADriverThatHasNoAnalyzerIsNotAskedForMarkings) {
  world_.collections["c"] = bson_of(R"({"name": "c", "type": "collection", "options": )"
                                    R"({"encryptedFields": )" +
                                    fields() + "}}");
  const Library& l = Library::ours();
  EXPECT_NE(l.mongocrypt_crypt_shared_lib_version_string(*ours_->client, nullptr), nullptr);
  for (const char* command : {R"({"insert": "c", "documents": [{"_id": 1, "v": "canary"}]})",
                              R"({"create": "z", "encryptedFields": {"fields": []}})"}) {
    Ctx ctx(*ours_);
    (void)(l.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l, bson_of(command))) &&
           ctx.run(world_));
    EXPECT_EQ(ctx.state(), kError);
    EXPECT_NE(ctx.status().message.find("cryptSharedLibPath"), std::string::npos)
        << ctx.status().message;
  }
}

TEST_F(MongocryptOriginal, CompactionIsHandedOver) {
  world_.collections["c"] = bson_of(R"({"name": "c", "type": "collection", "options": )"
                                    R"({"encryptedFields": )" +
                                    fields() + "}}");
  std::vector<Buf> sent;
  for (const Client* client : both())
    sent.push_back(*encrypt_command(*client, world_, "clinic",
                                    bson_of(R"({"compactStructuredEncryptionData": "c"})")));
  EXPECT_EQ(sent[0], sent[1]);
  EXPECT_NE(json_of(sent[0]).find("compactionTokens"), std::string::npos);
  StatusText texts[2];
  for (int i = 0; i < 2; ++i) {
    const Client& client = *both()[static_cast<std::size_t>(i)];
    const Ctx ctx(client);
    const Library& l = client.library();
    EXPECT_FALSE(l.mongocrypt_ctx_encrypt_init(
        ctx, "clinic", -1, View(l, bson_of(R"({"cleanupStructuredEncryptionData": "c"})"))));
    texts[i] = ctx.status();
  }
  EXPECT_EQ(texts[0], texts[1]) << "which is newer than the library";
}

TEST_F(MongocryptOriginal, BypassedAnalysisIsHandedOverForItAddsWhatServersNeed) {
  world_.collections["c"] = bson_of(R"({"name": "c", "type": "collection", "options": )"
                                    R"({"encryptedFields": )" +
                                    fields() + "}}");
  const auto bypass = [](const Library& l, mongocrypt_t* crypt) {
    l.mongocrypt_setopt_bypass_query_analysis(crypt);
  };
  const Client theirs(*Library::theirs(), {kLocal, "", bypass});
  const Handing ours({kLocal, "", bypass});
  const Buf payload = binary_of(*encrypt(*theirs_, {"Indexed", 4}, "\"x\""), "v");
  bson::Writer w;
  w.add_string("insert", "c").begin_array("documents").begin_document({});
  w.add_binary("v", 6, payload).end().end();
  const Buf insert = std::move(w).take();
  for (const Buf& command : {insert, bson_of(R"({"insert": "plain", "documents": [{"_id": 1}]})"),
                             bson_of(R"({"find": "c", "filter": {}})"), bson_of(R"({"ping": 1})"),
                             bson_of(R"({"getMore": {"$numberLong": "5"}, "collection": "c"})"),
                             bson_of(R"({"compactStructuredEncryptionData": "c"})")}) {
    SCOPED_TRACE(json_of(command));
    EXPECT_EQ(encrypt_command(*ours.client, world_, "clinic", command),
              encrypt_command(theirs, world_, "clinic", command));
  }
  EXPECT_NE(json_of(*encrypt_command(*ours.client, world_, "clinic", insert))
                .find("encryptionInformation"),
            std::string::npos);
  // What this library does not know passes all the same.
  const Buf bogus = bson_of(R"({"bogus": 1})");
  EXPECT_EQ(encrypt_command(*ours.client, world_, "clinic", bogus), bogus);
}

TEST_F(MongocryptOriginal, AMapThatItRefusesFailsTheClient) {
  const std::string schema = R"({"clinic.c": {"bsonType": "object", "properties": {}}})";
  for (const std::string& map :
       {"{\"clinic.c\": " + fields() + "}", std::string(R"({"clinic.c": {}})")}) {
    SCOPED_TRACE(map);
    const auto with_map = [&](const Library& l, mongocrypt_t* crypt) {
      (void)l.mongocrypt_setopt_encrypted_field_config_map(crypt, View(l, bson_of(map)));
    };
    const Client theirs(*Library::theirs(), {kLocal, schema, with_map});
    const Handing ours({kLocal, schema, with_map});
    EXPECT_EQ(ours.client->is_ready(), theirs.is_ready());
    EXPECT_NE(ours.client->status().message.find(theirs.status().message), std::string::npos)
        << ours.client->status().message << "; " << theirs.status().message;
  }
  const Handing no_map({kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                          EXPECT_FALSE(l.mongocrypt_setopt_encrypted_field_config_map(
                              crypt, View(l, bson_of(R"({"clinic.c": 5})"))));
                        }});
  EXPECT_FALSE(no_map.client->is_ready());
}

TEST_F(MongocryptOriginal, ItsMessagesToAKmsGoThroughTheDriver) {
  const std::string aws = R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"}})";
  // A key document of AWS; what is in it the KMS alone could tell.
  bson::Writer w;
  w.add_binary("_id", bson::kSubtypeUuid, id_).add_binary("keyMaterial", 0, Buf(160, 7));
  w.add_date("creationDate", 0).add_date("updateDate", 0).add_int32("status", 0);
  w.begin_document("masterKey").add_string("provider", "aws").add_string("region", "us-east-1");
  w.add_string("key", "arn:x").end();
  World world;
  world.keys = {std::move(w).take()};
  std::vector<std::string> asked;
  world.kms = [&](const std::string& endpoint, const std::string& message) {
    asked.push_back(endpoint + message.substr(0, message.find('\n')));
    std::string key;
    for (int i = 0; i < 32; ++i) key += "Wlpa";
    const std::string body = R"({"KeyId": "arn:x", "Plaintext": ")" + key + "\"}";
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const Client theirs(*Library::theirs(), {aws});
  const Handing ours({aws});
  for (const Client* client : std::vector<const Client*>{&theirs, &*ours.client}) {
    Ctx ctx(*client);
    ASSERT_TRUE(begin(*client, ctx, {"Indexed", 4, "equality"}, "\"x\""));
    const auto sealed = ctx.run(world);
    ASSERT_TRUE(sealed) << ctx.status().message;
    EXPECT_EQ(ctx.states, (std::vector{kKeys, kKms, kReady}));
  }
  EXPECT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0], asked[1]);
}

TEST_F(MongocryptOriginal, AMessageToAKmsHasItsStatus) {
  const std::string aws = R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"}})";
  bson::Writer w;
  w.add_binary("_id", bson::kSubtypeUuid, id_).add_binary("keyMaterial", 0, Buf(160, 7));
  w.add_date("creationDate", 0).add_date("updateDate", 0).add_int32("status", 0);
  w.begin_document("masterKey").add_string("provider", "aws").add_string("region", "us-east-1");
  w.add_string("key", "arn:x").end();
  const Buf key = std::move(w).take();
  const std::string refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}";
  const Client theirs(*Library::theirs(), {aws});
  const Handing ours({aws});
  std::vector<StatusText> told;
  for (const Client* client : std::vector<const Client*>{&theirs, &*ours.client}) {
    const Library& l = client->library();
    Ctx ctx(*client);
    ASSERT_TRUE(begin(*client, ctx, {}, "\"x\""));
    ASSERT_TRUE(ctx.feed(key));
    ASSERT_TRUE(ctx.done());
    mongocrypt_kms_ctx_t* const kms = l.mongocrypt_ctx_next_kms_ctx(ctx);
    ASSERT_NE(kms, nullptr);
    std::uint32_t len = 0;
    EXPECT_EQ(std::string(l.mongocrypt_kms_ctx_get_kms_provider(kms, &len)), "aws");
    EXPECT_EQ(len, 3U);
    EXPECT_GT(l.mongocrypt_kms_ctx_bytes_needed(kms), 0U);
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(refusal.data()), refusal.size());
    EXPECT_FALSE(l.mongocrypt_kms_ctx_feed(kms, View(l, bytes)));
    mongocrypt_status_t* const status = l.mongocrypt_status_new();
    EXPECT_FALSE(l.mongocrypt_kms_ctx_status(kms, status));
    told.push_back({static_cast<int>(l.mongocrypt_status_type(status)),
                    l.mongocrypt_status_code(status),
                    l.mongocrypt_status_message(status, nullptr)});
    l.mongocrypt_status_destroy(status);
    EXPECT_EQ(l.mongocrypt_ctx_next_kms_ctx(ctx), nullptr);
    EXPECT_FALSE(l.mongocrypt_ctx_kms_done(ctx));
    told.push_back(ctx.status());
    if (client == &*ours.client) {
      EXPECT_EQ(l.mongocrypt_kms_ctx_usleep(kms), 0);
      EXPECT_FALSE(l.mongocrypt_kms_ctx_fail(kms)) << "1.7.2 knows no second attempt";
    }
  }
  EXPECT_EQ(told[0], told[2]) << told[2].message;
  EXPECT_EQ(told[1], told[3]) << told[3].message;
}

TEST_F(MongocryptOriginal, CredentialsMayComeWhenAKeyNeedsThem) {
  const auto asks = [](const Library& l, mongocrypt_t* crypt) {
    l.mongocrypt_setopt_use_need_kms_credentials_state(crypt);
  };
  const Handing ours({R"({"local": {}})", "", asks});
  world_.credentials = kLocal;
  Ctx ctx(ours);
  ASSERT_TRUE(begin(ours, ctx, {}, "\"x\""));
  const auto sealed = ctx.run(world_);
  ASSERT_TRUE(sealed) << ctx.status().message;
  EXPECT_EQ(std::ranges::count(ctx.states, MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS), 1);
  EXPECT_EQ(decrypt_value(*theirs_, world_, *sealed), bson_of(R"({"v": "x"})"));
}

TEST_F(MongocryptOriginal, AFileThatIsNoneIsToldOfAndRefused) {
  const struct {
    std::string path;
    const char* words;
  } rows[] = {
      {"/nowhere/libmongocrypt.so.0", "cannot be loaded"},
      {FLE_MONGOCRYPT, "is libfle's"},
      {"libmongocrypt.so.0", "no absolute path"},
      {FLE_ANY_LIBRARY, "is no libmongocrypt"},
      {"/", "cannot be loaded"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.path);
    std::vector<std::string> log;
    const Handing client(
        {kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) { listen(log, l, crypt); }},
        row.path);
    ASSERT_TRUE(client.client->is_ready()) << "what needs no original works without";
    EXPECT_EQ(lines_with(log, row.words), 1);
    StatusText status;
    EXPECT_FALSE(encrypt(client, {}, "5", &status));
    EXPECT_NE(status.message.find("Queryable Encryption"), std::string::npos);
    EXPECT_NE(status.message.find(row.words), std::string::npos) << status.message;
    const Buf sealed = *encrypt_value(client, world_, id_, kRandom, "5");
    EXPECT_EQ(decrypt_reply(client, world_, sealed), bson_of(R"({"v": 5})"));
    const Handing map({kLocal, "",
                       [&](const Library& l, mongocrypt_t* crypt) {
                         EXPECT_FALSE(l.mongocrypt_setopt_encrypted_field_config_map(
                             crypt, View(l, bson_of("{\"clinic.c\": " + fields() + "}"))));
                       }},
                      row.path);
    EXPECT_NE(map.client->status().message.find(row.words), std::string::npos);
  }
}

TEST_F(MongocryptOriginal, OptionsThatItIsTooOldForAreToldOf) {
  std::vector<std::string> log;
  const Handing client({kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) {
                          listen(log, l, crypt);
                          EXPECT_TRUE(l.mongocrypt_setopt_key_expiration(crypt, 60'000));
                          EXPECT_TRUE(l.mongocrypt_setopt_use_range_v2(crypt));
                          EXPECT_TRUE(l.mongocrypt_setopt_retry_kms(crypt, true));
                          EXPECT_TRUE(l.mongocrypt_setopt_enable_multiple_collinfo(crypt));
                          l.mongocrypt_setopt_append_crypt_shared_lib_search_path(crypt, "/tmp");
                        }});
  EXPECT_EQ(lines_with(log, "is handed to libmongocrypt 1.7.2"), 1);
  EXPECT_TRUE(encrypt(client, {}, "5"));
  EXPECT_TRUE(encrypt(client, {}, "5"));
  EXPECT_EQ(lines_with(log, "too old for"), 2);
  const Ctx ctx(client);
  const Library& l = Library::ours();
  EXPECT_FALSE(l.mongocrypt_ctx_setopt_algorithm_text(ctx, View(l, bson_of("{}"))));
  EXPECT_NE(ctx.status().message.find("too old for this option"), std::string::npos)
      << ctx.status().message;
}

TEST_F(MongocryptOriginal, ItCallsTheHooksOfTheDriver) {
  struct Seen {
    int random = 0;
    bool fails = false;
    const Library* l = nullptr;
  } seen;
  seen.l = &Library::ours();
  const auto random = [](void* context, mongocrypt_binary_t* out, std::uint32_t count,
                         mongocrypt_status_t* status) {
    auto& s = *static_cast<Seen*>(context);
    ++s.random;
    if (s.fails) {
      s.l->mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_CLIENT, 77, "no dice", -1);
      return false;
    }
    EXPECT_EQ(s.l->mongocrypt_binary_len(out), count);
    std::fill_n(s.l->mongocrypt_binary_data(out), count, std::uint8_t{9});
    return true;
  };
  const auto crypto = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_binary_t*,
                         mongocrypt_binary_t*, std::uint32_t*,
                         mongocrypt_status_t*) { return false; };
  // Enough to unwrap a data key and to make a payload is too much for a test: that it is called,
  // with bytes that it sees and a status that arrives, is what counts.
  const auto hmac = [](void* context, mongocrypt_binary_t* key, mongocrypt_binary_t* in,
                       mongocrypt_binary_t* out, mongocrypt_status_t* status) {
    const auto& s = *static_cast<Seen*>(context);
    EXPECT_EQ(s.l->mongocrypt_binary_len(key), 32U);
    EXPECT_GT(s.l->mongocrypt_binary_len(in), 0U);
    EXPECT_NE(s.l->mongocrypt_binary_data(out), nullptr);
    s.l->mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_CLIENT, 78, "no hash", -1);
    return false;
  };
  const auto hash = [](void*, mongocrypt_binary_t*, mongocrypt_binary_t*, mongocrypt_status_t*) {
    return false;
  };
  const auto set = [&](const Library& l, mongocrypt_t* crypt) {
    EXPECT_TRUE(
        l.mongocrypt_setopt_crypto_hooks(crypt, crypto, crypto, random, hmac, hmac, hash, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ctr(crypt, crypto, crypto, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_aes_256_ecb(crypt, crypto, &seen));
    EXPECT_TRUE(l.mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5(crypt, hmac, &seen));
  };
  const Handing ours({kLocal, "", set});
  StatusText status;
  EXPECT_FALSE(encrypt(ours, {}, "\"x\"", &status));
  EXPECT_EQ(status.code, 78U) << status.message;
  EXPECT_NE(status.message.find("no hash"), std::string::npos) << status.message;
  // Ours needs none.
  EXPECT_TRUE(encrypt_value(ours, world_, id_, kRandom, "5"));
}

TEST_F(MongocryptOriginal, ContextsOutliveTheirHandleAndEndInAnyOrder) {
  std::vector<std::unique_ptr<Ctx>> contexts;
  for (int i = 0; i < 1000; ++i) {
    contexts.push_back(std::make_unique<Ctx>(*ours_));
    ASSERT_TRUE(begin(*ours_, *contexts.back(), {}, "\"x\""));
  }
  ours_->client->destroy();
  for (std::size_t i = 0; i < contexts.size(); i += 2) contexts[i].reset();
  for (std::size_t i = 1; i < contexts.size(); i += 2) EXPECT_TRUE(contexts[i]->run(world_));
}

TEST_F(MongocryptOriginal, ManyThreadsShareAHandle) {
  const Handing fresh({kLocal});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, i] {
      World own = world_;
      const std::string value = std::to_string(i);
      for (int n = 0; n < 20; ++n) {
        Ctx ctx(fresh);
        ASSERT_TRUE(begin(fresh, ctx, {}, value));
        const auto sealed = ctx.run(own);
        ASSERT_TRUE(sealed) << ctx.status().message;
        EXPECT_EQ(decrypt_value(fresh, own, *sealed), bson_of("{\"v\": " + value + "}"));
      }
    });
}

/// Runs `work` in a forked child. Its exit status: 0 where it returned true.
template <class Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST_F(MongocryptOriginal, AForkedChildHasAHandleOfItsOwn) {
  const Buf sealed = *encrypt(*ours_, {}, "\"x\"");
  Ctx early(*ours_);
  ASSERT_TRUE(begin(*ours_, early, {}, "\"y\""));
  EXPECT_EQ(in_child([&] {
              Ctx ctx(*ours_);
              const Library& l = Library::ours();
              // Keys are fetched again; a context from before the fork does not go on.
              return l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, sealed)) &&
                     ctx.state() == kKeys && ctx.run(world_) == bson_of(R"({"v": "x"})") &&
                     !early.finalize() &&
                     early.status().message.find("fork") != std::string::npos &&
                     early.state() == kError;
            }),
            0);
  EXPECT_TRUE(early.run(world_));
}

TEST_F(MongocryptOriginal, AnyCallsInAnyOrderEndWell) {
  Client::Options options = walk_options();
  options.kms_providers = R"({"local": {"key": ")" + std::string(128, 'A') +
                          R"("}, "aws": {"accessKeyId": "a", "secretAccessKey": "b"}})";
  const Handing client(options);
  std::vector<Buf> documents = walk_documents(client);
  documents.push_back(*encrypt(*ours_, {}, "\"x\""));
  documents.push_back(bson_of(R"({"create": "e", "encryptedFields": {"fields": []}})"));
  documents.push_back(bson_of(R"({"compactStructuredEncryptionData": "a"})"));
  documents.push_back(
      bson_of(R"({"name": "a", "options": {"encryptedFields": )" + fields() + "}}"));
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    Walk walk(
        client, documents, [&random] { return static_cast<unsigned>(random()); }, true);
    for (int i = 0; i < 25; ++i) walk.step();
    const auto state = walk.ctx().state();
    EXPECT_EQ(walk.ctx().status().message.empty(), walk.ctx().status().type == 0);
    if (!walk.ctx().status().message.empty()) {
      EXPECT_EQ(state, kError);
    }
    EXPECT_NE(state, kMarkings);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// Random contexts with both libraries, step by step: the same state, the same success, the same
// status, and, where there is no randomness in it, the same result.
TEST_F(MongocryptOriginal, RandomContextsTakeTheSameSteps) {
  std::mt19937 random(2026);
  const auto one_of = [&](const auto& all) { return all[random() % all.size()]; };
  std::vector<Buf> payloads;
  for (const How& how : {How{}, How{"Indexed", 4}, How{"Indexed", 4, "equality"}})
    for (const char* value : {"5", "\"text\"", "{\"$numberLong\": \"7\"}"})
      payloads.push_back(*encrypt(*theirs_, how, value));
  const std::vector<std::string> values = {
      "5",    "\"text\"",        "{\"$numberDouble\": \"1.5\"}", "{\"a\": 1}", "null",
      "true", "{\"$minKey\": 1}"};
  const std::vector<std::string> algorithms = {"Indexed",   "Indexed", "Unindexed",
                                               "Unindexed", "Range",   "RangePreview"};
  ASSERT_TRUE(encrypt(*ours_, {}, "5"));  // as warm as theirs
  int finished = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool decrypts = random() % 3 == 0;
    How how{one_of(algorithms)};
    if (how.algorithm == "Indexed" || random() % 4 == 0)
      how.contention = static_cast<std::int64_t>(random() % 5);
    if (random() % 3 == 0) how.query_type = one_of(std::vector<std::string>{"equality", "bogus"});
    how.has_index_key = random() % 4 == 0;
    how.key_first = random() % 2 == 0;
    const std::string value = one_of(values);
    Buf payload = one_of(payloads);
    // Not one that is to be inserted: 1.7.2 frees what is in a broken one twice.
    const std::size_t changed = payload.size() - 2 - random() % 40;
    if (random() % 4 == 0 && binary_of(payload, "v")[0] == 6) payload[changed] ^= 1;
    const Buf* const fed = random() % 6 == 0 ? nullptr : &world_.keys[random() % 5 == 0 ? 1 : 0];
    const bool warm = random() % 2 == 0;
    std::optional<std::pair<std::vector<std::string>, Buf>> expected;
    std::optional<Client> fresh_theirs;
    std::optional<Handing> fresh_ours;
    if (!warm) {
      fresh_theirs.emplace(*Library::theirs(), options());
      fresh_ours.emplace(options());
    }
    for (const Client* client :
         warm ? both() : std::vector<const Client*>{&*fresh_theirs, &*fresh_ours->client}) {
      const Library& l = client->library();
      Ctx ctx(*client);
      std::vector<std::string> steps;
      Buf result;
      const auto note = [&](const char* step, bool good) {
        const StatusText status = ctx.status();
        steps.push_back(std::string(step) + (good ? " ok " : " failed ") +
                        std::to_string(good ? ctx.state() : kError) + " " +
                        std::to_string(status.type) + " " + std::to_string(status.code) + " " +
                        status.message);
        return good;
      };
      bool good =
          note("begin", decrypts ? l.mongocrypt_ctx_explicit_decrypt_init(ctx, View(l, payload))
                                 : begin(*client, ctx, how, value));
      while (good && ctx.state() == kKeys) {
        steps.push_back(json_of(ctx.op()));
        good = (fed == nullptr || note("feed", ctx.feed(*fed))) && note("done", ctx.done());
      }
      if (good && ctx.state() == kReady) {
        const auto made = ctx.finalize();
        note("finalize", made.has_value());
        if (made) result = *made;
      }
      finished += result.empty() ? 0 : 1;
      // A sealed value has randomness in it, but for what is searched for.
      if (!decrypts && how.query_type.empty() && !result.empty())
        result = Buf(1, static_cast<std::uint8_t>(result.size()));
      if (!expected) {
        expected.emplace(steps, result);
      } else {
        ASSERT_EQ(steps, expected->first) << "script " << i;
        ASSERT_EQ(result, expected->second) << "script " << i;
      }
    }
  }
  EXPECT_GT(finished, 1000);
}

}  // namespace
}  // namespace fle::test
