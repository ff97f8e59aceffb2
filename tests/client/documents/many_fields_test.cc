// One document of so many encrypted fields that they are opened and sealed some at a time.
#include "client/client_support.h"
#include "fle/client/field_counters.h"
#include "fle/payload.h"
#include "support/bson_values.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;

struct ManyFields : ::testing::Test {
  static constexpr int kFields = 9'000;  // more than twice 4,096

  /// Fields whose names begin with "f" under the one key, with "g" under the other.
  [[nodiscard]] static std::shared_ptr<const schema::Plan> fields_under(const KeyId& f,
                                                                        const KeyId& g) {
    const auto under = [](const char* names, const KeyId& id) {
      return std::string("'") + names + "': {'encrypt': {'keyId': " + key_json(id) +
             ", 'algorithm': " + kRand + "}}";
    };
    return plan("{'bsonType': 'object', 'patternProperties': {" + under("^f", f) + ", " +
                under("^g", g) + "}}");
  }
  [[nodiscard]] static std::string name(int i) {
    return (i % 1'000 == 999 ? "g" : "f") + std::to_string(i);
  }
  /// More than 1 MiB, with a value of a length of its own in every field.
  [[nodiscard]] static Doc document() {
    bson_t b = BSON_INITIALIZER;
    for (int i = 0; i < kFields; ++i) {
      const std::string value(static_cast<std::size_t>(100 + i % 37),
                              static_cast<char>('a' + i % 26));
      bson_append_utf8(&b, name(i).c_str(), -1, value.c_str(), -1);
    }
    Doc d(bson_get_data(&b), bson_get_data(&b) + b.len);
    bson_destroy(&b);
    return d;
  }
  [[nodiscard]] static Doc result_of(const Batch& batch) {
    const Bytes b = batch.output(0);
    return {b.begin(), b.end()};
  }
  /// Where the payload of a field ends.
  [[nodiscard]] static std::size_t end_of(Bytes sealed, const std::string& field) {
    const bson_t b = bson_view(sealed);
    bson_iter_t it;
    if (!bson_iter_init_find(&it, &b, field.c_str())) throw std::runtime_error("no " + field);
    return it.next_off;
  }

  World world;
  World other;
  KeyId key = world.new_key();
  KeyId lost = other.new_key();
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  Doc plain = document();
};

TEST_F(ManyFields, ComeBackAndAreCounted) {
  ASSERT_GT(plain.size(), std::size_t{1} << 20);
  DocumentCipher::Options options;
  options.verify = true;
  const DocumentCipher cipher(fields_under(key, key), ring, options);
  const auto before = client::field_counters();
  Batch batch;
  batch.add(plain);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(batch.fields(), std::size_t{kFields});
  const Doc sealed = result_of(batch);
  const auto encrypted = client::field_counters();
  EXPECT_EQ(encrypted.random_encrypted.fields - before.random_encrypted.fields, kFields);

  const KeyId next = world.new_key();
  Batch again;
  again.add(sealed);
  const Done moved = DocumentCipher(fields_under(next, next), ring, options).reencrypt(again, {});
  ASSERT_TRUE(moved) << moved.error().to_string();
  std::vector<client::LeafCount> leaves;
  again.count_leaves(leaves);
  EXPECT_EQ(leaves.at(0).reencrypted + leaves.at(1).reencrypted, kFields);
  const auto reencrypted = client::field_counters();
  EXPECT_EQ(reencrypted.random_encrypted.fields - encrypted.random_encrypted.fields, kFields);
  EXPECT_EQ(reencrypted.random_decrypted.fields - encrypted.random_decrypted.fields, kFields);
  EXPECT_EQ(reencrypted.random_decrypted.bytes - encrypted.random_decrypted.bytes,
            encrypted.random_encrypted.bytes - before.random_encrypted.bytes);

  Batch back;
  const Doc resealed = result_of(again);
  back.add(resealed);
  ASSERT_TRUE(DocumentCipher(nullptr, ring, options).decrypt(back));
  EXPECT_TRUE(result_of(back) == plain);
}

TEST_F(ManyFields, WithoutAKeyStayInTheMidstOfTheOthers) {
  Batch batch;
  batch.add(plain);
  ASSERT_TRUE(DocumentCipher(fields_under(key, key), ring).encrypt(batch));
  const Doc sealed = result_of(batch);
  // Those of another world are put in their places: one document has fields of both.
  Batch theirs;
  theirs.add(plain);
  ASSERT_TRUE(DocumentCipher(fields_under(lost, lost), other.ring()).encrypt(theirs));
  const Doc lost_sealed = result_of(theirs);
  Doc mixed = sealed;
  std::vector<std::string> names;
  for (int i = 999; i < kFields; i += 1'000) {
    names.push_back(name(i));
    const std::size_t end = end_of(sealed, names.back());
    const std::size_t size = payload_len(4 + 101 + static_cast<std::size_t>(i % 37));
    std::copy_n(lost_sealed.begin() + static_cast<std::ptrdiff_t>(end - size), size,
                mixed.begin() + static_cast<std::ptrdiff_t>(end - size));
  }
  DocumentCipher::Options options;
  options.verify = true;
  Batch refused;
  refused.add(mixed);
  const Done done = DocumentCipher(nullptr, ring, options).decrypt(refused);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().path, names.front());
  options.missing_keys = client::MissingKeys::keep;
  Batch some;
  some.add(mixed);
  ASSERT_TRUE(DocumentCipher(nullptr, ring, options).decrypt(some));
  ASSERT_EQ(some.kept().size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(some.kept()[i].path, names[i]);
  Batch rest;
  const Doc half = result_of(some);
  rest.add(half);
  ASSERT_TRUE(DocumentCipher(nullptr, other.ring(), options).decrypt(rest));
  EXPECT_TRUE(result_of(rest) == plain);
}

TEST_F(ManyFields, AreNamedWhereTheyDoNotOpen) {
  Batch batch;
  batch.add(plain);
  DocumentCipher::Options options;
  options.encrypted_already = client::EncryptedAlready::keep;
  const DocumentCipher cipher(fields_under(key, key), ring, options);
  ASSERT_TRUE(cipher.encrypt(batch));
  const Doc sealed = result_of(batch);
  Batch kept;
  kept.add(sealed);
  ASSERT_TRUE(cipher.encrypt(kept));
  EXPECT_TRUE(result_of(kept) == sealed);
  for (const int i : {0, 4'095, 4'096, 8'191, 8'192, kFields - 1}) {
    Doc forged = sealed;
    forged[end_of(sealed, name(i)) - 1] ^= 1;
    for (const int way : {0, 1, 2}) {
      Batch one;
      one.add(forged);
      const Done done = way == 0   ? cipher.decrypt(one)
                        : way == 1 ? cipher.reencrypt(one, {})
                                   : cipher.encrypt(one);
      ASSERT_FALSE(done) << i;
      EXPECT_EQ(done.error().code, Errc::auth_failed);
      EXPECT_EQ(done.error().path, name(i));
      EXPECT_TRUE(one.output(0).empty());
    }
  }
}

}  // namespace
}  // namespace fle::test
