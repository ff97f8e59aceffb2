// Documents that come from another plan: DocumentCipher::reencrypt(), and encrypt() over documents
// that are encrypted in part.
#include "client/client_support.h"
#include "fle/bson_walk/path_table.h"
#include "fle/payload.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;
using client::EncryptedAlready;
using client::LeafCount;
using client::PathCount;
using Plan = std::shared_ptr<const schema::Plan>;

std::string leaf_json(const KeyId& key, const std::string& algorithm, const std::string& type) {
  return "{'encrypt': {'keyId': " + key_json(key) + ", 'algorithm': " + algorithm +
         ", 'bsonType': '" + type + "'}}";
}
Plan plan_of(const std::string& properties) {
  return plan("{'bsonType': 'object', 'properties': {" + properties + "}}");
}

/// The payload of a top-level field.
Doc payload_of(const Doc& doc, const char* name) {
  bson_t b;
  bson_iter_t it;
  const std::uint8_t* p = nullptr;
  std::uint32_t n = 0;
  bson_subtype_t subtype{};
  if (!bson_init_static(&b, doc.data(), doc.size()) || !bson_iter_init_find(&it, &b, name) ||
      !BSON_ITER_HOLDS_BINARY(&it))
    return {};
  bson_iter_binary(&it, &subtype, &n, &p);
  return {p, p + n};
}

struct PlanChange : ::testing::Test {
  Outcome<Doc> encrypted(const Doc& doc, const Plan& p,
                         EncryptedAlready already = EncryptedAlready::refuse) {
    DocumentCipher::Options options;
    options.encrypted_already = already;
    batch.clear();
    batch.add(doc);
    FLE_CHECK(DocumentCipher(p, ring, options).encrypt(batch));
    return copy(batch.output(0));
  }
  Outcome<Doc> reencrypted(const Doc& doc, const Plan& p, bool may_decrypt = false) {
    batch.clear();
    batch.add(doc);
    FLE_CHECK(DocumentCipher(p, ring).reencrypt(batch, {{}, may_decrypt}));
    return copy(batch.output(0));
  }
  Doc decrypted(const Doc& doc) {
    Batch b;
    b.add(doc);
    const Done done = DocumentCipher(nullptr, ring).decrypt(b);
    if (!done) throw std::runtime_error(done.error().to_string());
    return copy(b.output(0));
  }
  std::vector<LeafCount> leaves() const {
    std::vector<LeafCount> counts;
    batch.count_leaves(counts);
    return counts;
  }
  World world;
  KeyId key = world.new_key();
  KeyId other = world.new_key({"other"});
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  Batch batch;
};

TEST_F(PlanChange, MovesValuesToAnotherKeyAlgorithmAndSchema) {
  const Plan old =
      plan_of("'a': " + leaf_json(key, kDet, "int") + ", 'b': " + leaf_json(key, kRand, "string") +
              ", 'c': " + leaf_json(key, kRand, "string"));
  const Plan young = plan_of(
      "'a': " + leaf_json(other, kDet, "int") + ", 'b': " + leaf_json(key, kDet, "string") +
      ", 'c': " + leaf_json(key, kRand, "string") + ", 'd': " + leaf_json(key, kRand, "int"));
  const Doc doc = bson("{'_id': 1, 'a': 5, 'b': 'bee', 'c': 'see', 'd': 7, 'e': 'plain'}");
  const auto sealed = encrypted(doc, old);
  ASSERT_TRUE(sealed);
  const auto moved = reencrypted(*sealed, young);
  ASSERT_TRUE(moved) << moved.error().to_string();
  EXPECT_EQ(decrypted(*moved), doc);
  EXPECT_EQ(parse_payload(payload_of(*moved, "a"))->key_id, other);
  EXPECT_EQ(parse_payload(payload_of(*moved, "b"))->algorithm, Algorithm::deterministic);
  EXPECT_EQ(payload_of(*moved, "c"), payload_of(*sealed, "c")) << "kept, byte for byte";
  EXPECT_FALSE(payload_of(*moved, "d").empty());
  const auto counts = leaves();
  const auto at = [&](const std::string& path) {
    for (std::size_t i = 0; i < young->leaves().size(); ++i)
      if (young->leaves()[i].path == path) return counts.at(i);
    return LeafCount{};
  };
  EXPECT_EQ(at("a").reencrypted, 1U);
  EXPECT_EQ(at("b").reencrypted, 1U);
  EXPECT_EQ(at("c").kept, 1U);
  EXPECT_EQ(at("d").encrypted, 1U);
  // Again: nothing is left to do.
  EXPECT_EQ(*reencrypted(*moved, young), *moved);
}

