// Automatic encryption and decryption with the analyzer inside.
#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

bool contains(Bytes hay, std::string_view needle) {
  return std::string_view(reinterpret_cast<const char*>(hay.data()), hay.size()).find(needle) !=
         std::string_view::npos;
}

class MongocryptAutomatic : public testing::Test {
 protected:
  MongocryptAutomatic() {
    const Client client(l_, {kLocal});
    for (const std::string name : {"ann", "ben"})
      world_.keys.push_back(*create_data_key(client, world_, R"({"provider": "local"})", {name}));
  }
  /// ssn deterministic, note random.
  [[nodiscard]] std::string schema(int key = 0) const {
    const Buf id = binary_of(world_.keys.at(static_cast<std::size_t>(key)), "_id");
    const std::string key_id = R"("keyId": [{"$uuid": ")" + KeyId::from(id)->to_string() + "\"}]";
    return R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "int", )"
           R"("algorithm": ")" +
           std::string(kDeterministic) + "\", " + key_id +
           R"(}}, "note": {"encrypt": {"bsonType": "string", "algorithm": ")" +
           std::string(kRandom) + "\", " + key_id + "}}}}";
  }
  void add_collection(const std::string& name, const std::string& options) {
    world_.collections[name] =
        bson_of(R"({"name": ")" + name + R"(", "type": "collection", "options": )" + options + "}");
  }
  void add_patients() {
    add_collection("patients", R"({"validator": {"$jsonSchema": )" + schema() + "}}");
  }
  std::vector<mongocrypt_ctx_state_t> states_of(const Client& client, Bytes command,
                                                const std::string& db = "clinic") {
    Ctx ctx(client);
    EXPECT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, db.c_str(), -1, View(l_, command)));
    EXPECT_TRUE(ctx.run(world_)) << ctx.status().message;
    return ctx.states;
  }

  const Library& l_ = Library::ours();
  World world_;
  const Buf insert_ =
      bson_of(R"({"insert": "patients", "documents": [{"_id": 1, "ssn": 5, "note": "canary"}]})");
};

TEST_F(MongocryptAutomatic, ACommandIsEncryptedAndItsReplyReadable) {
  add_patients();
  const Client client(l_, {kLocal});
  EXPECT_EQ(states_of(client, insert_), (std::vector{kCollInfo, kKeys, kReady}));
  EXPECT_EQ(states_of(client, insert_), std::vector{kReady}) << "all of it is remembered";
  const auto sent = encrypt_command(client, world_, "clinic", insert_);
  ASSERT_TRUE(sent);
  EXPECT_FALSE(contains(*sent, "canary"));
  EXPECT_EQ(decrypt_reply(client, world_, *sent), insert_);
  const Client other(l_, {kLocal});
  EXPECT_EQ(decrypt_reply(other, world_, *sent), insert_) << "with keys of its own";
}

TEST_F(MongocryptAutomatic, ALocalSchemaStandsAboveTheServers) {
  add_collection("patients", "{}");
  const Client client(l_, {kLocal, R"({"clinic.patients": )" + schema() + "}"});
  EXPECT_EQ(states_of(client, insert_), (std::vector{kKeys, kReady}));
  EXPECT_FALSE(contains(*encrypt_command(client, world_, "clinic", insert_), "canary"));
  const Buf other = bson_of(R"({"insert": "notes", "documents": [{"_id": 1, "note": "x"}]})");
  EXPECT_EQ(states_of(client, other), (std::vector{kCollInfo, kReady}));
}

TEST_F(MongocryptAutomatic, ABrokenSchemaStopsOnlyItsCollection) {
  const Client client(
      l_, {kLocal, R"({"clinic.patients": {"encrypt": 5}, "clinic.visits": )" + schema() + "}"});
  ASSERT_TRUE(client.is_ready());
  std::string why;
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(encrypt_command(client, world_, "clinic", insert_, &why));
    EXPECT_FALSE(why.empty());
  }
  const Buf visits =
      bson_of(R"({"insert": "visits", "documents": [{"_id": 1, "note": "canary"}]})");
  const auto sent = encrypt_command(client, world_, "clinic", visits);
  ASSERT_TRUE(sent);
  EXPECT_FALSE(contains(*sent, "canary"));
}

