#include <map>

#include "client/client_support.h"
#include "documents/batch_state.h"
#include "fle/bson/cursor.h"
#include "fle/bson_walk/path_table.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/client_encryption.h"
#include "fle/query/analysis.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

/// Another vault, and how often it is asked.
class CountingVault : public kms::KeyVault {
 public:
  explicit CountingVault(std::shared_ptr<kms::KeyVault> v) : vault_(std::move(v)) {}
  Outcome<std::vector<kms::KeyDocument>> find(std::span<const KeyId> ids,
                                              std::span<const std::string> alt_names) override {
    ++n_queries;
    return vault_->find(ids, alt_names);
  }
  Outcome<std::vector<kms::KeyDocument>> list() override { return vault_->list(); }
  Done insert(const kms::KeyDocument& key) override { return vault_->insert(key); }
  int n_queries = 0;

 private:
  std::shared_ptr<kms::KeyVault> vault_;
};

// What is looked at again when the result is read cannot be a temporary.
template <class T>
concept Kept = requires(T&& bytes, Batch& batch, client::AutoEncrypter& encrypter,
                        client::Message& message) {
  batch.add(std::forward<T>(bytes));
  encrypter.encrypt_command("db", std::forward<T>(bytes), message);
  encrypter.decrypt_reply(std::forward<T>(bytes), message);
  bson::Cursor(std::forward<T>(bytes));
  query::read_target(std::forward<T>(bytes));
  client::DataKeyOptions().key_material = std::forward<T>(bytes);
};
template <class T>
concept KeptByAny = requires(T&& bytes, Batch& batch) {
  batch.add(std::forward<T>(bytes));
}
|| requires(T&& bytes, client::AutoEncrypter& encrypter, client::Message& message) {
  encrypter.encrypt_command("db", std::forward<T>(bytes), message);
}
|| requires(T&& bytes, client::AutoEncrypter& encrypter, client::Message& message) {
  encrypter.decrypt_reply(std::forward<T>(bytes), message);
}
|| requires(T&& bytes) { bson::Cursor(std::forward<T>(bytes)); }
|| requires(T&& bytes) { query::read_target(std::forward<T>(bytes)); }
|| requires(T&& bytes) { client::DataKeyOptions().key_material = std::forward<T>(bytes); };
using Vector = std::vector<std::uint8_t>;
static_assert(Kept<Bytes> && Kept<MutBytes> && Kept<Vector&> && Kept<const Vector&>);
static_assert(!KeptByAny<Vector> && !KeptByAny<const Vector> && !KeptByAny<WipedBytes>);

struct ABatch : ::testing::Test {
  Doc encrypted(const Doc& doc) {
    Batch batch;
    batch.add(doc);
    const Done done = DocumentCipher(patients(key), ring).encrypt(batch);
    if (!done) throw std::runtime_error(done.error().to_string());
    return copy(batch.output(0));
  }
  World world;
  KeyId key = world.new_key();
  std::shared_ptr<kms::KeyRing> ring = world.ring();
};

TEST_F(ABatch, HasNoResultBeforeACallNorForWhatIsAddedAfterIt) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc doc = patient();
  Batch batch;
  batch.add(doc);
  EXPECT_TRUE(batch.output(0).empty());
  ASSERT_TRUE(cipher.encrypt(batch));
  batch.add(doc);
  EXPECT_FALSE(batch.output(0).empty());
  EXPECT_TRUE(batch.output(1).empty()) << "its plaintext must not pass for a result";
  EXPECT_TRUE(batch.output(2).empty());
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_FALSE(contains(batch.output(1), "canary"));
  EXPECT_FALSE(batch.output(1).empty());
}

// Whatever it failed for: what was decrypted must not pass for what is encrypted now.
TEST_F(ABatch, HasNoResultOfAnEarlierCallWhenACipherWithoutASchemaRefusesIt) {
  const Doc sealed = encrypted(patient());
  const DocumentCipher without(nullptr, ring);
  for (const bool reencrypts : {false, true}) {
    Batch batch;
    batch.add(sealed);
    ASSERT_TRUE(without.decrypt(batch));
    ASSERT_FALSE(batch.output(0).empty());
    const Done done = reencrypts ? without.reencrypt(batch, {}) : without.encrypt(batch);
    EXPECT_EQ(done.error().code, Errc::invalid_argument);
    EXPECT_TRUE(batch.output(0).empty());
    EXPECT_EQ(batch.fields(), 0U);
  }
}