TEST_F(PlanChange, WhatTheNewPlanLeavesInPlaintextIsRefusedUnlessAllowed) {
  const Plan old =
      plan_of("'a': " + leaf_json(key, kDet, "int") + ", 'o': " + leaf_json(key, kRand, "object"));
  const Plan young = plan_of(
      "'a': " + leaf_json(key, kDet, "int") +
      ", 'o': {'bsonType': 'object', 'properties': {'x': " + leaf_json(key, kDet, "int") + "}}");
  const Doc doc = bson("{'a': 5, 'o': {'x': 1, 'y': 2}}");
  const Doc sealed = *encrypted(doc, old);
  const auto refused = reencrypted(sealed, young);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::no_longer_encrypted);
  EXPECT_EQ(refused.error().path, "o");
  EXPECT_EQ(refused.error().document, 1U);
  EXPECT_TRUE(batch.output(0).empty());
  const auto allowed = reencrypted(sealed, young, true);
  ASSERT_TRUE(allowed) << allowed.error().to_string();
  EXPECT_EQ(decrypted(*allowed), doc);
  bson::PathTable paths;
  std::vector<PathCount> counts;
  batch.count_paths(paths, counts);
  std::string told;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i].decrypted != 0)
      told += paths.text(static_cast<bson::PathTable::Id>(i)) + std::to_string(counts[i].decrypted);
  EXPECT_EQ(told, "o1");
  // All of it at once.
  const Plan nothing = plan_of("'z': " + leaf_json(key, kDet, "int"));
  EXPECT_EQ(reencrypted(sealed, nothing).error().code, Errc::no_longer_encrypted);
  EXPECT_EQ(*reencrypted(sealed, nothing, true), doc);
}

TEST_F(PlanChange, ValuesMayBecomePartsOfALargerOne) {
  const Plan old =
      plan_of("'o': {'bsonType': 'object', 'properties': {'x': " + leaf_json(key, kDet, "int") +
              ", 'y': " + leaf_json(key, kDet, "int") + "}}");
  const Plan young = plan_of("'o': " + leaf_json(key, kRand, "object"));
  const Doc doc = bson("{'o': {'x': 1, 'y': 2, 'z': 3}, 'p': 4}");
  const auto moved = reencrypted(*encrypted(doc, old), young);
  ASSERT_TRUE(moved) << moved.error().to_string();
  EXPECT_FALSE(payload_of(*moved, "o").empty());
  EXPECT_EQ(decrypted(*moved), doc);
  ASSERT_EQ(leaves().size(), 1U);
  EXPECT_EQ(leaves()[0].encrypted, 1U);
}

TEST_F(PlanChange, AFlippedBitIsRefusedWhetherTheValueWouldStayOrNot) {
  const Plan old = plan_of("'a': " + leaf_json(key, kDet, "int"));
  const Plan young = plan_of("'a': " + leaf_json(other, kDet, "int"));
  const Doc sealed = *encrypted(bson("{'a': 5}"), old);
  const std::size_t payload = sealed.size() - 1 - payload_of(sealed, "a").size();
  for (std::size_t i = payload; i < sealed.size() - 1; ++i) {
    for (const unsigned bit : {0U, 7U}) {
      Doc forged = sealed;
      forged[i] = static_cast<std::uint8_t>(forged[i] ^ 1U << bit);
      EXPECT_FALSE(reencrypted(forged, young)) << i;
      EXPECT_FALSE(reencrypted(forged, old)) << i;
      EXPECT_FALSE(encrypted(forged, old, EncryptedAlready::keep)) << i;
    }
  }
}