TEST_F(MongocryptAutomatic, WhatTheAnalyzerRefusesIsAnErrorWithItsNumber) {
  add_patients();
  const Client client(l_, {kLocal});
  Ctx ctx(client);
  const Buf find = bson_of(R"({"find": "patients", "filter": {"ssn": {"$gt": 5}}})");
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l_, find)));
  EXPECT_FALSE(ctx.run(world_));
  const StatusText status = ctx.status();
  EXPECT_NE(status.message.find("$gt"), std::string::npos) << status.message;
  EXPECT_NE(status.message.find("ssn"), std::string::npos) << status.message;
  EXPECT_EQ(status.type, MONGOCRYPT_STATUS_ERROR_CRYPT_SHARED);
  EXPECT_EQ(status.code, 51999U);
  // What to write instead is for people, too: "; " and the rule's advice.
  EXPECT_NE(status.message.find("; "), std::string::npos) << status.message;
}

TEST_F(MongocryptAutomatic, CollectionsOfAPipelineAreAskedForOneByOneUnlessTheDriverTakesSeveral) {
  add_patients();
  add_collection("visits", R"({"validator": {"$jsonSchema": )" + schema(1) + "}}");
  const Buf lookup = bson_of(
      R"({"aggregate": "patients", "pipeline": [{"$match": {"ssn": 5}}, {"$lookup": {"from": )"
      R"("visits", "as": "v", "pipeline": [{"$match": {"ssn": 6}}]}}], "cursor": {}})");
  const Client one_by_one(l_, {kLocal});
  Ctx first(one_by_one);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(first, "clinic", -1, View(l_, lookup)));
  EXPECT_EQ(first.op(), bson_of(R"({"name": "patients"})"));
  EXPECT_EQ(states_of(one_by_one, lookup), (std::vector{kCollInfo, kCollInfo, kKeys, kReady}));
  const Client together(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                               EXPECT_TRUE(l.mongocrypt_setopt_enable_multiple_collinfo(crypt));
                             }});
  Ctx second(together);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(second, "clinic", -1, View(l_, lookup)));
  EXPECT_EQ(second.op(), bson_of(R"({"name": {"$in": ["patients", "visits"]}})"));
  EXPECT_EQ(states_of(together, lookup), (std::vector{kCollInfo, kKeys, kReady}));
}

TEST_F(MongocryptAutomatic, AnotherDatabaseTakesADriverThatCanListIt) {
  add_patients();
  const Buf bulk =
      bson_of(R"({"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 1, "ssn": 5}}], )"
              R"("nsInfo": [{"ns": "clinic.patients"}]})");
  const Client plain(l_, {kLocal});
  std::string why;
  EXPECT_FALSE(encrypt_command(plain, world_, "admin", bulk, &why));
  EXPECT_NE(why.find("clinic"), std::string::npos) << why;
  const Client client(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                             l.mongocrypt_setopt_use_need_mongo_collinfo_with_db_state(crypt);
                           }});
  Ctx ctx(client);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, "admin", -1, View(l_, bulk)));
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB);
  EXPECT_STREQ(l_.mongocrypt_ctx_mongo_db(ctx), "clinic");
  EXPECT_TRUE(ctx.run(world_));
  EXPECT_EQ(l_.mongocrypt_ctx_mongo_db(ctx), nullptr);
}

