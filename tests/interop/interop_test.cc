// libfle and libmongocrypt in one process: what one writes, the other reads.
#include <algorithm>
#include <iostream>
#include <memory>

#include <gtest/gtest.h>

#include "fle/client/document_cipher.h"
#include "fle/client/value_cipher.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/seal.h"
#include "fle/payload.h"
#include "fle/schema/compile.h"
#include "random_documents.h"
#include "support/bson_values.h"
#include "support/kat.h"
#include "support/local_keys.h"
#include "support/mongocrypt_peer.h"

namespace fle {
namespace {

using test::Buf;
using test::CollectionShape;
using test::LocalKeys;
using test::MongocryptPeer;
using test::NamedKey;
using test::RandomDocument;
using test::TypedValue;

constexpr std::uint64_t kSeed = 1;
constexpr int kShapes = 300;
constexpr int kDocumentsPerShape = 6;

Buf to_buf(Bytes b) { return {b.begin(), b.end()}; }

/// Data keys of both makers, in both vaults.
class Interop : public ::testing::Test {
 protected:
  Interop() {
    for (int i = 0; i < 2; ++i) {
      const auto created = LocalKeys::must(kms::create_data_key(
          ours_.vault(), ours_.providers(), {.alt_names = {"ours" + std::to_string(i)}}));
      peer_.add_key(kms::to_bson(created));
      keys_.push_back({created.id, created.alt_names[0]});

      const Buf document = peer_.create_data_key({{"theirs" + std::to_string(i)}, {}});
      const auto read = ours_.add_document(document);
      peer_.add_key(document);
      keys_.push_back({read.id, read.alt_names.at(0)});
    }
  }

  [[nodiscard]] kms::KeyHandle key(std::size_t i) const {
    return LocalKeys::must(ours_.ring()->by_id(keys_[i].id));
  }
  [[nodiscard]] Buf encrypt_here(const TypedValue& v, Algorithm a, std::size_t key_index) const {
    return LocalKeys::must(client::encrypt_value(v.type, v.bytes, a, *key(key_index)));
  }
  [[nodiscard]] TypedValue decrypt_here(Bytes payload) const {
    const auto v = LocalKeys::must(client::decrypt_value(payload, *ours_.ring()));
    return {v.type, to_buf(v.bytes.bytes())};
  }

  static inline const Buf master_key_ = Buf(96, 0x17);
  LocalKeys ours_{master_key_};
  // The schema is only looked up: what is encrypted, the markings say.
  MongocryptPeer peer_{master_key_, test::bson_of(R"({"db.coll": {"bsonType": "object"}})")};
  std::vector<NamedKey> keys_;  // ours, theirs, ours, theirs
};

// ---- Explicit values

TEST_F(Interop, EveryTypeCrossesBothWaysUnderKeysOfBothMakers) {
  std::mt19937_64 rng(kSeed);
  for (const bson::Type type : test::encryptable_types()) {
    for (const auto algorithm : {Algorithm::deterministic, Algorithm::random}) {
      if (!bson::encryptable(type, algorithm)) continue;
      for (std::size_t i = 0; i < 40; ++i) {
        const TypedValue value = test::make_value(type, rng() % 300, rng);
        const std::size_t k = i % keys_.size();
        SCOPED_TRACE(std::string(bson::alias(type)) + ", seed 1, value " + std::to_string(i));
        const Buf here = encrypt_here(value, algorithm, k);
        const Buf there = peer_.encrypt_value(value, algorithm, keys_[k].id);
        EXPECT_EQ(peer_.decrypt_value(here), value);
        EXPECT_EQ(decrypt_here(there), value);
        EXPECT_EQ(here == there, algorithm == Algorithm::deterministic);
      }
    }
  }
}

TEST_F(Interop, OneChangedBitAnywhereIsRefusedByBoth) {
  const TypedValue value{bson::Type::int_, {1, 2, 3, 4}};
  const Buf good = encrypt_here(value, Algorithm::deterministic, 0);
  ASSERT_EQ(decrypt_here(good), value);
  // Byte 0 says what kind of payload it is; libmongocrypt passes over kinds it does not know.
  for (std::size_t i = 1; i < good.size(); ++i) {
    Buf bad = good;
    bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1U << (i % 8)));
    EXPECT_FALSE(client::decrypt_value(bad, *ours_.ring())) << "byte " << i;
    EXPECT_THROW((void)peer_.decrypt_value(bad), test::PeerError) << "byte " << i;
  }
}