TEST_F(PlanChange, NewPlansRefuseWhatTheyRefuseOfPlaintext) {
  const Doc sealed = *encrypted(bson("{'a': 5}"), plan_of("'a': " + leaf_json(key, kDet, "int")));
  const auto refused = reencrypted(sealed, plan_of("'a': " + leaf_json(key, kDet, "string")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::type_not_allowed);
  EXPECT_EQ(refused.error().path, "a");
  const Doc foreign = bson("{'a': {'$binary': {'base64': 'BwAA', 'subType': '06'}}}");
  EXPECT_EQ(reencrypted(foreign, plan_of("'a': " + leaf_json(key, kDet, "int"))).error().code,
            Errc::already_encrypted);
}

TEST_F(PlanChange, OldKeysMayBeInAnotherVault) {
  World elsewhere;
  const KeyId far = elsewhere.new_key();
  Batch b;
  const Doc doc = bson("{'a': 5}");
  b.add(doc);
  ASSERT_TRUE(
      DocumentCipher(plan_of("'a': " + leaf_json(far, kDet, "int")), elsewhere.ring()).encrypt(b));
  const Doc sealed = copy(b.output(0));
  const Plan young = plan_of("'a': " + leaf_json(key, kDet, "int"));
  EXPECT_EQ(reencrypted(sealed, young).error().code, Errc::key_not_found);
  b.clear();
  b.add(sealed);
  const Done moved = DocumentCipher(young, ring).reencrypt(b, {elsewhere.ring(), false});
  ASSERT_TRUE(moved) << moved.error().to_string();
  EXPECT_EQ(decrypted(copy(b.output(0))), doc);
}

TEST_F(PlanChange, ABatchGoesOnAfterAReencryption) {
  const Plan old = plan_of("'a': " + leaf_json(key, kDet, "int"));
  const Plan young = plan_of("'a': " + leaf_json(other, kDet, "int"));
  const Doc first = *encrypted(bson("{'a': 5}"), old);
  const Doc second = *encrypted(bson("{'x': 1, 'a': 6}"), old);
  batch.clear();
  batch.add(first);
  batch.add(second);
  ASSERT_TRUE(DocumentCipher(young, ring).reencrypt(batch, {}));
  const Doc moved = copy(batch.output(1));
  // The same documents once more, in another way.
  ASSERT_TRUE(DocumentCipher(nullptr, ring).decrypt(batch));
  EXPECT_EQ(copy(batch.output(1)), bson("{'x': 1, 'a': 6}"));
  ASSERT_TRUE(DocumentCipher(young, ring).reencrypt(batch, {}));
  EXPECT_EQ(copy(batch.output(1)), moved);
}

TEST_F(PlanChange, EncryptKeepsWhatThePlanWouldHaveMade) {
  const Plan p =
      plan_of("'a': " + leaf_json(key, kDet, "int") + ", 'b': " + leaf_json(key, kRand, "string"));
  const Doc sealed = *encrypted(bson("{'b': 'bee'}"), p);
  EXPECT_EQ(encrypted(sealed, p).error().code, Errc::already_encrypted) << "if it is not told to";
  bson_t b;
  ASSERT_TRUE(bson_init_static(&b, sealed.data(), sealed.size()));
  bson_t* mixed = bson_copy(&b);
  BSON_APPEND_INT32(mixed, "a", 5);
  const Doc doc(bson_get_data(mixed), bson_get_data(mixed) + mixed->len);
  bson_destroy(mixed);
  const auto done = encrypted(doc, p, EncryptedAlready::keep);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(payload_of(*done, "b"), payload_of(sealed, "b"));
  EXPECT_EQ(decrypted(*done), bson("{'b': 'bee', 'a': 5}"));
  std::size_t kept = 0;
  std::size_t fresh = 0;
  for (const LeafCount& c : leaves()) {
    kept += c.kept;
    fresh += c.encrypted;
  }
  EXPECT_EQ(kept, 1U);
  EXPECT_EQ(fresh, 1U);
}

TEST_F(PlanChange, EncryptReportsWhatAnotherPlanHasMade) {
  const Plan p = plan_of("'a': " + leaf_json(key, kDet, "int"));
  for (const Plan& old : {plan_of("'a': " + leaf_json(other, kDet, "int")),
                          plan_of("'a': " + leaf_json(key, kRand, "int")),
                          plan_of("'a': " + leaf_json(key, kDet, "long"))}) {
    const Doc doc =
        bson(old->leaves()[0].types.contains(bson::Type::long_) ? "{'a': {'$numberLong': '5'}}"
                                                                : "{'a': 5}");
    const auto refused = encrypted(*encrypted(doc, old), p, EncryptedAlready::keep);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::already_encrypted);
    EXPECT_EQ(refused.error().path, "a");
    EXPECT_NE(refused.error().message.find("otherwise than the schema says"), std::string::npos)
        << refused.error().message;
  }
  // Where the plan has no field, ciphertext is none of its business.
  const Doc elsewhere =
      *encrypted(bson("{'x': 5}"), plan_of("'x': " + leaf_json(key, kDet, "int")));
  EXPECT_EQ(*encrypted(elsewhere, p, EncryptedAlready::keep), elsewhere);
  EXPECT_EQ(batch.left_alone().ciphertexts, 1U);
}

}  // namespace
}  // namespace fle::test
