// Counts heap allocations and locks: a warm batch allocates nothing and takes no lock, however many
// fields it has and under however many keys.
#include <mutex>

#include "client/client_support.h"
#include "fle/batch.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/value_cipher.h"
#include "support/lock_counter.h"
#include "support/malloc_counter.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

struct Counts {
  long allocations = 0;
  long locks = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};
std::ostream& operator<<(std::ostream& out, const Counts& c) {
  return out << c.allocations << " allocations, " << c.locks << " locks";
}

/// What `work` costs.
template <class Work>
Counts counted(Work work) {
  const Counts before{n_allocations.load(), n_locks.load()};
  work();
  return {n_allocations.load() - before.allocations, n_locks.load() - before.locks};
}

/// Of one warm encryption and one warm decryption of a batch of `input`.
std::pair<Counts, Counts> warm(const DocumentCipher& cipher, const std::vector<Doc>& input) {
  Batch encrypting;
  Batch decrypting;
  std::vector<Doc> sealed(input.size());
  std::pair<Counts, Counts> counts;
  for (int round = 0; round < 4; ++round) {
    encrypting.clear();
    for (const Doc& doc : input) encrypting.add(doc);
    counts.first = counted([&] { EXPECT_TRUE(cipher.encrypt(encrypting)); });
    for (std::size_t i = 0; i < input.size(); ++i) sealed[i] = copy(encrypting.output(i));
    decrypting.clear();
    for (const Doc& doc : sealed) decrypting.add(doc);
    counts.second = counted([&] { EXPECT_TRUE(cipher.decrypt(decrypting)); });
  }
  for (std::size_t i = 0; i < input.size(); ++i) EXPECT_EQ(copy(decrypting.output(i)), input[i]);
  return counts;
}

/// One document with `fields` fields, each under the next of `n_keys` keys.
std::pair<Counts, Counts> warm_document(int fields, int n_keys) {
  World world;
  std::vector<KeyId> keys;
  for (int i = 0; i < n_keys; ++i) keys.push_back(world.new_key());
  std::string schema = "{'bsonType': 'object', 'properties': {";
  std::string doc = "{";
  for (int i = 0; i < fields; ++i) {
    const std::string name = (i == 0 ? "'f" : ", 'f") + std::to_string(i) + "': ";
    const KeyId& key = keys[static_cast<std::size_t>(i % n_keys)];
    schema += name + "{'encrypt': {'bsonType': 'string', 'keyId': " + key_json(key) +
              ", 'algorithm': " + (i % 2 == 0 ? kDet : kRand) + "}}";
    doc += name + "'a value that is longer than any small buffer'";
  }
  return warm(DocumentCipher(plan(schema + "}}"), world.ring()), {bson(doc + "}")});
}

/// Many documents, each under a key of its own that it names.
std::pair<Counts, Counts> warm_documents_with_own_keys(int n) {
  World world;
  std::vector<Doc> documents;
  for (int i = 0; i < n; ++i) {
    const std::string owner = "an alternate name that is not short, of owner " + std::to_string(i);
    world.new_key({owner});
    documents.push_back(bson("{'owner': '" + owner + "', 'secret': 'value'}"));
  }
  const auto p = plan(
      "{'bsonType': 'object', 'properties': {'secret': {'encrypt': {'bsonType': 'string', 'keyId': "
      "'/owner', 'algorithm': " +
      kRand + "}}}}");
  return warm(DocumentCipher(p, world.ring()), documents);
}

const std::pair<Counts, Counts> kNothing;

TEST(Allocations, AndLocksAreNoneForAValueInMemoryOfTheCaller) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  World world;
  const KeyId id = world.new_key();
  const auto ring = world.ring();
  const kms::KeyHandle key = *ring->by_id(id);
  const std::vector<std::uint8_t> value = {5, 0, 0, 0};
  std::vector<std::uint8_t> payload(payload_len(value.size()));
  std::vector<std::uint8_t> out(open_capacity(payload.size()));
  for (const Algorithm a : {Algorithm::deterministic, Algorithm::random}) {
    for (const bool warm : {false, true}) {
      const Counts cost = counted([&] {
        EXPECT_TRUE(client::encrypt_value(payload, bson::Type::int_, value, a, *key));
        EXPECT_TRUE(client::decrypt_value(out, payload, *ring));
      });
      if (warm) {
        EXPECT_EQ(cost, Counts{});
      }
    }
  }
}

