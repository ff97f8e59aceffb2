#include "client/client_support.h"
#include "documents/batch_state.h"
#include "fle/batch.h"
#include "fle/bson/little_endian.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;
using client::MissingKeys;

struct Decrypt : ::testing::Test {
  Doc encrypted(const Doc& doc, const std::shared_ptr<const schema::Plan>& p) {
    Batch batch;
    batch.add(doc);
    const Done done = DocumentCipher(p, ring).encrypt(batch);
    if (!done) throw std::runtime_error(done.error().to_string());
    return copy(batch.output(0));
  }
  Outcome<Doc> decrypted(const Doc& doc) {
    Batch batch;
    batch.add(doc);
    FLE_CHECK(DocumentCipher(nullptr, ring).decrypt(batch));
    return copy(batch.output(0));
  }
  World world;
  KeyId key = world.new_key();
  std::shared_ptr<kms::KeyRing> ring = world.ring();
};

TEST_F(Decrypt, GivesBackExactlyWhatWasEncrypted) {
  const Doc doc = patient();
  const auto back = decrypted(encrypted(doc, patients(key)));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, doc);
}

TEST_F(Decrypt, RestoresEveryTypeThatMayBeEncrypted) {
  const auto p =
      plan("{'bsonType': 'object', 'properties': {'v': {'encrypt': {'keyId': " + key_json(key) +
           ", 'algorithm': " + kRand + "}}}}");
  for (const char* value :
       {"{'$numberDouble': '1.5'}",
        "'text'",
        "''",
        "{'a': [1, {'b': 2}]}",
        "[1, 'x', []]",
        "{}",
        "{'$binary': {'base64': 'AAEC', 'subType': '00'}}",
        "{'$binary': {'base64': '', 'subType': '80'}}",
        "{'$oid': '0123456789abcdef01234567'}",
        "true",
        "false",
        "{'$date': {'$numberLong': '123'}}",
        "{'$regularExpression': {'pattern': 'a.b', 'options': 'i'}}",
        "{'$dbPointer': {'$ref': 'db.c', '$id': {'$oid': '0123456789abcdef01234567'}}}",
        "{'$code': 'x=1'}",
        "{'$symbol': 's'}",
        "{'$code': 'y', '$scope': {'z': 1}}",
        "{'$numberInt': '-5'}",
        "{'$timestamp': {'t': 1, 'i': 2}}",
        "{'$numberLong': '-9'}",
        "{'$numberDecimal': '1.25'}"}) {
    const Doc doc = bson("{'a': 1, 'v': " + std::string(value) + ", 'z': 'end'}");
    const Doc sealed = encrypted(doc, p);
    EXPECT_NE(sealed, doc) << value;
    const auto back = decrypted(sealed);
    ASSERT_TRUE(back) << value;
    EXPECT_EQ(*back, doc) << value;
  }
}

TEST_F(Decrypt, FindsCiphertextAlsoInArraysAndNestedDocuments) {
  const Doc sealed = encrypted(bson("{'ssn': 5}"), patients(key));
  bson_t b;
  ASSERT_TRUE(bson_init_static(&b, sealed.data(), sealed.size()));
  bson_t* outer =
      BCON_NEW("list", "[", BCON_DOCUMENT(&b), "{", "deep", BCON_DOCUMENT(&b), "}", "]");
  const Doc doc(bson_get_data(outer), bson_get_data(outer) + outer->len);
  bson_destroy(outer);
  const auto back = decrypted(doc);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, bson("{'list': [{'ssn': 5}, {'deep': {'ssn': 5}}]}"));
}

TEST_F(Decrypt, LeavesOtherBinariesAlone) {
  const Doc doc = bson(
      "{'a': {'$binary': {'base64': 'AQ==', 'subType': '00'}}, 'b': {'$binary': {'base64': '', "
      "'subType': "
      "'06'}}, 'c': {'$binary': {'base64': 'AAAA', 'subType': '06'}}, 'd': {'$binary': {'base64': "
      "'BwAA', "
      "'subType': '06'}}}");
  const auto back = decrypted(doc);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, doc);
}

