// Partial decryption: what a reply looks like when some of its keys cannot be had.
#include <map>

#include "client/client_support.h"
#include "fle/bson/cursor.h"
#include "fle/bson_walk/path_table.h"
#include "fle/client/field_counters.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;
using client::KeptField;
using client::MissingKeys;

/// A vault that has lost keys, and counts how often it is asked.
class PoorVault : public kms::KeyVault {
 public:
  explicit PoorVault(std::shared_ptr<kms::KeyVault> v) : vault_(std::move(v)) {}
  Outcome<std::vector<kms::KeyDocument>> find(std::span<const KeyId> ids,
                                              std::span<const std::string> alt_names) override {
    ++n_queries;
    FLE_TRY(std::vector<kms::KeyDocument> docs, vault_->find(ids, alt_names));
    std::erase_if(docs, [this](const kms::KeyDocument& d) {
      return std::ranges::find(lost, d.id) != lost.end();
    });
    for (kms::KeyDocument& d : docs)
      if (d.id == damaged) d.key_material[20] = static_cast<std::uint8_t>(d.key_material[20] ^ 1);
    for (kms::KeyDocument& d : docs)
      if (d.id == elsewhere) d.master_key = kms::MasterKey::local("local:elsewhere");
    return docs;
  }
  Outcome<std::vector<kms::KeyDocument>> list() override { return vault_->list(); }
  Done insert(const kms::KeyDocument& key) override { return vault_->insert(key); }
  int n_queries = 0;
  std::vector<KeyId> lost;
  KeyId damaged;
  KeyId elsewhere;

 private:
  std::shared_ptr<kms::KeyVault> vault_;
};

struct MissingKey : ::testing::Test {
  MissingKey() {
    auto p = std::make_shared<kms::Providers>();
    if (!p->add_local("local", std::vector<std::uint8_t>(96, 0x5a)))
      throw std::runtime_error("add_local");
    providers = p;
  }
  /// A schema with field f0, f1, ... under each of `keys`, repeated `times` times.
  static std::shared_ptr<const schema::Plan> fields(const std::vector<KeyId>& keys, int times = 1) {
    std::string s = "{'bsonType': 'object', 'properties': {";
    int n = 0;
    for (int t = 0; t < times; ++t)
      for (const KeyId& key : keys) {
        s += (n == 0 ? "'f" : ", 'f") + std::to_string(n) +
             "': {'encrypt': {'keyId': " + key_json(key) + ", 'algorithm': " + kRand + "}}";
        ++n;
      }
    return plan(s + "}}");
  }
  static Doc values(int n) {
    std::string s = "{";
    for (int i = 0; i < n; ++i)
      s += (i == 0 ? "'f" : ", 'f") + std::to_string(i) + "': " + std::to_string(i);
    return bson(s + "}");
  }
  Doc encrypted(const Doc& doc, const std::shared_ptr<const schema::Plan>& p) {
    Batch batch;
    batch.add(doc);
    const Done done = DocumentCipher(p, world.ring()).encrypt(batch);
    if (!done) throw std::runtime_error(done.error().to_string());
    return copy(batch.output(0));
  }
  [[nodiscard]] DocumentCipher reader(MissingKeys missing) const {
    DocumentCipher::Options options;
    options.missing_keys = missing;
    return {nullptr, std::make_shared<kms::KeyRing>(vault, providers), options};
  }

  World world;
  std::shared_ptr<PoorVault> vault = std::make_shared<PoorVault>(world.vault());
  std::shared_ptr<const kms::Providers> providers;
};

void expect_says(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << text << "\nhas no " << part;
}

// Fields without a key have no job: however they lie, the others keep their numbers.
TEST_F(MissingKey, OfAnyFieldsLeavesTheOthersWhatTheyAre) {
  constexpr int kFields = 7;
  const KeyId there = world.new_key();
  const KeyId lost = world.new_key();
  for (unsigned mask = 0; mask < 1U << kFields; ++mask) {
    std::vector<KeyId> keys(kFields, there);
    for (unsigned f = 0; f < kFields; ++f)
      if ((mask >> f & 1) != 0) keys[f] = lost;
    const Doc sealed = encrypted(values(kFields), fields(keys));
    vault->lost = {lost};
    const DocumentCipher cipher = reader(MissingKeys::keep);
    Batch batch;
    batch.add(sealed);
    ASSERT_TRUE(cipher.decrypt(batch));
    bson::Cursor opened(batch.output(0));
    for (int f = 0; f < kFields; ++f) {
      ASSERT_TRUE(opened.next());
      const bool is_lost = (mask >> f & 1) != 0;
      ASSERT_EQ(opened.element().type, is_lost ? bson::Type::bin_data : bson::Type::int_);
      if (is_lost) continue;
      const Bytes value = bson::value_of(batch.output(0), opened.element());
      EXPECT_EQ(value[0], f) << mask;
    }
    // And each that does not open is named.
    bson::Cursor from(sealed);
    for (int f = 0; f < kFields; ++f) {
      ASSERT_TRUE(from.next());
      if ((mask >> f & 1) != 0) continue;
      Doc forged = sealed;
      std::uint8_t& byte = forged[from.element().value_offset + 40];
      byte = static_cast<std::uint8_t>(byte ^ 1);
      batch.clear();
      batch.add(forged);
      const Done done = cipher.decrypt(batch);
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().path, "f" + std::to_string(f)) << mask;
    }
  }
}