// ---- Data keys

TEST_F(Interop, KeyMaterialGivenToLibmongocryptIsTheKeyUsedHere) {
  const Buf material(96, 0x42);
  const Buf document = peer_.create_data_key({{"custom"}, material});
  const auto read = ours_.add_document(document);
  LocalKeys direct(master_key_);
  direct.add(read.id, material);
  const TypedValue value{bson::Type::long_, Buf(8, 7)};
  const auto payload = [&](const kms::KeyHandle& k) {
    return LocalKeys::must(
        client::encrypt_value(value.type, value.bytes, Algorithm::deterministic, *k));
  };
  EXPECT_EQ(payload(LocalKeys::must(ours_.ring()->by_alt_name("custom"))),
            payload(LocalKeys::must(direct.ring()->by_id(read.id))));
}

TEST_F(Interop, KeyMaterialGivenHereIsTheKeyUsedInLibmongocrypt) {
  const Buf material(96, 0x43);
  const auto created = LocalKeys::must(
      kms::create_data_key(ours_.vault(), ours_.providers(), {.key_material = material}));
  peer_.add_key(kms::to_bson(created));
  MongocryptPeer other(master_key_);
  other.add_key(test::with_key_id(other.create_data_key({{}, material}), created.id));
  const TypedValue value{bson::Type::long_, Buf(8, 7)};
  EXPECT_EQ(peer_.encrypt_value(value, Algorithm::deterministic, created.id),
            other.encrypt_value(value, Algorithm::deterministic, created.id));
}

TEST_F(Interop, AKeyOfLibmongocryptIsWrittenBackByteForByte) {
  const Buf document = peer_.create_data_key({{"a", "b"}, {}});
  const auto read = kms::parse_key_document(document);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(test::json_of(kms::to_bson(*read)), test::json_of(document));
  EXPECT_EQ(kms::to_bson(*read), document);
}

TEST_F(Interop, SealedKeysOpenInLibmongocrypt) {
  // Ours, and one of theirs that is sealed here.
  kms::Providers sealing;
  LocalKeys::must(sealing.add_local("local", master_key_));
  LocalKeys::must(sealing.set_seals({.key = nullptr, .required = true, .create = true}));
  const auto vault = std::shared_ptr<kms::KeyVault>(kms::make_memory_vault());
  const auto made = LocalKeys::must(kms::create_data_key(*vault, sealing, {.alt_names = {"s"}}));
  const Buf theirs = peer_.create_data_key({{"t"}, {}});
  LocalKeys::must(vault->insert(LocalKeys::must(kms::parse_key_document(theirs))));
  ASSERT_EQ(LocalKeys::must(kms::seal_keys(*vault, sealing, {})).sealed.size(), 1U);
  const auto providers = std::make_shared<const kms::Providers>(std::move(sealing));
  kms::KeyRing ring(vault, providers);
  const TypedValue value{bson::Type::int_, {1, 2, 3, 4}};
  for (const kms::KeyDocument& key : LocalKeys::must(vault->list())) {
    ASSERT_FALSE(key.seal.empty());
    MongocryptPeer driver(master_key_);
    driver.add_key(kms::to_bson(key));
    const auto handle = LocalKeys::must(ring.by_id(key.id));
    EXPECT_EQ(driver.encrypt_value(value, Algorithm::deterministic, key.id),
              LocalKeys::must(client::encrypt_value(value.type, value.bytes,
                                                    Algorithm::deterministic, *handle)));
  }
}