TEST_F(Decrypt, RefusesEveryChangedByteOfACiphertext) {
  const Doc sealed = encrypted(bson("{'ssn': 241014209}"), patients(key));
  // The payload is the last value: 82 bytes before the document's end.
  const std::size_t start = sealed.size() - 1 - 82;
  for (std::size_t i = start; i < sealed.size() - 1; ++i) {
    for (const unsigned flip : {0x01U, 0x80U}) {
      Doc forged = sealed;
      forged[i] = static_cast<std::uint8_t>(forged[i] ^ flip);
      const auto out = decrypted(forged);
      // Another first byte may mean "not ours": then it is left as it is.
      if (out) {
        EXPECT_EQ(i, start);
        EXPECT_EQ(*out, forged);
        continue;
      }
      EXPECT_TRUE(out.error().code == Errc::auth_failed || out.error().code == Errc::key_not_found)
          << i;
      EXPECT_EQ(out.error().path, "ssn");
      EXPECT_EQ(out.error().document, 1U);
    }
  }
}

TEST_F(Decrypt, RefusesPayloadsThatAreCutOrTooLong) {
  const Doc sealed = encrypted(bson("{'ssn': 241014209}"), patients(key));
  const Bytes payload = Bytes(sealed).subspan(sealed.size() - 1 - 82, 82);
  for (std::size_t n = 1; n <= 100; ++n) {
    if (n == payload.size()) continue;
    Doc content(payload.begin(), payload.end());
    content.resize(n, 0);
    bson_t b = BSON_INITIALIZER;
    BSON_APPEND_BINARY(&b, "ssn", static_cast<bson_subtype_t>(6), content.data(),
                       static_cast<std::uint32_t>(n));
    const auto out = decrypted(Doc(bson_get_data(&b), bson_get_data(&b) + b.len));
    bson_destroy(&b);
    ASSERT_FALSE(out) << n;
    EXPECT_EQ(out.error().code, n < 19 ? Errc::malformed_payload : Errc::auth_failed) << n;
  }
}

TEST_F(Decrypt, RefusesPlaintextThatIsNotOneValueOfItsType) {
  const auto handle = ring->by_id(key);
  ASSERT_TRUE(handle);
  // A key holder writes three bytes and calls them an int.
  const std::vector<std::uint8_t> three = {1, 2, 3};
  std::vector<std::uint8_t> payload(payload_len(three.size()));
  const SealJob job{&(*handle)->key, key, Algorithm::random, 0x10, three, payload};
  ASSERT_TRUE(seal_batch({&job, 1}));
  bson_t b = BSON_INITIALIZER;
  BSON_APPEND_BINARY(&b, "v", static_cast<bson_subtype_t>(6), payload.data(),
                     static_cast<std::uint32_t>(payload.size()));
  const auto out = decrypted(Doc(bson_get_data(&b), bson_get_data(&b) + b.len));
  bson_destroy(&b);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::malformed_bson);
  EXPECT_EQ(out.error().path, "v");
}