TEST_F(ABatch, MayBeUsedAgainForAnySize) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc doc = patient();
  const Doc plain = bson("{'name': 'nothing to do'}");
  const Doc sealed = encrypted(doc);
  Batch batch;
  for (const std::size_t n : {1U, 100U, 3U, 0U, 7U}) {
    batch.clear();
    for (std::size_t i = 0; i < n; ++i) batch.add(i % 2 == 0 ? doc : plain);
    ASSERT_TRUE(cipher.encrypt(batch)) << n;
    EXPECT_EQ(batch.fields(), 4 * ((n + 1) / 2));
    for (std::size_t i = 1; i < n; i += 2) EXPECT_EQ(batch.output(i).data(), plain.data());
    batch.clear();
    EXPECT_EQ(batch.size(), 0U);
    for (std::size_t i = 0; i < n; ++i) batch.add(i % 2 == 0 ? sealed : plain);
    ASSERT_TRUE(cipher.decrypt(batch)) << n;
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(copy(batch.output(i)), i % 2 == 0 ? doc : plain);
  }
}

TEST_F(ABatch, TakesAllKeysFromTheVaultInOneQueryAndOnlyOnce) {
  std::string properties;
  std::string fields;
  for (int i = 0; i < 20; ++i) {
    const std::string name = (i == 0 ? "'f" : ", 'f") + std::to_string(i) + "': ";
    properties += name + "{'encrypt': {'keyId': " + key_json(world.new_key()) +
                  ", 'algorithm': " + kRand + "}}";
    fields += name + std::to_string(i);
  }
  world.new_key({"by name"});
  const auto p = plan("{'bsonType': 'object', 'properties': {" + properties +
                      ", 'p': {'encrypt': {'keyId': '/k', 'algorithm': " + kRand + "}}}}");
  const Doc doc = bson("{" + fields + ", 'k': 'by name', 'p': 1}");
  auto vault = std::make_shared<CountingVault>(world.vault());
  auto providers = std::make_shared<kms::Providers>();
  ASSERT_TRUE(providers->add_local("local", std::vector<std::uint8_t>(96, 0x5a)));
  const DocumentCipher cipher(p, std::make_shared<kms::KeyRing>(vault, providers));
  Batch batch;
  for (int i = 0; i < 50; ++i) batch.add(doc);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(batch.fields(), 50U * 21);
  EXPECT_EQ(vault->n_queries, 1);
  const Doc sealed = copy(batch.output(49));
  batch.clear();
  batch.add(sealed);
  ASSERT_TRUE(cipher.decrypt(batch));
  EXPECT_EQ(copy(batch.output(0)), doc);
  EXPECT_EQ(vault->n_queries, 1) << "the cache has them";
}

TEST_F(ABatch, WipesDecryptedDocumentsOnClearAndOnTheNextCall) {
  const DocumentCipher cipher(nullptr, ring);
  const Doc sealed = encrypted(patient());
  for (const bool by_clear : {true, false}) {
    Batch batch;
    batch.add(sealed);
    ASSERT_TRUE(cipher.decrypt(batch));
    const Bytes result = batch.output(0);
    ASSERT_TRUE(contains(result, "canary"));
    // The batch keeps the memory, so it can be looked at.
    if (by_clear) {
      batch.clear();
    } else {
      Doc forged = sealed;
      forged[forged.size() - 40] = static_cast<std::uint8_t>(forged[forged.size() - 40] ^ 1);
      batch.add(forged);
      ASSERT_FALSE(cipher.decrypt(batch));
    }
    EXPECT_EQ(copy(result), Doc(result.size(), 0));
  }
}

TEST_F(ABatch, HoldsNoPlaintextOfTheOtherFieldsWhenOneIsForged) {
  Doc forged = encrypted(patient());
  forged[forged.size() - 40] = static_cast<std::uint8_t>(forged[forged.size() - 40] ^ 1);
  Batch batch;
  batch.add(forged);
  ASSERT_FALSE(DocumentCipher(nullptr, ring).decrypt(batch));
  EXPECT_TRUE(client::BatchState::of(batch).fields.plaintext().empty())
      << "clear() wipes what it drops";
  EXPECT_EQ(client::BatchState::of(batch).n_output, 0U);
}

