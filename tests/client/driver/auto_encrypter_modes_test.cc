// What an AutoEncrypter may be told to leave out, and what it does with what it cannot do.
#include <thread>

#include "client/client_support.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/field_counters.h"
#include "support/bson_values.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using client::Message;
using client::MissingKeys;
using test::bson;
using test::Doc;

class AutoEncrypterModes : public testing::Test {
 protected:
  AutoEncrypterModes() : key_(keys_.new_key()), other_key_(keys_.new_key({"other"})) {
    options_.schema_map["clinic.patients"] = test::patients(key_);
  }
  /// {ssn: 5}, encrypted by a cipher that leaves nothing out.
  [[nodiscard]] Doc encrypted_reply() const {
    const AutoEncrypter whole(options_, keys_.ring());
    return *whole.encrypt_command(
        "clinic", bson("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}"));
  }

  test::World keys_;
  KeyId key_;
  KeyId other_key_;
  AutoEncrypter::Options options_;
  const Doc insert_ = bson("{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}]}");
};

TEST_F(AutoEncrypterModes, BypassSendsCommandsAsTheyAreAndDecryptsReplies) {
  const Doc reply = encrypted_reply();
  for (bool AutoEncrypter::Options::*bypass : {&AutoEncrypter::Options::bypass_auto_encryption,
                                               &AutoEncrypter::Options::bypass_query_analysis}) {
    AutoEncrypter::Options options = options_;
    options.*bypass = true;
    options.list_collections = [](std::string_view, Bytes) -> Outcome<std::vector<Doc>> {
      ADD_FAILURE() << "nobody needs a schema";
      return std::vector<Doc>{};
    };
    const AutoEncrypter e(options, keys_.ring());
    Message message;
    ASSERT_TRUE(e.encrypt_command("clinic", insert_, message));
    EXPECT_EQ(message.output().data(), insert_.data()) << "the caller's own bytes";
    EXPECT_TRUE(e.encrypt_command("clinic", bson("{'noSuchCommand': 1}")));
    const auto back = e.decrypt_reply(reply);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, insert_);
  }
}

TEST_F(AutoEncrypterModes, CommandsThatEncryptNothingAreTheCallersOwnBytes) {
  const AutoEncrypter e(options_, keys_.ring());
  Message message;
  for (const char* text :
       {"{'ping': 1}", "{'insert': 'patients', 'documents': [{'_id': 1, 'name': 'x'}]}",
        "{'find': 'others', 'filter': {'ssn': {'$gt': 5}, '$nonsense': 1}}"}) {
    const Doc command = bson(text);
    ASSERT_TRUE(e.encrypt_command("clinic", command, message)) << text;
    EXPECT_EQ(message.output().data(), command.data()) << text;
    EXPECT_EQ(message.output().size(), command.size()) << text;
    EXPECT_EQ(message.fields(), 0U);
  }
  const Doc reply = bson("{'ok': 1}");
  ASSERT_TRUE(e.decrypt_reply(reply, message));
  EXPECT_EQ(message.output().data(), reply.data());
}

TEST_F(AutoEncrypterModes, OneValueThatCannotBeEncryptedRefusesTheWholeCommand) {
  const AutoEncrypter e(options_, keys_.ring());
  Message message;
  ASSERT_TRUE(e.encrypt_command("clinic", insert_, message));
  const Doc command = bson(
      "{'insert': 'patients', 'documents': [{'_id': 1, 'ssn': 5}, {'_id': 2, 'ssn': 'secret'}]}");
  const Done done = e.encrypt_command("clinic", command, message);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::type_not_allowed);
  EXPECT_EQ(done.error().path, "documents.1.ssn");
  EXPECT_EQ(done.error().to_string().find("secret"), std::string::npos);
  EXPECT_TRUE(message.output().empty());
  EXPECT_EQ(message.fields(), 0U);
  ASSERT_EQ(message.findings().size(), 1U);
  EXPECT_EQ(message.findings()[0].verdict, query::Finding::Verdict::refused);
  ASSERT_TRUE(e.encrypt_command("clinic", insert_, message)) << "the message serves again";
  EXPECT_TRUE(message.findings().empty());
}

