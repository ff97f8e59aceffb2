// What a caller with a network of its own does: a call says what it lacks, and is made again with
// what was brought.
#include <set>

#include "client/client_support.h"
#include "fle/client/auto_encrypter.h"
#include "fle/payload.h"
#include "support/bson_values.h"

namespace fle {
namespace {

using client::AutoEncrypter;
using client::Message;
using test::bson;
using test::Doc;

/// Knows no key: those who fetch them are outside.
struct NoVault final : kms::KeyVault {
  Done insert(const kms::KeyDocument&) override { return Failure(Errc::vault_failed, "none"); }
  Outcome<std::vector<kms::KeyDocument>> find(std::span<const KeyId>,
                                              std::span<const std::string>) override {
    ++asked;
    return std::vector<kms::KeyDocument>{};
  }
  Outcome<std::vector<kms::KeyDocument>> list() override { return std::vector<kms::KeyDocument>{}; }
  int asked = 0;
};

class OwnNetwork : public testing::Test {
 protected:
  OwnNetwork() {
    options_.now = [this] { return now_; };
    providers_.emplace();
    EXPECT_TRUE(providers_->add_local("local", std::vector<std::uint8_t>(96, 0x5a)));
    ring_ = std::make_shared<kms::KeyRing>(vault_, std::make_shared<kms::Providers>(),
                                           kms::KeyRingOptions{.now = options_.now});
  }
  /// What a driver would fetch: the document of a key, and what a KMS makes of it.
  kms::KeyDocument document(const KeyId& id) { return (*keys_.vault()->find({&id, 1}, {})).at(0); }
  Outcome<kms::KeyHandle> fetch(const kms::KeyDocument& doc) {
    kms::Provider* const provider = *providers_->find("local");
    FLE_TRY(const SecretBytes raw, provider->unwrap(doc.key_material, doc.master_key));
    return ring_->add(doc, raw);
  }
  void bring(Message& message, const KeyId& id) {
    const kms::KeyDocument doc = document(id);
    message.hold_key(*fetch(doc), doc.alt_names);
  }

  std::chrono::steady_clock::time_point now_{};
  AutoEncrypter::Options options_;
  test::World keys_;
  std::optional<kms::Providers> providers_;
  std::shared_ptr<NoVault> vault_ = std::make_shared<NoVault>();
  std::shared_ptr<kms::KeyRing> ring_;
};

const std::string kInsert =
    "{'insert': 'patients', 'documents': [{'_id': 1, 'a': 'x canary', 'b': 5}]}";

std::string two_keys(const KeyId& a, const KeyId& b) {
  return "{'bsonType': 'object', 'properties': {'a': {'encrypt': {'bsonType': 'string', "
         "'algorithm': " +
         test::kRand + ", 'keyId': " + test::key_json(a) +
         "}}, 'b': {'encrypt': {'bsonType': 'int', 'algorithm': " + test::kDet +
         ", 'keyId': " + test::key_json(b) + "}}}}";
}

TEST_F(OwnNetwork, ACommandSaysWhichKeysItLacksAndGoesOnOnceTheyAreThere) {
  const KeyId a = keys_.new_key();
  const KeyId b = keys_.new_key();
  options_.schema_map["clinic.patients"] = test::plan(two_keys(a, b));
  const AutoEncrypter e(options_, ring_);
  Message message;
  const Doc command = bson(kInsert);
  const Done first = e.encrypt_command("clinic", command, message);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::key_not_found);
  const client::WantedKeys& wanted = message.wanted_keys();
  EXPECT_EQ(std::set<KeyId>(wanted.ids.begin(), wanted.ids.end()), (std::set<KeyId>{a, b}));
  EXPECT_TRUE(wanted.alt_names.empty());
  EXPECT_TRUE(message.output().empty());

  bring(message, a);
  ASSERT_FALSE(e.encrypt_command("clinic", command, message));
  EXPECT_EQ(message.wanted_keys().ids, std::vector<KeyId>{b});
  bring(message, b);
  ASSERT_TRUE(e.encrypt_command("clinic", command, message));
  EXPECT_TRUE(message.wanted_keys().empty());
  EXPECT_EQ(message.fields(), 2U);
  const Doc sent = test::copy(message.output());
  EXPECT_FALSE(test::contains(sent, "canary"));

