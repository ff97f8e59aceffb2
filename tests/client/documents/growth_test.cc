// Memory for encrypting and decrypting a document is in proportion to it.
#include "support/growth.h"

#include <functional>

#include "client/client_support.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

struct Case {
  const char* name;
  std::function<std::string(int n)> document;  // single quotes for double ones
  int n = 1000;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

/// Encrypted are ssn, and names with an x in front wherever they stand in objects named d.
std::string schema_json(const KeyId& key) {
  const std::string properties =
      "'patternProperties': {'^x': {'encrypt': {}}}, 'properties': {'ssn': {'encrypt': {}}";
  std::string schema = "{'bsonType': 'object', " + properties + "}}";
  for (int i = 0; i < 45; ++i)
    schema = "{'bsonType': 'object', " + properties + ", 'd': " + schema + "}}";
  return "{'encryptMetadata': {'keyId': " + key_json(key) + ", 'algorithm': " + kRand + "}, " +
         schema.substr(1);
}
std::string fields(int n, const std::string& prefix, const std::string& value) {
  return joined(n, [&](int i) { return "'" + prefix + std::to_string(i) + "': " + value; });
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"EncryptedFields", [](int n) { return "{" + fields(n, "x", "'value'") + "}"; }},
      {"PlainFields", [](int n) { return "{'ssn': 1, " + fields(n, "p", "'value'") + "}"; }},
      {"BothInTurn",
       [](int n) {
         return "{" +
                joined(n,
                       [](int i) {
                         return fields(1, "x" + std::to_string(i), "1") + ", " +
                                fields(1, "p" + std::to_string(i), "1");
                       }) +
                "}";
       }},
      {"DeepNesting", [](int n) { return times(n, "{'ssn': 1, 'd': ") + "{}" + times(n, "}"); },
       20},
      {"PlainDeepNesting",
       [](int n) { return "{'ssn': 1, 'p': " + times(n, "{'q': ") + "1" + times(n + 1, "}"); }, 40},
      {"FieldsDeepDown",
       [](int n) {
         return times(40, "{'d': ") + "{" + fields(n, "x", "1") + "}" + times(40, "}");
       }},
      {"LongNames",
       [](int n) {
         return "{" +
                joined(10,
                       [n](int i) {
                         return fields(1, "x" + times(n, "abcdefghij") + std::to_string(i), "1");
                       }) +
                "}";
       }},
      {"FieldsBelowALongName",
       [](int n) {
         return "{'ssn': 1, '" + times(n, "abcdefghij") + "': {" + fields(n, "x", "1") + "}}";
       }},
      {"LongValue", [](int n) { return "{'ssn': '" + times(n, "abcdefghij") + "'}"; }},
      {"PlainArray",
       [](int n) { return "{'ssn': 1, 'p': [" + joined(n, [](int) { return "1"; }) + "]}"; }},
      {"EncryptedArray",
       [](int n) { return "{'ssn': [" + joined(n, [](int) { return "1"; }) + "]}"; }},
      {"ArrayOfDocuments",
       [](int n) {
         return "{'ssn': 1, 'p': [" + joined(n, [](int) { return "{'ssn': 1, 'q': [1]}"; }) + "]}";
       }},
      {"ArraysInArrays",
       [](int n) {
         return "{'ssn': 1, 'p': [" +
                joined(n, [](int) { return times(20, "[") + "1" + times(20, "]"); }) + "]}";
       }},
  };
  return all;
}

class Growth : public ::testing::TestWithParam<Case> {
 protected:
  World world;
  std::shared_ptr<const schema::Plan> p = plan(schema_json(world.new_key()));
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  DocumentCipher cipher{p, ring};

  Doc sealed(const Doc& document) {
    Batch batch;
    batch.add(document);
    const Done done = cipher.encrypt(batch);
    EXPECT_TRUE(done) << done.error().to_string();
    EXPECT_GT(batch.fields(), 0U);
    return copy(batch.output(0));
  }
  Memory encryption_of(const Doc& document) {
    return memory_of(document.size(), [&] {
      Batch batch;
      batch.add(document);
      EXPECT_TRUE(cipher.encrypt(batch));
    });
  }
  Memory decryption_of(const Doc& document) {
    return memory_of(document.size(), [&] {
      Batch batch;
      batch.add(document);
      const Done done = cipher.decrypt(batch);
      EXPECT_TRUE(done) << done.error().to_string();
    });
  }
};

TEST_P(Growth, OfEncryptionIsThatOfTheDocument) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const Doc once = bson(GetParam().document(GetParam().n));
  const Doc twice = bson(GetParam().document(2 * GetParam().n));
  (void)sealed(once);  // What the first call sets up for good is not of the document.
  expect_in_proportion(encryption_of(once), encryption_of(twice), 100);
}

TEST_P(Growth, OfDecryptionIsThatOfTheDocument) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const Doc once = sealed(bson(GetParam().document(GetParam().n)));
  const Doc twice = sealed(bson(GetParam().document(2 * GetParam().n)));
  (void)decryption_of(once);
  expect_in_proportion(decryption_of(once), decryption_of(twice), 100);
}

INSTANTIATE_TEST_SUITE_P(OfMemory, Growth, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.name); });

}  // namespace
}  // namespace fle::test
