#include <atomic>
#include <thread>

#include "client/client_support.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

Outcome<Doc> encrypt(const DocumentCipher& cipher, const Doc& doc) {
  Batch batch;
  batch.add(doc);
  FLE_CHECK(cipher.encrypt(batch));
  return copy(batch.output(0));
}

struct Encrypt : ::testing::Test {
  World world;
  KeyId key = world.new_key({"first"});
  std::shared_ptr<kms::KeyRing> ring = world.ring();
};

TEST_F(Encrypt, LeavesNoPlaintextOfEncryptedFieldsAndKeepsTheRest) {
  const DocumentCipher cipher(patients(key), ring);
  Batch batch;
  const Doc doc = patient();
  batch.add(doc);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(batch.fields(), 4U);
  const Bytes out = batch.output(0);
  EXPECT_FALSE(contains(out, "canary"));
  EXPECT_TRUE(contains(out, "Jon Doe"));
  EXPECT_TRUE(contains(out, "MaestCare"));
  bson_t b;
  ASSERT_TRUE(bson_init_static(&b, out.data(), out.size()));
  EXPECT_TRUE(bson_validate(&b, BSON_VALIDATE_UTF8, nullptr));
  bson_iter_t it;
  for (const char* path : {"ssn", "bloodType", "medicalRecords", "insurance.policyNumber"}) {
    bson_iter_t field;
    ASSERT_TRUE(bson_iter_init(&it, &b) && bson_iter_find_descendant(&it, path, &field)) << path;
    ASSERT_TRUE(BSON_ITER_HOLDS_BINARY(&field)) << path;
    bson_subtype_t subtype = BSON_SUBTYPE_BINARY;
    std::uint32_t len = 0;
    const std::uint8_t* data = nullptr;
    bson_iter_binary(&field, &subtype, &len, &data);
    EXPECT_EQ(static_cast<int>(subtype), 6) << path;
    EXPECT_TRUE(std::equal(key.bytes.begin(), key.bytes.end(), data + 1)) << path;
  }
}

TEST_F(Encrypt, MakesEqualDeterministicValuesEqualAndRandomOnesNot) {
  const DocumentCipher cipher(patients(key), ring);
  const auto value = [](const Doc& d, const char* name) {
    bson_t b;
    bson_iter_t it;
    std::uint32_t len = 0;
    const std::uint8_t* data = nullptr;
    EXPECT_TRUE(bson_init_static(&b, d.data(), d.size()) && bson_iter_init_find(&it, &b, name));
    bson_iter_binary(&it, nullptr, &len, &data);
    return Doc(data, data + len);
  };
  const auto a = encrypt(cipher, patient(7));
  const auto b = encrypt(cipher, patient(7));
  const auto c = encrypt(cipher, patient(8));
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(value(*a, "ssn"), value(*b, "ssn"));
  EXPECT_NE(value(*a, "ssn"), value(*c, "ssn"));
  EXPECT_NE(value(*a, "bloodType"), value(*b, "bloodType"));
}

TEST_F(Encrypt, GivesADocumentWithoutSuchFieldsBackAsItIs) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc doc = bson("{'_id': 9, 'other': {'ssn': 5}}");
  Batch batch;
  batch.add(doc);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(batch.output(0).data(), doc.data()) << "the caller's own bytes";
  EXPECT_EQ(batch.fields(), 0U);
}

TEST_F(Encrypt, EncryptsManyDocumentsInOneBatchAsItWouldOneByOne) {
  const DocumentCipher cipher(plan("{'bsonType': 'object', 'properties': {'v': {'encrypt': "
                                   "{'bsonType': 'string', 'keyId': " +
                                   key_json(key) + ", 'algorithm': " + kDet + "}}}}"),
                              ring);
  std::vector<Doc> docs;
  for (int i = 0; i < 700; ++i) {
    docs.push_back(bson("{'i': " + std::to_string(i) + ", 'v': '" +
                        std::string(static_cast<std::size_t>(i), 'x') + "'}"));
  }
  Batch batch;
  for (const Doc& d : docs) batch.add(d);
  ASSERT_TRUE(cipher.encrypt(batch));
  for (std::size_t i = 0; i < docs.size(); ++i) {
    const auto alone = encrypt(cipher, docs[i]);
    ASSERT_TRUE(alone);
    ASSERT_EQ(copy(batch.output(i)), *alone) << i;
  }
}