TEST_F(AutoEncrypterModes, CommandsThatNobodyKnowsAreRefused) {
  const AutoEncrypter e(options_, keys_.ring());
  const auto unknown = e.encrypt_command("clinic", bson("{'noSuchCommand': 'patients'}"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::command_not_supported);
  EXPECT_EQ(e.encrypt_command("clinic", bson("{}")).error().code, Errc::malformed_bson);
  EXPECT_EQ(e.encrypt_command("clinic", Doc{}).error().code, Errc::malformed_bson);
  Doc cut = insert_;
  cut.resize(cut.size() - 3);
  EXPECT_EQ(e.encrypt_command("clinic", cut).error().code, Errc::malformed_bson);
}

TEST_F(AutoEncrypterModes, CommandsThatAreNotWholeAreRefusedWhateverTheSchema) {
  const AutoEncrypter auto_encrypter(options_, keys_.ring());
  for (const char* collection : {"patients", "unheardOf"})
    for (const char* command : {"insert", "update", "delete", "aggregate", "distinct"}) {
      const auto sent = auto_encrypter.encrypt_command(
          "clinic", bson("{'" + std::string(command) + "': '" + collection + "'}"));
      ASSERT_FALSE(sent) << command;
      EXPECT_EQ(sent.error().detail, ErrorDetail::command_missing_field);
    }
}

TEST_F(AutoEncrypterModes, ExplainSaysWhatBecomesOfEachPath) {
  options_.explain = true;
  const AutoEncrypter e(options_, keys_.ring());
  Message message;
  ASSERT_TRUE(e.encrypt_command("clinic", insert_, message));
  ASSERT_EQ(message.findings().size(), 1U);
  EXPECT_EQ(message.findings()[0].verdict, query::Finding::Verdict::encrypted);
  EXPECT_EQ(message.findings()[0].path, "documents.0.ssn");
}

TEST_F(AutoEncrypterModes, AMissingKeyIsNamedByThePathThatNeedsIt) {
  const AutoEncrypter keyless(options_, keys_.keyless_ring());
  const AutoEncrypter ringless(options_, nullptr);
  for (const AutoEncrypter* e : {&keyless, &ringless}) {
    Message message;
    const Doc find = bson("{'find': 'patients', 'filter': {'name': 'x', 'ssn': 5}}");
    const Done done = e->encrypt_command("clinic", find, message);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().path, "filter.ssn");
    EXPECT_TRUE(message.output().empty());
  }
}

TEST_F(AutoEncrypterModes, KeysMayBeNamedByTheDocument) {
  options_.schema_map["clinic.patients"] = test::plan(
      "{'bsonType': 'object', 'properties': {'note': {'encrypt': {'bsonType': 'string', 'keyId': "
      "'/owner', 'algorithm': " +
      test::kRand + "}}}}");
  const AutoEncrypter e(options_, keys_.ring());
  const auto sent = e.encrypt_command(
      "clinic",
      bson("{'insert': 'patients', 'documents': [{'_id': 1, 'owner': 'other', 'note': 'x'}]}"));
  ASSERT_TRUE(sent) << sent.error().to_string();
  const auto payload =
      test::payload_of(test::find_value(*sent, {"documents", "0", "note"}).value());
  ASSERT_TRUE(payload);
  EXPECT_TRUE(std::equal(other_key_.bytes.begin(), other_key_.bytes.end(), payload->begin() + 1));
  const auto missing = e.encrypt_command(
      "clinic",
      bson("{'insert': 'patients', 'documents': [{'_id': 1, 'owner': 'nobody', 'note': 'x'}]}"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::key_not_found);
  EXPECT_EQ(missing.error().path, "documents.0.note");
}

TEST_F(AutoEncrypterModes, RepliesKeepWhatHasNoKeyAndSayWhere) {
  const Doc reply = encrypted_reply();
  const AutoEncrypter strict(options_, keys_.keyless_ring());
  Message message;
  const Done done = strict.decrypt_reply(reply, message);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().path, "documents.0.ssn");
  EXPECT_EQ(done.error().document, 0U) << "there is one only";
  EXPECT_TRUE(message.output().empty());
  options_.missing_keys = MissingKeys::keep;
  const AutoEncrypter keeping(options_, keys_.keyless_ring());
  ASSERT_TRUE(keeping.decrypt_reply(reply, message));
  EXPECT_EQ(test::copy(message.output()), reply);
  EXPECT_EQ(message.fields(), 0U);
  ASSERT_EQ(message.kept().size(), 1U);
  EXPECT_EQ(message.kept()[0].path, "documents.0.ssn");
  EXPECT_EQ(message.kept()[0].key_id, key_);
  EXPECT_FALSE(keeping.encrypt_command("clinic", insert_)) << "commands are never sent in part";
}

