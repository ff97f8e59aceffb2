// Counts heap allocations: a warm batch may allocate a little for each call, never for each field.
#include "client/client_support.h"
#include "support/malloc_counter.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

/// Allocations of one warm encryption and one warm decryption of a document with `fields` fields.
std::pair<long, long> warm_allocations(int fields) {
  World world;
  const KeyId key = world.new_key();
  const auto ring = world.ring();
  std::string schema = "{'bsonType': 'object', 'properties': {";
  std::string doc = "{";
  for (int i = 0; i < fields; ++i) {
    const std::string name = (i == 0 ? "'f" : ", 'f") + std::to_string(i) + "': ";
    schema += name + "{'encrypt': {'bsonType': 'string', 'keyId': " + key_json(key) +
              ", 'algorithm': " + kDet + "}}";
    doc += name + "'a value that is longer than any small buffer'";
  }
  const DocumentCipher cipher(plan(schema + "}}"), ring);
  const Doc input = bson(doc + "}");
  Batch encrypting;
  Batch decrypting;
  Doc sealed;
  long encrypt_count = 0;
  long decrypt_count = 0;
  for (int round = 0; round < 4; ++round) {
    encrypting.clear();
    encrypting.add(input);
    const long before = n_allocations.load();
    EXPECT_TRUE(cipher.encrypt(encrypting));
    encrypt_count = n_allocations.load() - before;
    sealed = copy(encrypting.output(0));
    decrypting.clear();
    decrypting.add(sealed);
    const long middle = n_allocations.load();
    EXPECT_TRUE(cipher.decrypt(decrypting));
    decrypt_count = n_allocations.load() - middle;
  }
  EXPECT_EQ(copy(decrypting.output(0)), input);
  return {encrypt_count, decrypt_count};
}

TEST(Allocations, DoNotGrowWithTheNumberOfFields) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const auto few = warm_allocations(10);
  const auto many = warm_allocations(1000);
  EXPECT_EQ(few, many);
  EXPECT_LE(many.first, 8);
  EXPECT_LE(many.second, 8);
}

}  // namespace
}  // namespace fle::test