  Message other;  // the ring has them now
  ASSERT_TRUE(e.decrypt_reply(sent, other));
  EXPECT_EQ(test::copy(other.output()), command);
}

TEST_F(OwnNetwork, AReplySaysWhichKeysItLacks) {
  const KeyId a = keys_.new_key();
  const KeyId b = keys_.new_key();
  AutoEncrypter::Options options;
  options.schema_map["clinic.patients"] = test::plan(two_keys(a, b));
  const Doc command = bson(kInsert);
  const Doc sent = *AutoEncrypter(options, keys_.ring()).encrypt_command("clinic", command);

  const AutoEncrypter e({}, ring_);
  Message message;
  const Done first = e.decrypt_reply(sent, message);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::key_not_found);
  EXPECT_EQ(message.wanted_keys().ids, (std::vector<KeyId>{a, b}));
  bring(message, a);
  bring(message, b);
  ASSERT_TRUE(e.decrypt_reply(sent, message));
  EXPECT_EQ(test::copy(message.output()), command);
  // What is wanted is of the last call only.
  const Doc broken = bson("{'insert': 5, 'documents': []}");
  EXPECT_FALSE(e.encrypt_command("clinic", broken, message));
  EXPECT_TRUE(message.wanted_keys().empty());
}

TEST_F(OwnNetwork, AKeyThatWasBroughtOutlivesItsLifetimeInTheCache) {
  const KeyId a = keys_.new_key();
  options_.schema_map["clinic.patients"] = test::plan(two_keys(a, a));
  const AutoEncrypter e(options_, ring_);
  Message message;
  const Doc command = bson(kInsert);
  ASSERT_FALSE(e.encrypt_command("clinic", command, message));
  bring(message, a);
  now_ += std::chrono::hours(1);
  EXPECT_TRUE(e.encrypt_command("clinic", command, message));
  Message other;
  EXPECT_FALSE(e.encrypt_command("clinic", command, other)) << "it is this message's alone";
  message.drop_held();
  EXPECT_TRUE(message.output().empty());
  EXPECT_FALSE(e.encrypt_command("clinic", command, message));
}

TEST_F(OwnNetwork, AKeyIsWantedAndFoundByName) {
  const KeyId a = keys_.new_key({"Ann", "other"});
  options_.schema_map["clinic.patients"] = test::plan(
      "{'bsonType': 'object', 'properties': {'a': {'encrypt': {'bsonType': 'string', "
      "'algorithm': " +
      test::kRand + ", 'keyId': '/name'}}}}");
  const AutoEncrypter e(options_, ring_);
  Message message;
  const Doc command =
      bson("{'insert': 'patients', 'documents': [{'_id': 1, 'a': 'x', 'name': 'Ann'}]}");
  ASSERT_FALSE(e.encrypt_command("clinic", command, message));
  EXPECT_EQ(message.wanted_keys().alt_names, std::vector<std::string>{"Ann"});
  EXPECT_TRUE(message.wanted_keys().ids.empty());
  bring(message, a);
  now_ += std::chrono::hours(1);
  EXPECT_TRUE(e.encrypt_command("clinic", command, message));
}

TEST_F(OwnNetwork, OnlyWhatNoVaultHasIsWanted) {
  const KeyId a = keys_.new_key();
  options_.schema_map["clinic.patients"] = test::plan(two_keys(a, a));
  const AutoEncrypter e(options_, keys_.keyless_ring());  // finds it and cannot open it
  Message message;
  const Doc insert = bson(kInsert);
  const Done done = e.encrypt_command("clinic", insert, message);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kms_not_configured);
  EXPECT_TRUE(message.wanted_keys().empty());
}