TEST_F(AutoEncrypterModes, RepliesAreLongerThanDocumentsMayBe) {
  constexpr std::size_t kEach = 9U << 20U;  // two of them pass 16 MiB
  const AutoEncrypter e(options_, keys_.ring());
  const std::string text(kEach, 'x');
  test::BsonDocument command;
  BSON_APPEND_UTF8(command.get(), "insert", "patients");
  bson_t documents;
  BSON_APPEND_ARRAY_BEGIN(command.get(), "documents", &documents);
  for (const char* index : {"0", "1"}) {
    bson_t document;
    BSON_APPEND_DOCUMENT_BEGIN(&documents, index, &document);
    BSON_APPEND_UTF8(&document, "bloodType", text.c_str());
    bson_append_document_end(&documents, &document);
  }
  bson_append_array_end(command.get(), &documents);
  const Doc plain = command.bytes();
  const auto sent = e.encrypt_command("clinic", plain);
  ASSERT_TRUE(sent) << sent.error().to_string();
  const auto back = e.decrypt_reply(*sent);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_TRUE(*back == plain);
}

TEST_F(AutoEncrypterModes, RepliesAreHostile) {
  const AutoEncrypter e(options_, keys_.ring());
  Doc reply = encrypted_reply();
  reply[reply.size() - 20] ^= 1;  // inside the payload
  EXPECT_EQ(e.decrypt_reply(reply).error().code, Errc::auth_failed);
  EXPECT_EQ(e.decrypt_reply(Doc{}).error().code, Errc::malformed_bson);
  EXPECT_EQ(e.decrypt_reply(Doc{200, 0, 0, 0, 0}).error().code, Errc::malformed_bson);
}

TEST_F(AutoEncrypterModes, FieldsAreCounted) {
  const AutoEncrypter e(options_, keys_.ring());
  const client::FieldCounters before = client::field_counters();
  Message message;
  ASSERT_TRUE(e.encrypt_command("clinic", insert_, message));
  EXPECT_EQ(message.fields(), 1U);
  const client::FieldCounters after = client::field_counters();
  EXPECT_EQ(after.deterministic_encrypted.fields, before.deterministic_encrypted.fields + 1);
  EXPECT_EQ(after.deterministic_encrypted.bytes, before.deterministic_encrypted.bytes + 4);
}

TEST_F(AutoEncrypterModes, FieldsOfMoreThreadsThanThereAreCountersForAreAllCounted) {
  const AutoEncrypter e(options_, keys_.ring());
  const client::FieldCounters before = client::field_counters();
  constexpr std::size_t kThreads = 150;
  constexpr std::size_t kAtOnce = 10;
  constexpr std::size_t kCommands = 3;
  for (std::size_t done = 0; done < kThreads; done += kAtOnce) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] {
        Message message;
        for (std::size_t n = 0; n < kCommands; ++n)
          EXPECT_TRUE(e.encrypt_command("clinic", insert_, message));
      });
    }
    for (std::thread& t : threads) t.join();
  }
  const client::FieldCounters after = client::field_counters();
  EXPECT_EQ(after.deterministic_encrypted.fields,
            before.deterministic_encrypted.fields + kThreads * kCommands);
  EXPECT_EQ(after.deterministic_encrypted.bytes,
            before.deterministic_encrypted.bytes + 4 * kThreads * kCommands);
}

TEST_F(AutoEncrypterModes, ServesManyThreadsEachWithItsOwnMessage) {
  const AutoEncrypter e(options_, keys_.ring());
  const Doc expected = *e.encrypt_command("clinic", insert_);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Message message;
      for (int round = 0; round < 50; ++round) {
        ASSERT_TRUE(e.encrypt_command("clinic", insert_, message));
        ASSERT_EQ(test::copy(message.output()), expected);
        ASSERT_TRUE(e.decrypt_reply(expected, message));
        ASSERT_EQ(test::copy(message.output()), insert_);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace fle