TEST_F(MissingKey, OfEveryKindStaysAloneAndIsReportedInFull) {
  const std::vector<KeyId> keys = {world.new_key(), world.new_key(),
                                   world.new_key({"of patient 7"}), world.new_key({"far away"})};
  const Doc sealed = encrypted(values(4), fields(keys));
  vault->lost = {keys[1]};
  vault->damaged = keys[2];
  vault->elsewhere = keys[3];
  const DocumentCipher cipher = reader(MissingKeys::keep);
  Batch batch;
  batch.add(sealed);
  const Done done = cipher.decrypt(batch);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(vault->n_queries, 1);
  EXPECT_EQ(batch.fields(), 1U);
  ASSERT_EQ(batch.kept().size(), 3U);

  bson::PathTable paths;
  std::vector<client::PathCount> counts;
  batch.count_paths(paths, counts);
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_path;
  for (std::size_t id = 2; id < counts.size(); ++id)
    by_path[paths.text(static_cast<bson::PathTable::Id>(id))] = {counts[id].decrypted,
                                                                 counts[id].left};
  EXPECT_EQ(by_path,
            (decltype(by_path){{"f0", {1, 0}}, {"f1", {0, 1}}, {"f2", {0, 1}}, {"f3", {0, 1}}}));

  const KeptField& lost = batch.kept()[0];
  EXPECT_EQ(lost.path, "f1");
  EXPECT_EQ(lost.key_id, keys[1]);
  EXPECT_EQ(lost.reason, Errc::key_not_found);
  EXPECT_EQ(lost.alt_name, "");
  expect_says(lost.message, {keys[1].to_string(), "not in the key vault", "backup"});

  const KeptField& damaged = batch.kept()[1];
  EXPECT_EQ(damaged.path, "f2");
  EXPECT_EQ(damaged.reason, Errc::key_unwrap_failed);
  EXPECT_EQ(damaged.alt_name, "of patient 7");
  EXPECT_EQ(damaged.provider, "local");
  expect_says(damaged.message, {keys[2].to_string(), "'of patient 7'", "KMS provider 'local'",
                                "the master key that wrapped it"});

  const KeptField& elsewhere = batch.kept()[2];
  EXPECT_EQ(elsewhere.path, "f3");
  EXPECT_EQ(elsewhere.reason, Errc::kms_not_configured);
  EXPECT_EQ(elsewhere.alt_name, "far away");
  EXPECT_EQ(elsewhere.provider, "local:elsewhere");
  expect_says(elsewhere.message, {"'local:elsewhere'", "add this provider"});
}

// Fields without a key are left out of the batch: what fails in it is counted without them.
TEST_F(MissingKey, DoesNotShiftTheNameOfAFieldThatWasForged) {
  const std::vector<KeyId> keys = {world.new_key(), world.new_key(), world.new_key(),
                                   world.new_key()};
  const Doc sealed = encrypted(values(4), fields(keys));
  const std::size_t element = (sealed.size() - 5) / 4;  // all are ints under names of two bytes
  vault->lost = {keys[0], keys[2]};
  for (const std::size_t forged : {1U, 3U}) {
    Doc changed = sealed;
    changed[4 + (forged + 1) * element - 1] ^= 1;  // the last byte of its tag
    Batch batch;
    batch.add(changed);
    const Done done = reader(MissingKeys::keep).decrypt(batch);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::auth_failed);
    EXPECT_EQ(done.error().path, "f" + std::to_string(forged));
  }
}

TEST_F(MissingKey, FailsTheReplyUnlessAskedToKeepAndNamesFieldKeyAndProvider) {
  const std::vector<KeyId> keys = {world.new_key(), world.new_key({"of patient 7"})};
  const Doc sealed = encrypted(values(2), fields(keys));
  vault->damaged = keys[1];
  Batch batch;
  batch.add(sealed);
  const Done done = reader(MissingKeys::fail).decrypt(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::key_unwrap_failed);
  EXPECT_EQ(done.error().path, "f1");
  EXPECT_EQ(done.error().document, 1U);
  expect_says(done.error().to_string(),
              {"field 'f1'", keys[1].to_string(), "'of patient 7'", "KMS provider 'local'"});
  EXPECT_EQ(vault->n_queries, 1);
  EXPECT_TRUE(batch.kept().empty());
  EXPECT_TRUE(batch.output(0).empty());
}