TEST_F(Interop, AFieldOfItsOwnCouldNotHoldASeal) {
  bson_t b;
  const Buf document = peer_.create_data_key({{}, {}});
  ASSERT_TRUE(bson_init_static(&b, document.data(), document.size()));
  bson_t* const more = bson_copy(&b);
  bson_append_utf8(more, "seal", -1, "", 0);
  const Buf with_field(bson_get_data(more), bson_get_data(more) + more->len);
  bson_destroy(more);
  KeyId id = LocalKeys::must(kms::parse_key_document(document)).id;
  MongocryptPeer driver(master_key_);
  EXPECT_THROW(
      {
        driver.add_key(with_field);
        (void)driver.encrypt_value({bson::Type::int_, {1, 2, 3, 4}}, Algorithm::random, id);
      },
      test::PeerError);
  EXPECT_FALSE(kms::parse_key_document(with_field)) << "the same rule here";
}

TEST_F(Interop, AnotherMasterKeyOpensNeitherMakersKeys) {
  MongocryptPeer stranger(Buf(96, 0x18));
  LocalKeys other(Buf(96, 0x18));
  const TypedValue value{bson::Type::bool_, {1}};
  for (const auto& key : keys_) {
    const KeyId ids[] = {key.id};
    const auto found = LocalKeys::must(ours_.vault().find(ids, {}));
    stranger.add_key(kms::to_bson(found.at(0)));
    other.add_document(kms::to_bson(found.at(0)));
    EXPECT_THROW((void)stranger.encrypt_value(value, Algorithm::random, key.id), test::PeerError);
    const auto unwrapped = other.ring()->by_id(key.id);
    ASSERT_FALSE(unwrapped);
    EXPECT_EQ(unwrapped.error().code, Errc::key_unwrap_failed);
  }
}

// ---- Documents

/// Compares two encrypted forms of one document element by element: equal but for the payloads of
/// random fields, which may differ behind their headers. Counts what it compared.
struct Comparison {
  std::size_t n_deterministic = 0;
  std::size_t n_random = 0;

  void compare(const bson_t& a, const bson_t& b) {
    bson_iter_t i;
    bson_iter_t j;
    ASSERT_TRUE(bson_iter_init(&i, &a) && bson_iter_init(&j, &b));
    compare(i, j);
  }

 private:
  void compare(bson_iter_t& i, bson_iter_t& j) {
    while (bson_iter_next(&i)) {
      ASSERT_TRUE(bson_iter_next(&j));
      ASSERT_STREQ(bson_iter_key(&i), bson_iter_key(&j));
      ASSERT_EQ(bson_iter_type(&i), bson_iter_type(&j)) << bson_iter_key(&i);
      if (BSON_ITER_HOLDS_DOCUMENT(&i) || BSON_ITER_HOLDS_ARRAY(&i)) {
        bson_iter_t i_child;
        bson_iter_t j_child;
        ASSERT_TRUE(bson_iter_recurse(&i, &i_child) && bson_iter_recurse(&j, &j_child));
        compare(i_child, j_child);
      } else {
        compare_values(test::value_at(i), test::value_at(j), bson_iter_key(&i));
      }
    }
    ASSERT_FALSE(bson_iter_next(&j));
  }

  void compare_values(const TypedValue& a, const TypedValue& b, const char* key) {
    const auto p = test::payload_of(a);
    const auto q = test::payload_of(b);
    ASSERT_EQ(p.has_value(), q.has_value()) << key;
    if (!p || p->at(0) != static_cast<std::uint8_t>(Algorithm::random)) {
      n_deterministic += p.has_value();
      ASSERT_EQ(a.bytes, b.bytes) << key;
      return;
    }
    ++n_random;
    ASSERT_EQ(p->size(), q->size()) << key;
    ASSERT_TRUE(std::equal(p->begin(), p->begin() + kPayloadHeaderLen, q->begin())) << key;
    ASSERT_NE(*p, *q) << key;
  }
};