TEST_F(Decrypt, TellsOfCiphertextWithinWhatItHasOpened) {
  const auto handle = ring->by_id(key);
  ASSERT_TRUE(handle);
  // Encrypted as a whole by one who does not look inside: an object with a deterministic
  // ciphertext, one with a random one, code with the former as its scope, and an object with such
  // code.
  const Doc plain = bson("{'ssn': 5}");
  const Doc inner = encrypted(plain, patients(key));
  const Doc random = encrypted(bson("{'bloodType': 'A'}"), patients(key));
  const auto number = [](std::size_t n) {
    Doc b(4);
    bson::store32(b.data(), static_cast<std::uint32_t>(n));
    return b;
  };
  const auto joined = [](std::initializer_list<Doc> parts) {
    Doc all;
    for (const Doc& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const Doc code = joined({number(4 + 4 + 2 + inner.size()), number(2), {'f', 0}, inner});
  const Doc holder = joined({number(4 + 3 + code.size() + 1), {0x0f, 'c', 0}, code, {0}});
  const std::pair<std::uint8_t, const Doc*> values[] = {
      {3, &plain}, {3, &inner}, {3, &random}, {0x0f, &code}, {3, &holder}};
  bson_t b = BSON_INITIALIZER;
  for (const auto& [type, value] : values) {
    Doc payload(payload_len(value->size()));
    const SealJob job{&(*handle)->key, key, Algorithm::random, type, *value, payload};
    ASSERT_TRUE(seal_batch({&job, 1}));
    const std::string name(1, static_cast<char>('a' + bson_count_keys(&b)));
    BSON_APPEND_BINARY(&b, name.c_str(), static_cast<bson_subtype_t>(6), payload.data(),
                       static_cast<std::uint32_t>(payload.size()));
  }
  const Doc doc(bson_get_data(&b), bson_get_data(&b) + b.len);
  bson_destroy(&b);
  Batch batch;
  batch.add(plain);
  batch.add(doc);
  ASSERT_TRUE(DocumentCipher(nullptr, ring).decrypt(batch));
  const client::LeftAlone left = batch.left_alone();
  EXPECT_EQ(left.ciphertexts, 4U);
  EXPECT_EQ(left.document, 1U);
  EXPECT_EQ(left.path, "b");
}

TEST_F(Decrypt, GivesNothingOutWhenOneOfManyDocumentsFails) {
  const Doc good = encrypted(patient(), patients(key));
  Doc bad = good;
  bad[bad.size() - 40] = static_cast<std::uint8_t>(bad[bad.size() - 40] ^ 1);
  Batch batch;
  batch.add(good);
  batch.add(bad);
  const Done done = DocumentCipher(nullptr, ring).decrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().document, 2U);
  EXPECT_TRUE(batch.output(0).empty());
  EXPECT_EQ(batch.fields(), 0U);
}

TEST_F(Decrypt, KeepsFieldsWithoutAKeyWhenAskedToAndSaysWhich) {
  const KeyId other = world.new_key();
  const auto p =
      plan("{'bsonType': 'object', 'properties': {'a': {'encrypt': {'keyId': " + key_json(key) +
           ", 'algorithm': " + kRand +
           "}}, 'n': {'bsonType': 'object', 'properties': {'b': "
           "{'encrypt': {'keyId': " +
           key_json(other) + ", 'algorithm': " + kRand + "}}}}}}");
  const Doc sealed = encrypted(bson("{'a': 'one', 'n': {'b': 'two'}}"), p);

  // A vault that has lost the second key.
  std::shared_ptr<kms::KeyVault> poor = kms::make_memory_vault();
  auto keys = world.vault()->list();
  ASSERT_TRUE(keys);
  for (const kms::KeyDocument& k : *keys) {
    if (k.id == key) {
      ASSERT_TRUE(poor->insert(k));
    }
  }
  auto providers = std::make_shared<kms::Providers>();
  ASSERT_TRUE(providers->add_local("local", std::vector<std::uint8_t>(96, 0x5a)));
  auto poor_ring = std::make_shared<kms::KeyRing>(poor, providers);

  Batch batch;
  batch.add(sealed);
  const Done strict = DocumentCipher(nullptr, poor_ring).decrypt(batch);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, Errc::key_not_found);
  EXPECT_EQ(strict.error().path, "n.b");

  DocumentCipher::Options options;
  options.missing_keys = MissingKeys::keep;
  ASSERT_TRUE(DocumentCipher(nullptr, poor_ring, options).decrypt(batch));
  EXPECT_EQ(batch.fields(), 1U);
  ASSERT_EQ(batch.kept().size(), 1U);
  EXPECT_EQ(batch.kept()[0].path, "n.b");
  EXPECT_EQ(batch.kept()[0].document, 0U);
  EXPECT_EQ(batch.kept()[0].key_id, other);
  EXPECT_EQ(batch.kept()[0].reason, Errc::key_not_found);
  const Doc partial = copy(batch.output(0));
  EXPECT_TRUE(contains(partial, "one"));
  // What was kept decrypts for whoever has the key.
  const auto rest = decrypted(partial);
  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, bson("{'a': 'one', 'n': {'b': 'two'}}"));
}

TEST_F(Decrypt, AKeylessReaderKeepsEverything) {
  const Doc sealed = encrypted(patient(), patients(key));
  DocumentCipher::Options options;
  options.missing_keys = MissingKeys::keep;
  for (const auto& r : {world.keyless_ring(), std::shared_ptr<kms::KeyRing>()}) {
    Batch batch;
    batch.add(sealed);
    ASSERT_TRUE(DocumentCipher(nullptr, r, options).decrypt(batch));
    EXPECT_EQ(copy(batch.output(0)), sealed);
    EXPECT_EQ(batch.kept().size(), 4U);
    EXPECT_EQ(batch.fields(), 0U);
  }
}