TEST_F(MissingKey, IsAskedForOnceForAllOfManyFieldsInOneDocument) {
  const std::vector<KeyId> keys = {world.new_key(), world.new_key()};
  constexpr int kTimes = 10'000;
  const Doc doc = values(2 * kTimes);
  const Doc sealed = encrypted(doc, fields(keys, kTimes));
  vault->lost = {keys[1]};
  const DocumentCipher cipher = reader(MissingKeys::keep);
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.add(sealed);
  // A walk of the document for each field would take longer than anybody waits for a test.
  ASSERT_TRUE(cipher.decrypt(batch));
  EXPECT_EQ(vault->n_queries, 1);
  ASSERT_EQ(batch.kept().size(), 3U * kTimes);
  EXPECT_EQ(batch.fields(), 3U * kTimes);
  EXPECT_EQ(batch.kept()[0].path, "f1");
  EXPECT_EQ(batch.kept()[2 * kTimes + 5].path, "f11");
  EXPECT_EQ(batch.kept()[2 * kTimes + 5].document, 2U);
}

TEST_F(MissingKey, ThatComesBackIsFoundByTheNextCall) {
  const KeyId key = world.new_key();
  const Doc doc = values(1);
  const Doc sealed = encrypted(doc, fields({key}));
  vault->lost = {key};
  const DocumentCipher cipher = reader(MissingKeys::keep);
  Batch batch;
  batch.add(sealed);
  ASSERT_TRUE(cipher.decrypt(batch));
  EXPECT_EQ(copy(batch.output(0)), sealed);
  vault->lost.clear();
  ASSERT_TRUE(cipher.decrypt(batch));
  EXPECT_EQ(copy(batch.output(0)), doc);
  EXPECT_TRUE(batch.kept().empty());
}

TEST_F(MissingKey, LeavesNoKeyInABatchThatIsDone) {
  const KeyId key = world.new_key();
  const auto ring = world.ring();
  const Doc doc = values(1);
  Batch batch;
  batch.add(doc);
  ASSERT_TRUE(DocumentCipher(fields({key}), ring).encrypt(batch));
  const std::weak_ptr<const kms::ResolvedKey> watch = *ring->by_id(key);
  ring->clear();
  EXPECT_TRUE(watch.expired()) << "the batch lives on, and is to hold no key";
}

TEST(FieldCounters, CountFieldsAndBytesOfCallsThatSucceed) {
  World world;
  const KeyId id = world.new_key();
  const auto ring = world.ring();
  const DocumentCipher cipher(patients(id), ring);
  const auto before = client::field_counters();
  const Doc doc = patient();
  Batch batch;
  batch.add(doc);
  ASSERT_TRUE(cipher.encrypt(batch));
  auto after = client::field_counters();
  EXPECT_EQ(after.deterministic_encrypted.fields - before.deterministic_encrypted.fields, 2U);
  EXPECT_EQ(after.deterministic_encrypted.bytes - before.deterministic_encrypted.bytes, 8U);
  EXPECT_EQ(after.random_encrypted.fields - before.random_encrypted.fields, 2U);
  const std::uint64_t bytes = after.random_encrypted.bytes - before.random_encrypted.bytes;
  EXPECT_GT(bytes, 4U + 10 + 1);

  const Doc sealed = copy(batch.output(0));
  Doc forged = sealed;
  forged[forged.size() - 40] = static_cast<std::uint8_t>(forged[forged.size() - 40] ^ 1);
  for (const Doc* d : {&std::as_const(forged), &sealed}) {
    Batch reading;
    reading.add(*d);
    EXPECT_EQ(cipher.decrypt(reading).has_value(), d == &sealed);
  }
  after = client::field_counters();
  EXPECT_EQ(after.deterministic_decrypted.fields - before.deterministic_decrypted.fields, 2U);
  EXPECT_EQ(after.deterministic_decrypted.bytes - before.deterministic_decrypted.bytes, 8U);
  EXPECT_EQ(after.random_decrypted.fields - before.random_decrypted.fields, 2U);
  EXPECT_EQ(after.random_decrypted.bytes - before.random_decrypted.bytes, bytes);

  const auto payload = client::encrypt_value(bson::Type::int_, Doc{1, 2, 3, 4}, Algorithm::random,
                                             **ring->by_id(id));
  ASSERT_TRUE(payload && client::decrypt_value(*payload, *ring));
  const auto last = client::field_counters();
  EXPECT_EQ(last.random_encrypted.fields - after.random_encrypted.fields, 1U);
  EXPECT_EQ(last.random_encrypted.bytes - after.random_encrypted.bytes, 4U);
  EXPECT_EQ(last.random_decrypted.bytes - after.random_decrypted.bytes, 4U);
}

}  // namespace
}  // namespace fle::test