TEST_F(MongocryptAutomatic, WhatWasAskedStaysAsLongAsItsContext) {
  add_patients();
  const Client client(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                             l.mongocrypt_setopt_use_need_mongo_collinfo_with_db_state(crypt);
                           }});
  const Ctx ctx(client);
  const Buf lookup =
      bson_of(R"({"aggregate": "patients", "cursor": {}, "pipeline": [{"$match": {"ssn": 5}}, )"
              R"({"$lookup": {"from": "visits", "as": "v", "pipeline": []}}]})");
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l_, lookup)));
  std::vector<std::pair<std::unique_ptr<View>, Buf>> asked;
  std::vector<std::pair<const char*, std::string>> databases;
  while (ctx.state() != kReady) {
    auto question = std::make_unique<View>(l_);
    ASSERT_TRUE(l_.mongocrypt_ctx_mongo_op(ctx, *question)) << ctx.status().message;
    const Buf copy = question->bytes();
    asked.emplace_back(std::move(question), copy);
    if (const char* const db = l_.mongocrypt_ctx_mongo_db(ctx)) databases.emplace_back(db, db);
    if (ctx.state() == kKeys) {
      ASSERT_TRUE(ctx.feed(world_.keys.front()));
    } else if (contains(copy, "patients")) {
      ASSERT_TRUE(ctx.feed(world_.collections["patients"]));
    }
    ASSERT_TRUE(ctx.done()) << ctx.status().message;
  }
  EXPECT_EQ(asked.size(), 3U);
  EXPECT_EQ(databases.size(), 2U);
  for (const auto& [question, copy] : asked) EXPECT_EQ(question->bytes(), copy);
  for (const auto& [db, copy] : databases) EXPECT_EQ(db, copy);
}

TEST_F(MongocryptAutomatic, AnAnswerThatWasNotAskedForIsAnError) {
  const Client client(l_, {kLocal});
  Ctx ctx(client);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l_, insert_)));
  ASSERT_TRUE(ctx.feed(bson_of(R"({"name": "other", "type": "collection", "options": {}})")));
  EXPECT_FALSE(ctx.done());
  EXPECT_EQ(ctx.state(), MONGOCRYPT_CTX_ERROR);
}

TEST_F(MongocryptAutomatic, QueryableEncryptionIsRefusedBeforeAnythingIsSent) {
  add_collection("patients", R"({"encryptedFields": {"fields": []}})");
  const Client client(l_, {kLocal});
  std::string why;
  EXPECT_FALSE(encrypt_command(client, world_, "clinic", insert_, &why));
  EXPECT_NE(why.find("Queryable Encryption"), std::string::npos) << why;
}

TEST_F(MongocryptAutomatic, ASchemaThatIsNoDocumentIsAnError) {
  for (const char* options :
       {R"({"validator": {"$jsonSchema": [1]}})", R"({"validator": 5})", "5"}) {
    add_collection("patients", options);
    const Client client(l_, {kLocal});
    std::string why;
    EXPECT_FALSE(encrypt_command(client, world_, "clinic", insert_, &why)) << options;
    EXPECT_NE(why.find("no document"), std::string::npos) << why;
  }
}

TEST_F(MongocryptAutomatic, ACommandThatChangesCollectionsAsksForEachOnce) {
  add_patients();
  add_collection("visits", "{}");
  const Client client(l_, {kLocal});
  const Buf create = bson_of(
      R"({"create": "v", "viewOn": "patients", "pipeline": [{"$lookup": {"from": "visits", )"
      R"("as": "a", "pipeline": []}}]})");
  Ctx ctx(client);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(ctx, "clinic", -1, View(l_, create)));
  (void)ctx.run(world_);  // whatever the analyzer says: it ends
  EXPECT_LE(std::ranges::count(ctx.states, kCollInfo), 2);
}

TEST_F(MongocryptAutomatic, AnAnswerFromBeforeACreateIsNotRememberedForOthers) {
  const Client client(l_, {kLocal});
  Ctx early(client);
  ASSERT_TRUE(l_.mongocrypt_ctx_encrypt_init(early, "clinic", -1, View(l_, insert_)));
  ASSERT_EQ(early.state(), kCollInfo);
  // Meanwhile the collection is made, with a schema.
  EXPECT_TRUE(encrypt_command(client, world_, "clinic", bson_of(R"({"drop": "other"})")));
  add_patients();
  ASSERT_TRUE(early.done());  // the server had said: there is none
  EXPECT_EQ(early.state(), kReady);
  EXPECT_EQ(states_of(client, insert_), (std::vector{kCollInfo, kKeys, kReady}));
}