/// A vault that cannot be reached.
class BrokenVault : public kms::KeyVault {
 public:
  Outcome<std::vector<kms::KeyDocument>> find(std::span<const KeyId>,
                                              std::span<const std::string>) override {
    return Failure(Errc::vault_busy, "locked");
  }
  Outcome<std::vector<kms::KeyDocument>> list() override { return Failure(Errc::vault_busy, {}); }
  Done insert(const kms::KeyDocument&) override { return Failure(Errc::vault_busy, {}); }
};

TEST_F(Decrypt, KeepDoesNotForgiveAVaultThatCannotBeReached) {
  const Doc sealed = encrypted(patient(), patients(key));
  DocumentCipher::Options options;
  options.missing_keys = MissingKeys::keep;
  const auto broken = std::make_shared<kms::KeyRing>(std::make_shared<BrokenVault>(),
                                                     std::make_shared<const kms::Providers>());
  Batch batch;
  batch.add(sealed);
  const Done done = DocumentCipher(nullptr, broken, options).decrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::vault_busy);
  EXPECT_EQ(done.error().path, "ssn");
  EXPECT_TRUE(batch.kept().empty());
}

TEST_F(Decrypt, KeepDoesNotForgiveAForgedCiphertext) {
  Doc sealed = encrypted(patient(), patients(key));
  sealed[sealed.size() - 40] = static_cast<std::uint8_t>(sealed[sealed.size() - 40] ^ 1);
  DocumentCipher::Options options;
  options.missing_keys = MissingKeys::keep;
  Batch batch;
  batch.add(sealed);
  const Done done = DocumentCipher(nullptr, ring, options).decrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::auth_failed);
}

TEST_F(Decrypt, OpensTheValuesOfALargeDocumentWhereTheyGo) {
  World other;
  const KeyId lost = other.new_key();
  const auto encrypting = [](const std::string& name, const KeyId& with) {
    return "'" + name + "': {'encrypt': {'keyId': " + key_json(with) + ", 'algorithm': " + kRand +
           "}}";
  };
  // Lengths that leave room of each size behind them, and what is not encrypted between them.
  std::string fields = encrypting("big", key);
  std::string values = "{'first': 1";
  for (int i = 0; i < 40; ++i) {
    const std::string name = "a" + std::to_string(i);
    fields += ", " + encrypting(name, key);
    values += ", '" + name + "': '" + std::string(static_cast<std::size_t>(i), 'x') + "', 'b" +
              std::to_string(i) + "': {'c': " + std::to_string(i) + "}";
    if (i == 20) values += ", 'big': '" + std::string(1 << 20, 'b') + "', 'kept': 'k'";
  }
  const Doc doc = bson(values + ", 'last': 2}");
  const Doc sealed = encrypted(doc, plan("{'bsonType': 'object', 'properties': {" + fields + "}}"));
  const auto back = decrypted(sealed);
  ASSERT_TRUE(back);
  EXPECT_TRUE(*back == doc);

  // A value whose key is not to be had stays in the midst of them.
  const auto more =
      plan("{'bsonType': 'object', 'properties': {" + encrypting("kept", lost) + "}}");
  const auto seal_more = [&](const Doc& d) {
    Batch b;
    b.add(d);
    const Done done = DocumentCipher(more, other.ring()).encrypt(b);
    EXPECT_TRUE(done) << done.error().to_string();
    return copy(b.output(0));
  };
  const Doc sealed_more = seal_more(sealed);
  DocumentCipher::Options options;
  options.missing_keys = MissingKeys::keep;
  Batch batch;
  batch.add(sealed_more);
  ASSERT_TRUE(DocumentCipher(nullptr, ring, options).decrypt(batch));
  ASSERT_EQ(batch.kept().size(), 1U);
  EXPECT_EQ(batch.kept()[0].path, "kept");
  // Of the room that values did not need, nothing is left behind the document.
  const client::BatchState& s = client::BatchState::of(batch);
  const std::size_t size = s.documents[0].size;
  ASSERT_GT(s.output.size(), size);
  const auto behind = std::span(s.output).subspan(size);
  EXPECT_EQ(std::ranges::count(behind, 0), std::ssize(behind));
  Batch rest;
  rest.add(batch.output(0));
  ASSERT_TRUE(DocumentCipher(nullptr, other.ring()).decrypt(rest));
  EXPECT_TRUE(copy(rest.output(0)) == doc);

  Doc forged = sealed;
  forged[forged.size() - 40] ^= 1;
  EXPECT_FALSE(decrypted(forged));
}

}  // namespace
}  // namespace fle::test