TEST_F(Encrypt, TakesTheKeyNameOfEveryFieldFromItsOwnDocument) {
  const KeyId second = world.new_key({"second"});
  const std::string pointer = "{'encrypt': {'algorithm': " + kRand + ", 'keyId': ";
  const DocumentCipher cipher(
      plan("{'bsonType': 'object', 'properties': {'a': {'bsonType': 'string'}, 'b': {'bsonType': "
           "'string'}}, 'patternProperties': {'^x': " +
           pointer + "'/a'}}, '^y': " + pointer + "'/b'}}}}"),
      ring);
  const Doc documents[] = {bson("{'a': 'first', 'b': 'second', 'x1': 1, 'y1': 1, 'x2': 1}"),
                           bson("{'x1': 1, 'y1': 1, 'y2': 1, 'a': 'second', 'b': 'first'}")};
  Batch batch;
  for (int round = 0; round < 2; ++round) {
    batch.clear();
    for (const Doc& d : documents) batch.add(d);
    ASSERT_TRUE(cipher.encrypt(batch));
    for (std::size_t i = 0; i < 2; ++i) {
      bson_t b;
      const Bytes out = batch.output(i);
      ASSERT_TRUE(bson_init_static(&b, out.data(), out.size()));
      for (const char* name : {"x1", "x2", "y1", "y2"}) {
        bson_iter_t it;
        if (!bson_iter_init_find(&it, &b, name)) continue;
        bson_subtype_t subtype{};
        std::uint32_t size = 0;
        const std::uint8_t* payload = nullptr;
        bson_iter_binary(&it, &subtype, &size, &payload);
        const KeyId& want = (name[0] == 'x') == (i == 0) ? key : second;
        EXPECT_EQ(KeyId::from({payload + 1, 16}), want) << i << name;
      }
    }
  }
}

TEST_F(Encrypt, TakesTheKeyNameFromTheDocumentWhereTheSchemaSaysSo) {
  const KeyId second = world.new_key({"second"});
  const DocumentCipher cipher(plan("{'bsonType': 'object', 'properties': {'v': {'encrypt': "
                                   "{'keyId': '/k/name', 'algorithm': " +
                                   kRand + "}}}}"),
                              ring);
  for (const auto& [name, id] : {std::pair{"first", key}, std::pair{"second", second}}) {
    const auto out = encrypt(cipher, bson("{'v': 1, 'k': {'name': '" + std::string(name) + "'}}"));
    ASSERT_TRUE(out);
    EXPECT_TRUE(contains(*out, std::string(id.bytes.begin(), id.bytes.end()))) << name;
  }
  const auto nowhere = encrypt(cipher, bson("{'v': 1}"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::unresolved_key_pointer);
  const auto number = encrypt(cipher, bson("{'v': 1, 'k': {'name': 4}}"));
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, Errc::unresolved_key_pointer);
  for (const char* twice : {"{'v': 1, 'k': {'name': 'first', 'name': 'second'}}",
                            "{'k': {'name': 'first'}, 'v': 1, 'k': {'name': 'second'}}"}) {
    const auto out = encrypt(cipher, bson(twice));
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::duplicate_field);
  }
  const auto unknown = encrypt(cipher, bson("{'v': 1, 'k': {'name': 'third'}}"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::key_not_found);
  EXPECT_EQ(unknown.error().path, "v");
}

TEST_F(Encrypt, NamesDocumentAndFieldOfTheFirstRefusalAndGivesNothingOut) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc good = patient();
  const Doc bad = bson("{'name': 'x', 'insurance': {'policyNumber': 'secret-as-text'}}");
  Batch batch;
  batch.add(good);
  batch.add(bad);
  const Done done = cipher.encrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::type_not_allowed);
  EXPECT_EQ(done.error().document, 2U);
  EXPECT_EQ(done.error().path, "insurance.policyNumber");
  EXPECT_EQ(done.error().to_string().find("secret-as-text"), std::string::npos);
  EXPECT_TRUE(batch.output(0).empty());
  EXPECT_TRUE(batch.output(1).empty());
}

TEST_F(Encrypt, RefusesAKeyThatTheVaultDoesNotHave) {
  KeyId stranger;
  stranger.bytes.fill(7);
  const DocumentCipher cipher(patients(stranger), ring);
  const auto out = encrypt(cipher, patient());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::key_not_found);
  EXPECT_EQ(out.error().document, 1U);
  EXPECT_EQ(out.error().path, "ssn");
}