TEST_F(MongocryptAutomatic, BypassedAnalysisSendsCommandsAsTheyAreAndReadsReplies) {
  add_patients();
  const Client client(l_, {kLocal});
  const Buf sent = *encrypt_command(client, world_, "clinic", insert_);
  const Client bypass(l_, {kLocal, "", [](const Library& l, mongocrypt_t* crypt) {
                             l.mongocrypt_setopt_bypass_query_analysis(crypt);
                           }});
  EXPECT_EQ(states_of(bypass, insert_), std::vector{kReady});
  EXPECT_EQ(encrypt_command(bypass, world_, "clinic", insert_), insert_);
  EXPECT_EQ(decrypt_reply(bypass, world_, sent), insert_);
}

TEST_F(MongocryptAutomatic, ForeignCiphertextStaysAndIsLogged) {
  std::vector<std::string> log;
  const Client client(l_, {kLocal, "", [&log](const Library& l, mongocrypt_t* crypt) {
                             const auto note = [](mongocrypt_log_level_t, const char* text,
                                                  std::uint32_t len, void* to) {
                               static_cast<std::vector<std::string>*>(to)->emplace_back(text, len);
                             };
                             EXPECT_TRUE(l.mongocrypt_setopt_log_handler(crypt, note, &log));
                           }});
  const Buf reply =
      bson_of(R"({"a": {"$binary": {"base64": "BwAAAAAAAAAAAAAAAAAAAAAAAAAA", "subType": "06"}}})");
  EXPECT_EQ(decrypt_reply(client, world_, reply), reply);
  const auto speaks_of_it = [](const std::string& line) {
    return line.find("Queryable Encryption") != std::string::npos &&
           line.find("'a'") != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(log, speaks_of_it), 1);
}

TEST_F(MongocryptAutomatic, EachCommandThatDriversSendHasTheStateOfLibmongocrypt) {
  if (Library::theirs() == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  // Those that need no analyzer: theirs would go on to NEED_MONGO_MARKINGS.
  for (const char* command :
       {R"({"ping": 1})", R"({"hello": 1})",
        R"({"getMore": {"$numberLong": "5"}, "collection": "c"})", R"({"drop": "c"})",
        R"({"killCursors": "c", "cursors": []})", R"({"listCollections": 1})",
        R"({"mapReduce": "c"})", R"({"bogus": 1})", R"({"aggregate": 1, "pipeline": []})",
        R"({"insert": "c", "documents": [{"_id": 1}]})", R"({"find": "c", "filter": {}})",
        R"({"getLog": "x"})", R"({"abortTransaction": 1})", R"({"endSessions": []})",
        R"({"create": 5})", "{}"}) {
    SCOPED_TRACE(command);
    std::optional<std::pair<bool, mongocrypt_ctx_state_t>> expected;
    for (const Library* l : {static_cast<const Library*>(Library::theirs()), &l_}) {
      const Client client(*l, {kLocal});
      Ctx ctx(client);
      const bool began = l->mongocrypt_ctx_encrypt_init(ctx, "db", -1, View(*l, bson_of(command)));
      const std::pair got(began, ctx.state());
      if (!expected) expected = got;
      if (!began) {
        EXPECT_EQ(ctx.status().type, MONGOCRYPT_STATUS_ERROR_CLIENT);
      }
      EXPECT_EQ(got, *expected) << ctx.status().message;
      if (ctx.state() == kCollInfo) {
        EXPECT_EQ(ctx.op(), bson_of(R"({"name": "c"})"));
      } else if (ctx.state() == kReady) {
        EXPECT_EQ(ctx.finalize(), bson_of(command));
      }
    }
  }
}

}  // namespace
}  // namespace fle::test
