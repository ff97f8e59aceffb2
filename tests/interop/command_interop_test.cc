// Whole commands: what libfle encrypts in one process is what libmongocrypt makes of it with its
// analyzer, byte by byte where that is determined, and each reads what the other wrote.
#include <gtest/gtest.h>

#include "fle/client/auto_encrypter.h"
#include "fle/query/analysis.h"
#include "fle/schema/compile.h"
#include "support/bson_values.h"
#include "support/local_keys.h"
#include "support/mongocrypt_peer.h"

namespace fle {
namespace {

using test::Buf;
using test::LocalKeys;
using test::MongocryptPeer;

class CommandInterop : public ::testing::Test {
 protected:
  CommandInterop() {
    const Buf material(96, 0x42);
    keys_.add(id_, material);
    peer_.add_key(test::with_key_id(peer_.create_data_key({{}, material}), id_));
    options_.schema_map["db.coll"] = plan_;
  }

  static std::string schema(const std::string& algorithm) {
    const std::string encrypt = R"({"encrypt": {"bsonType": )";
    return R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" + id_.to_string() +
           R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)" + algorithm +
           R"("}, "properties": {"ssn": )" + encrypt + R"("int"}}, "name": )" + encrypt +
           R"("string"}}, "seen": )" + encrypt +
           R"("date"}}, "insurance": {"bsonType": "object", "properties": {"policy": )" + encrypt +
           R"("long"}}}}}})";
  }
  /// The same command by libmongocrypt, which is given the marks that libfle found.
  Buf by_libmongocrypt(const Buf& command) {
    query::Analysis analysis;
    const std::vector<query::CollectionSchema> schemas{{"coll", plan_}};
    LocalKeys::must(query::analyze(command, "db", schemas, analysis));
    const Buf marked = LocalKeys::must(query::write_marked(command, analysis));
    bson_t result = test::bson_view(marked);
    test::BsonDocument reply;
    BSON_APPEND_BOOL(reply.get(), "hasEncryptionPlaceholders", true);
    BSON_APPEND_BOOL(reply.get(), "schemaRequiresEncryption", true);
    BSON_APPEND_DOCUMENT(reply.get(), "result", &result);
    BSON_APPEND_DOUBLE(reply.get(), "ok", 1.0);
    Buf out;
    peer_.encrypt_insert(out, {command, reply.bytes()});
    return out;
  }

  static inline const Buf master_key_ = Buf(96, 0x17);
  static inline const KeyId id_{{7, 7, 7}};
  std::shared_ptr<const schema::Plan> plan_ =
      LocalKeys::must(schema::compile_json(schema("Deterministic")));
  LocalKeys keys_{master_key_};
  MongocryptPeer peer_{master_key_,
                       test::bson_of(R"({"db.coll": )" + schema("Deterministic") + "}")};
  client::AutoEncrypter::Options options_;
};

const char* const kCommands[] = {
    R"({"insert": "coll", "documents": [
        {"_id": 1, "ssn": 5, "name": "Jon", "seen": {"$date": "2024-01-01T00:00:00Z"}},
        {"_id": 2, "insurance": {"policy": {"$numberLong": "7"}, "by": "x"}, "plain": [1, 2]}]})",
    R"({"find": "coll", "filter": {"ssn": 5, "plain": 1}, "limit": 1})",
    R"({"find": "coll", "filter": {"$or": [{"ssn": {"$in": [1, 2]}}, {"name": {"$ne": "y"}}]}})",
    R"({"update": "coll", "updates": [{"q": {"ssn": 5}, "u": {"$set": {"name": "y", "z": 1}}},
        {"q": {"_id": 1}, "u": {"insurance": {"policy": {"$numberLong": "9"}}}}]})",
    R"({"delete": "coll", "deletes": [{"q": {"insurance.policy": {"$numberLong": "7"}},
        "limit": 1}]})",
    R"({"findAndModify": "coll", "query": {"ssn": 5}, "update": {"$set": {"ssn": 6}}})",
    R"({"count": "coll", "query": {"ssn": {"$eq": 5}}})",
    R"({"aggregate": "coll", "pipeline": [{"$match": {"ssn": 5}}], "cursor": {}})",
};

TEST_F(CommandInterop, DeterministicCommandsAreTheBytesOfLibmongocrypt) {
  const client::AutoEncrypter ours(options_, keys_.ring());
  for (const char* text : kCommands) {
    const Buf command = test::bson_of(text);
    const auto sent = ours.encrypt_command("db", command);
    ASSERT_TRUE(sent) << text << ": " << sent.error().to_string();
    EXPECT_NE(*sent, command) << text;
    EXPECT_EQ(*sent, by_libmongocrypt(command)) << text;
  }
}

TEST_F(CommandInterop, EachReadsWhatTheOtherWrote) {
  plan_ = LocalKeys::must(schema::compile_json(schema("Random")));
  options_.schema_map["db.coll"] = plan_;
  const client::AutoEncrypter ours(options_, keys_.ring());
  const Buf command = test::bson_of(kCommands[0]);
  const Buf sent = LocalKeys::must(ours.encrypt_command("db", command));
  EXPECT_EQ(peer_.decrypt_document(sent), command);
  const Buf theirs = by_libmongocrypt(command);
  EXPECT_NE(theirs, sent) << "the values are random";
  EXPECT_EQ(LocalKeys::must(ours.decrypt_reply(theirs)), command);
}

}  // namespace
}  // namespace fle