TEST(Allocations, AndLocksAreNoneInAWarmBatchHoweverManyFieldsItHas) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  EXPECT_EQ(warm_document(1, 1), kNothing);
  EXPECT_EQ(warm_document(10, 1), kNothing);
  EXPECT_EQ(warm_document(1000, 1), kNothing);
}

TEST(Allocations, AndLocksAreNoneHoweverManyKeysItHas) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  EXPECT_EQ(warm_document(1000, 200), kNothing);
  EXPECT_EQ(warm_documents_with_own_keys(100), kNothing);
}

/// Of one warm encryption of a command on clinic.patients.
Counts warm_command(const Doc& command) {
  World world;
  client::AutoEncrypter::Options options;
  options.schema_map["clinic.patients"] = patients(world.new_key());
  const client::AutoEncrypter auto_encrypter(options, world.ring());
  client::Message message;
  Counts counts;
  for (int round = 0; round < 4; ++round)
    counts =
        counted([&] { EXPECT_TRUE(auto_encrypter.encrypt_command("clinic", command, message)); });
  EXPECT_GT(message.fields(), 0U);
  return counts;
}

std::string insert_of(int n_patients) {
  std::string command = "{'insert': 'patients', 'ordered': true, 'documents': [";
  for (int i = 0; i < n_patients; ++i) {
    command += (i == 0 ? "{" : ", {");
    command +=
        "'_id': 1, 'ssn': 2, 'bloodType': 'AB+', 'medicalRecords': [{'weight': 1}], "
        "'insurance': {'policyNumber': 7}}";
  }
  return command + "]}";
}

TEST(Allocations, AndLocksAreNoneInAWarmCommand) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  const Counts nothing;
  EXPECT_EQ(warm_command(bson(insert_of(1))), nothing);
  EXPECT_EQ(warm_command(bson(insert_of(1000))), nothing);
  EXPECT_EQ(warm_command(bson("{'find': 'patients', 'filter': {'ssn': 5, 'name': 'x'}}")), nothing);
  EXPECT_EQ(warm_command(bson("{'update': 'patients', 'updates': [{'q': {'ssn': 5}, 'u': {'$set': "
                              "{'ssn': 7, 'bloodType': 'AB-'}}}]}")),
            nothing);
}

TEST(Allocations, AreFewAndLocksNoneForAValueOfItsOwn) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  World world;
  const auto ring = world.ring();
  const auto key = *ring->by_id(world.new_key());
  const Doc value = {1, 2, 3, 4};
  Doc payload;
  for (int round = 0; round < 2; ++round) {
    const Counts sealing = counted([&] {
      payload = *client::encrypt_value(bson::Type::int_, value, Algorithm::deterministic, *key);
    });
    EXPECT_EQ(sealing, (Counts{1, 0})) << "the payload";
    const Counts opening = counted([&] { EXPECT_TRUE(client::decrypt_value(payload, *ring)); });
    EXPECT_EQ(opening, (Counts{2, 0})) << "scratch and the value";
  }
}

TEST(Allocations, AndLocksAreSeenWhereThereAreSome) {
  if (!kCountsAllocations || !kCountsLocks) GTEST_SKIP() << "a sanitizer owns malloc";
  std::mutex mutex;
  const Counts counts = counted([&] {
    const std::lock_guard lock(mutex);
    Doc grown(100);
    EXPECT_EQ(grown.size(), 100U);
  });
  EXPECT_EQ(counts, (Counts{1, 1}));
}

}  // namespace
}  // namespace fle::test