TEST_F(Encrypt, RefusesAResultBeyondTheSizeLimit) {
  DocumentCipher::Options options;
  options.limits.max_bytes = 1000;
  const DocumentCipher cipher(patients(key), ring, options);
  Batch batch;
  const Doc doc = bson("{'ssn': 1, 'filler': '" + std::string(900, 'x') + "'}");
  batch.add(doc);
  const Done done = cipher.encrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::document_too_large);
  EXPECT_EQ(done.error().document, 1U);
}

TEST_F(Encrypt, WithoutAPlanIsAnError) {
  const DocumentCipher cipher(nullptr, ring);
  const auto out = encrypt(cipher, patient());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::invalid_argument);
}

TEST_F(Encrypt, OneCipherServesManyThreads) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc doc = patient();
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&, t] {
      Batch batch;
      for (int i = 0; i < 200; ++i) {
        batch.clear();
        for (int k = 0; k < 5; ++k) batch.add(doc);
        if (!cipher.encrypt(batch)) return;
        const Doc sealed = copy(batch.output(4));
        batch.clear();
        batch.add(sealed);
        if (!cipher.decrypt(batch) || copy(batch.output(0)) != doc) return;
        ++good[t];
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(good, std::vector<int>(4, 200));
}

TEST_F(Encrypt, HasOneBudgetForAllDocumentsOfABatch) {
  const std::string id = key.to_string();
  const auto plan = *schema::compile_json(
      R"({"bsonType": "object", "patternProperties": {"^(a+)+[xyz]$": {"encrypt": {"algorithm": )"
      R"("AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$uuid": ")" +
      id + R"("}]}}}})");
  DocumentCipher::Options options;
  options.budget = {60'000, 0};
  const DocumentCipher cipher(plan, ring, options);
  const Doc doc = bson("{'aaaaaaaaaaaaa': 1}");
  EXPECT_TRUE(encrypt(cipher, doc));
  Batch batch;
  for (int i = 0; i < 10; ++i) batch.add(doc);
  const Done done = cipher.encrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::work_limit);
  EXPECT_GT(done.error().document, 1U);
  EXPECT_NE(done.error().message.find("^(a+)+[xyz]$"), std::string::npos);
  EXPECT_TRUE(encrypt(cipher, doc)) << "the next call has one of its own";
}

// Patterns are not searched to the end then, and say nothing: no refusal comes of what they would
// have said, and nothing goes out.
TEST_F(Encrypt, ABudgetOfAnySizeIsEnoughOrIsWhatTheRefusalNames) {
  const std::string id = key.to_string();
  const auto plan = *schema::compile_json(
      R"({"bsonType": "object", "properties": {"_id": {}}, "additionalProperties": {"encrypt": {"bsonType": "string",
          "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$uuid": ")" +
      id + R"("}]}}, "patternProperties": {"^(a+)+[xyz]$": {"bsonType": "int"},
          "^(b+)+$": {"encrypt": {"bsonType": "int", "algorithm":
          "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$uuid": ")" +
      id + R"("}]}}}})");
  const Doc doc = bson("{'aaax': 1, 'bbb': 2, 'aaay': 3, 'c': 'text', 'bb': 5}");
  std::uint64_t floor = 0;
  for (bool enough = false; !enough; ++floor) {
    ASSERT_LT(floor, 100'000U);
    DocumentCipher::Options options;
    options.budget = {floor, 0};
    const DocumentCipher cipher(plan, ring, options);
    Batch batch;
    batch.add(doc);
    const Done done = cipher.encrypt(batch);
    enough = done.has_value();
    if (!enough) {
      ASSERT_EQ(done.error().code, Errc::work_limit) << floor << ": " << done.error().to_string();
    }
  }
  EXPECT_GT(floor, 20U);
}

TEST_F(Encrypt, EndsWhenNobodyWaits) {
  const std::atomic<bool> abandoned{true};
  DocumentCipher::Options options;
  options.budget.abandoned = &abandoned;
  const DocumentCipher cipher(patients(key), ring, options);
  const Doc doc = patient();
  Batch batch;
  batch.add(doc);
  const Done done = cipher.encrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::work_limit);
}

}  // namespace
}  // namespace fle::test