/// A random collection, its documents, and a cipher for it.
struct Collection {
  std::string schema;
  std::vector<RandomDocument> documents;
  std::size_t n_encrypted = 0;
  std::unique_ptr<client::DocumentCipher> cipher;

  Collection(const std::vector<NamedKey>& keys, const LocalKeys& ours, std::mt19937_64& rng) {
    const CollectionShape shape = test::make_shape(keys, rng);
    schema = test::schema_of(shape);
    for (int i = 0; i < kDocumentsPerShape; ++i) {
      documents.push_back(test::make_document(shape, rng));
      n_encrypted += documents.back().n_encrypted;
    }
    auto plan = LocalKeys::must(schema::compile_json(schema));
    cipher = std::make_unique<client::DocumentCipher>(std::move(plan), ours.ring());
  }
  [[nodiscard]] std::vector<Buf> all(Buf RandomDocument::*which) const {
    std::vector<Buf> out;
    for (const auto& d : documents) out.push_back(d.*which);
    return out;
  }
};

std::vector<Buf> encrypt_all(const Collection& c) {
  client::Batch batch;
  for (const auto& d : c.documents) batch.add(d.plain);
  LocalKeys::must(c.cipher->encrypt(batch));
  EXPECT_EQ(batch.fields(), c.n_encrypted);
  std::vector<Buf> out;
  for (std::size_t i = 0; i < batch.size(); ++i) out.push_back(to_buf(batch.output(i)));
  return out;
}

std::vector<Buf> decrypt_all(const Collection& c, const std::vector<Buf>& documents) {
  client::Batch batch;
  for (const auto& d : documents) batch.add(d);
  LocalKeys::must(c.cipher->decrypt(batch));
  EXPECT_EQ(batch.fields(), c.n_encrypted);
  std::vector<Buf> out;
  for (std::size_t i = 0; i < batch.size(); ++i) out.push_back(to_buf(batch.output(i)));
  return out;
}

TEST_F(Interop, RandomDocumentsCrossBothWays) {
  std::mt19937_64 rng(kSeed);
  Comparison compared;
  std::size_t n_encrypted = 0;
  for (int s = 0; s < kShapes; ++s) {
    const Collection c(keys_, ours_, rng);
    SCOPED_TRACE("seed 1, collection " + std::to_string(s) + ": " + c.schema);
    const std::vector<Buf> here = encrypt_all(c);
    const std::vector<Buf> there =
        peer_.encrypt_inserts(c.all(&RandomDocument::plain), c.all(&RandomDocument::marked));
    ASSERT_EQ(there.size(), c.documents.size());
    const std::vector<Buf> back = decrypt_all(c, there);
    for (std::size_t i = 0; i < c.documents.size(); ++i) {
      SCOPED_TRACE("document " + std::to_string(i));
      compared.compare(test::bson_view(here[i]), test::bson_view(there[i]));
      EXPECT_EQ(test::to_hex(peer_.decrypt_document(here[i])), test::to_hex(c.documents[i].plain));
      EXPECT_EQ(test::to_hex(back[i]), test::to_hex(c.documents[i].plain));
    }
    n_encrypted += c.n_encrypted;
    if (HasFailure()) break;
  }
  std::cout << "seed " << kSeed << ": " << compared.n_deterministic << " deterministic and "
            << compared.n_random << " random fields\n";
  EXPECT_EQ(compared.n_deterministic + compared.n_random, n_encrypted);
  EXPECT_GT(compared.n_deterministic, 1500U);
  EXPECT_GT(compared.n_random, 3000U);
}

}  // namespace
}  // namespace fle
