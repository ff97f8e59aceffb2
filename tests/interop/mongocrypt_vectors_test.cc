// The known answers of vectors/libmongocrypt, made by running libmongocrypt (make_vectors.cc).
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "fle/batch.h"
#include "fle/client/value_cipher.h"
#include "support/bson_values.h"
#include "support/kat.h"
#include "support/local_keys.h"

namespace fle {
namespace {

using test::Buf;
using test::LocalKeys;

struct Vector {
  int line = 0;
  Buf key;
  KeyId key_id;
  bson::Type type{};
  Buf plaintext;
  Buf payload;                              // empty in refused.txt
  Algorithm algorithm = Algorithm::random;  // only refused.txt says
};

std::vector<Vector> load(const std::string& file) {
  std::vector<Vector> out;
  for (auto& c : test::load_kat("libmongocrypt/" + file)) {
    Vector v;
    v.line = c.line;
    v.key = c.bytes("key");
    v.key_id = KeyId::from(c.bytes("key_id")).value();
    v.type = static_cast<bson::Type>(c.byte("bson_type"));
    v.plaintext = c.bytes("plaintext");
    if (c.has("payload")) v.payload = c.bytes("payload");
    if (c.has("algorithm")) v.algorithm = static_cast<Algorithm>(c.byte("algorithm"));
    c.expect_all_used();
    out.push_back(std::move(v));
  }
  return out;
}

/// One key for each id in the file.
class Keys {
 public:
  explicit Keys(const std::vector<Vector>& vectors) : local_(Buf(DataKey::kLen, 0x5a)) {
    for (const Vector& v : vectors) {
      if (seen_.insert(v.key_id).second) local_.add(v.key_id, v.key);
    }
  }
  [[nodiscard]] kms::KeyRing& ring() const { return *local_.ring(); }
  [[nodiscard]] kms::KeyHandle get(const KeyId& id) const {
    return LocalKeys::must(local_.ring()->by_id(id));
  }

 private:
  LocalKeys local_;
  std::set<KeyId> seen_;
};

std::string what(const Vector& v) {
  return "line " + std::to_string(v.line) + ", " + std::string(bson::alias(v.type)) + ", " +
         std::to_string(v.plaintext.size()) + " bytes";
}

TEST(MongocryptVectors, CoverEveryTypeThatMayBeEncrypted) {
  for (const auto algorithm : {Algorithm::deterministic, Algorithm::random}) {
    std::set<bson::Type> seen;
    const bool deterministic = algorithm == Algorithm::deterministic;
    for (const Vector& v : load(deterministic ? "deterministic.txt" : "random.txt"))
      seen.insert(v.type);
    for (const bson::Type type : test::encryptable_types())
      EXPECT_EQ(seen.count(type) == 1, bson::encryptable(type, algorithm)) << bson::alias(type);
  }
}

TEST(MongocryptVectors, DeterministicValuesEncryptToTheSameBytes) {
  const auto vectors = load("deterministic.txt");
  const Keys keys(vectors);
  for (const Vector& v : vectors) {
    SCOPED_TRACE(what(v));
    const auto payload =
        client::encrypt_value(v.type, v.plaintext, Algorithm::deterministic, *keys.get(v.key_id));
    ASSERT_TRUE(payload) << payload.error().to_string();
    EXPECT_EQ(test::to_hex(*payload), test::to_hex(v.payload));
  }
}

TEST(MongocryptVectors, OneBatchOfAllLengthsAndKeysGivesTheSameBytes) {
  const auto vectors = load("deterministic.txt");
  const Keys keys(vectors);
  std::vector<kms::KeyHandle> handles;
  std::vector<Buf> out;
  std::vector<SealJob> jobs;
  for (const Vector& v : vectors) {
    handles.push_back(keys.get(v.key_id));
    out.emplace_back(payload_len(v.plaintext.size()));
    jobs.push_back({&handles.back()->key, v.key_id, Algorithm::deterministic,
                    static_cast<std::uint8_t>(v.type), v.plaintext, out.back()});
  }
  ASSERT_TRUE(seal_batch(jobs));
  for (std::size_t i = 0; i < vectors.size(); ++i)
    EXPECT_EQ(test::to_hex(out[i]), test::to_hex(vectors[i].payload)) << what(vectors[i]);
}

TEST(MongocryptVectors, EveryPayloadDecryptsToItsValue) {
  for (const char* file : {"deterministic.txt", "random.txt"}) {
    const auto vectors = load(file);
    const Keys keys(vectors);
    for (const Vector& v : vectors) {
      SCOPED_TRACE(file + (": " + what(v)));
      const auto value = client::decrypt_value(v.payload, keys.ring());
      ASSERT_TRUE(value) << value.error().to_string();
      EXPECT_EQ(value->type, v.type);
      const Bytes bytes = value->bytes.bytes();
      EXPECT_EQ(test::to_hex({bytes.begin(), bytes.end()}), test::to_hex(v.plaintext));
    }
  }
}

TEST(MongocryptVectors, RandomValuesEncryptToTheSameHeaderAndLengthUnderAnotherIv) {
  const auto vectors = load("random.txt");
  const Keys keys(vectors);
  for (const Vector& v : vectors) {
    SCOPED_TRACE(what(v));
    const auto ours =
        client::encrypt_value(v.type, v.plaintext, Algorithm::random, *keys.get(v.key_id));
    ASSERT_TRUE(ours) << ours.error().to_string();
    ASSERT_EQ(ours->size(), v.payload.size());
    EXPECT_TRUE(std::equal(ours->begin(), ours->begin() + kPayloadHeaderLen, v.payload.begin()));
    EXPECT_FALSE(std::equal(ours->begin() + kPayloadHeaderLen,
                            ours->begin() + kPayloadHeaderLen + kIvLen,
                            v.payload.begin() + kPayloadHeaderLen));
  }
}

TEST(MongocryptVectors, WhatLibmongocryptRefusesIsRefusedHere) {
  const auto vectors = load("refused.txt");
  const Keys keys(vectors);
  std::set<std::pair<bson::Type, Algorithm>> seen;
  for (const Vector& v : vectors) {
    SCOPED_TRACE(what(v));
    const auto payload =
        client::encrypt_value(v.type, v.plaintext, v.algorithm, *keys.get(v.key_id));
    ASSERT_FALSE(payload);
    EXPECT_EQ(payload.error().code, Errc::type_not_allowed);
    seen.insert({v.type, v.algorithm});
  }
  // Six types that are random only; four types, and binData for its subtype 6, that are neither.
  EXPECT_EQ(seen.size(), 6U + 2 * (4 + 1));
}

}  // namespace
}  // namespace fle