TEST_F(OwnNetwork, CollectionsAreAskedForOneByOneOrTogether) {
  const KeyId a = keys_.new_key();
  const Doc patients = bson(
      "{'name': 'patients', 'type': 'collection', 'options': {'validator': "
      "{'$jsonSchema': " +
      two_keys(a, a) + "}}}");
  const Doc notes = bson("{'name': 'notes', 'type': 'collection', 'options': {}}");
  const Doc command = bson(
      "{'aggregate': 'patients', 'pipeline': [{'$match': {'b': 5}}, {'$lookup': {'from': "
      "'notes', 'as': 'n', 'pipeline': []}}], 'cursor': {}}");
  for (const bool together : {false, true}) {
    SCOPED_TRACE(together);
    const AutoEncrypter e(options_, ring_);
    std::vector<Doc> questions;
    std::optional<std::vector<Doc>> answer;
    Message message;
    message.use_list_collections(
        [&](std::string_view db, Bytes filter) -> Outcome<std::vector<Doc>> {
          EXPECT_EQ(db, "clinic");
          if (answer) return *std::exchange(answer, std::nullopt);
          questions.push_back(test::copy(filter));
          return Failure(Errc::server_unreachable, "ask");
        },
        together);
    Done done = e.encrypt_command("clinic", command, message);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::server_unreachable);
    if (together) {
      ASSERT_EQ(questions, (std::vector<Doc>{bson("{'name': {'$in': ['patients', 'notes']}}")}));
      answer = std::vector<Doc>{notes, patients};
    } else {
      ASSERT_EQ(questions, (std::vector<Doc>{bson("{'name': 'patients'}")}));
      answer = std::vector<Doc>{patients};
      done = e.encrypt_command("clinic", command, message);
      ASSERT_FALSE(done);
      ASSERT_EQ(questions.size(), 2U);
      EXPECT_EQ(questions.back(), bson("{'name': 'notes'}"));
      answer = std::vector<Doc>{notes};
    }
    done = e.encrypt_command("clinic", command, message);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::key_not_found) << done.error().to_string();
    bring(message, a);
    EXPECT_TRUE(e.encrypt_command("clinic", command, message));
    EXPECT_EQ(questions.size(), together ? 1U : 2U) << "the answers are remembered";
    ring_->clear();
  }
}

TEST_F(OwnNetwork, ASchemaIsCompiledWhenACommandNeedsIt) {
  const KeyId a = keys_.new_key();
  std::vector<std::string> asked;
  options_.local_schemas =
      [&](std::string_view ns) -> Outcome<std::shared_ptr<const schema::Plan>> {
    asked.emplace_back(ns);
    if (ns == "clinic.broken") return Failure(Errc::schema_bad_value, "broken");
    if (ns != "clinic.patients") return std::shared_ptr<const schema::Plan>();
    return test::plan(two_keys(a, a));
  };
  const AutoEncrypter e(options_, keys_.ring());
  EXPECT_TRUE(asked.empty());
  const auto sent = e.encrypt_command("clinic", bson(kInsert));
  ASSERT_TRUE(sent);
  EXPECT_FALSE(test::contains(*sent, "canary"));
  const Doc other = bson("{'insert': 'notes', 'documents': [{'_id': 1, 'a': 'x'}]}");
  EXPECT_EQ(*e.encrypt_command("clinic", other), other);
  const auto broken = e.encrypt_command("clinic", bson("{'insert': 'broken', 'documents': [{}]}"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::schema_bad_value);
  EXPECT_EQ(asked, (std::vector<std::string>{"clinic.patients", "clinic.notes", "clinic.broken"}));
}

TEST_F(OwnNetwork, AKeyThatIsTakenInIsAsGoodAsALoadedOne) {
  const KeyId a = keys_.new_key({"Ann"});
  ASSERT_FALSE(ring_->by_id(a));
  const kms::KeyHandle added = *fetch(document(a));
  EXPECT_EQ(added->id, a);
  const int asked = vault_->asked;
  EXPECT_EQ(*ring_->by_id(a), added);
  EXPECT_EQ(*ring_->by_alt_name("Ann"), added);
  EXPECT_EQ(vault_->asked, asked);
  EXPECT_EQ(ring_->counters().keys, 1U);
}

TEST_F(OwnNetwork, TheSameMaterialUnderAnotherIdIsRefused) {
  const KeyId a = keys_.new_key();
  kms::KeyDocument copied = document(a);
  ASSERT_TRUE(fetch(copied));
  copied.id = keys_.new_key();
  const auto added = fetch(copied);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::key_duplicate);
}

TEST_F(OwnNetwork, AKeyOfAnotherLengthIsRefused) {
  const KeyId a = keys_.new_key();
  const auto raw = std::move(*SecretBytes::create(95));
  const auto added = ring_->add(document(a), raw);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::key_unwrap_failed);
}

}  // namespace
}  // namespace fle
