// Queryable Encryption, handed to the library that FLE_MONGOCRYPT_QE names: Debian's. What it
// answers by our handles is what it answers by its own.
#include "mongocrypt/original_support.h"

namespace fle::test {
namespace {

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

TEST_F(MongocryptOriginal, AServerTakesNoCollectionOfTheSchemaMapAway) {
  const std::string schema =
      R"({"bsonType": "object", "properties": {"v": {"encrypt": {"bsonType": "string", )"
      R"("algorithm": ")" +
      std::string(kDeterministic) + R"(", "keyId": [)" + uuid_of(id_) + "]}}}}";
  const Handing ours({kLocal, "{\"clinic.c\": " + schema + "}"});
  const Library& l = Library::ours();
  // Asked for another one, the server tells of this.
  const Ctx other(ours);
  ASSERT_TRUE(l.mongocrypt_ctx_encrypt_init(other, "clinic", -1,
                                            View(l, bson_of(R"({"find": "d", "filter": {}})"))));
  ASSERT_TRUE(other.feed(bson_of(R"({"name": "c", "type": "collection", "options": )"
                                 R"({"encryptedFields": )" +
                                 fields() + "}}")));
  EXPECT_FALSE(other.done());
  EXPECT_NE(other.status().message.find("not asked for"), std::string::npos)
      << other.status().message;
  Ctx ctx(ours);
  ASSERT_TRUE(l.mongocrypt_ctx_encrypt_init(
      ctx, "clinic", -1, View(l, bson_of(R"({"find": "c", "filter": {"v": "canary"}})"))));
  EXPECT_TRUE(ctx.run(world_)) << ctx.status().message;
  EXPECT_EQ(ctx.states, (std::vector{kKeys, kReady}));
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

}  // namespace
}  // namespace fle::test