TEST_F(ABatch, NamesTheDocumentThatIsNotBson) {
  const Doc good = patient();
  Doc cut = good;
  cut.pop_back();
  const Doc good_length_only(good.begin(), good.begin() + 4);
  for (const Doc* bad : {&std::as_const(cut), &good_length_only}) {
    for (const bool encrypting : {true, false}) {
      const DocumentCipher cipher(patients(key), ring);
      Batch batch;
      batch.add(good);
      batch.add(*bad);
      const Done done = encrypting ? cipher.encrypt(batch) : cipher.decrypt(batch);
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().code, Errc::malformed_bson);
      EXPECT_EQ(done.error().document, 2U);
      EXPECT_TRUE(batch.output(0).empty());
    }
  }
}

}  // namespace
// ---- Counts

TEST_F(ABatch, CountsFieldsByLeafAndByPath) {
  const auto schema = patients(key);
  const DocumentCipher cipher(schema, ring);
  const Doc doc = patient();
  const Doc plain = bson("{'name': 'nothing to do'}");
  Batch batch;
  std::vector<std::uint64_t> leaves(schema->leaves().size());
  for (int round = 0; round < 2; ++round) {
    batch.clear();
    batch.add(doc);
    batch.add(plain);
    batch.add(doc);
    ASSERT_TRUE(cipher.encrypt(batch));
    batch.count_leaves(leaves);
  }
  EXPECT_EQ(leaves, std::vector<std::uint64_t>(schema->leaves().size(), 4));

  const Doc sealed = encrypted(doc);
  bson::PathTable paths;
  std::vector<client::PathCount> counts;
  batch.clear();
  batch.add(sealed);
  batch.add(plain);
  batch.add(sealed);
  ASSERT_TRUE(cipher.decrypt(batch));
  batch.count_paths(paths, counts);
  std::map<std::string, std::uint64_t> by_path;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    EXPECT_EQ(counts[id].left, 0U);
    if (counts[id].decrypted != 0)
      by_path[paths.text(static_cast<bson::PathTable::Id>(id))] = counts[id].decrypted;
  }
  std::map<std::string, std::uint64_t> expected;
  for (const schema::Leaf& leaf : schema->leaves()) expected[leaf.path] = 2;
  EXPECT_EQ(by_path, expected);
}

TEST_F(ABatch, CountsNothingOfAFailedCall) {
  const DocumentCipher cipher(patients(key), ring);
  const Doc good = patient();
  const Doc bad = bson("{'ssn': 'text'}");
  Batch batch;
  batch.add(good);
  batch.add(bad);
  ASSERT_FALSE(cipher.encrypt(batch));
  std::vector<std::uint64_t> leaves;
  batch.count_leaves(leaves);
  EXPECT_TRUE(leaves.empty());
  EXPECT_TRUE(batch.left_alone().path.empty());
}

TEST_F(ABatch, TellsOfCiphertextThatItLeavesAlone) {
  const DocumentCipher cipher(patients(key), ring);
  const std::string foreign = "{'$binary': {'base64': 'BwAA', 'subType': '06'}}";
  const std::string ours = "{'$binary': {'base64': 'AQAA', 'subType': '06'}}";
  const Doc plain = bson("{'a': 1}");
  const Doc some = bson("{'b': {'c': " + ours + "}, 'd': " + foreign + ", 'e': " + foreign + "}");
  Batch batch;
  batch.add(plain);
  batch.add(some);
  ASSERT_TRUE(cipher.encrypt(batch));
  const client::LeftAlone left = batch.left_alone();
  EXPECT_EQ(left.ciphertexts, 1U);
  EXPECT_EQ(left.foreign, 2U);
  EXPECT_EQ(left.document, 1U);
  EXPECT_EQ(left.path, "b.c");
  batch.clear();
  batch.add(plain);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(batch.left_alone().ciphertexts, 0U);
}

}  // namespace fle::test
