// Documents that cannot be done: what is told of them, and what becomes of the others.
#include <algorithm>
#include <set>

#include "client/client_support.h"
#include "fle/client/field_counters.h"

namespace fle::test {
namespace {

using client::Batch;
using client::DocumentCipher;
using client::EncryptedAlready;
using client::FaultyDocument;
using client::OnFaulty;
using Options = DocumentCipher::Options;

Options with(OnFaulty on_faulty) {
  Options o;
  o.on_faulty = on_faulty;
  o.encrypted_already = EncryptedAlready::keep;
  return o;
}

/// "0: ssn type_not_allowed, bloodType type_not_allowed": sorted, for their order is none.
std::vector<std::string> told(const Batch& batch) {
  std::vector<std::string> all;
  for (const FaultyDocument& f : batch.faulty()) {
    std::set<std::string> faults;
    for (const Failure& one : f.faults.first) {
      EXPECT_EQ(one.document, f.document + 1);
      faults.insert(one.path + " " + name(one.code));
    }
    std::string line = std::to_string(f.document) + ":";
    for (const std::string& one : faults) line += " " + one + ",";
    all.push_back(line);
  }
  return all;
}

struct Faulty : ::testing::Test {
  Outcome<std::vector<Doc>> run(const std::vector<Doc>& docs, const DocumentCipher& cipher,
                                Done (DocumentCipher::*what)(Batch&) const) {
    batch.clear();
    for (const Doc& d : docs) batch.add(d);
    FLE_CHECK((cipher.*what)(batch));
    std::vector<Doc> out;
    for (std::size_t i = 0; i < docs.size(); ++i) out.push_back(copy(batch.output(i)));
    return out;
  }
  Outcome<std::vector<Doc>> encrypt(const std::vector<Doc>& docs, OnFaulty on_faulty) {
    return run(docs, DocumentCipher(plan, ring, with(on_faulty)), &DocumentCipher::encrypt);
  }
  Outcome<std::vector<Doc>> decrypt(const std::vector<Doc>& docs, OnFaulty on_faulty) {
    return run(docs, DocumentCipher(nullptr, ring, with(on_faulty)), &DocumentCipher::decrypt);
  }
  /// A document whose `name` does not open.
  static Doc forged(Doc doc, const std::string& name) {
    const std::string key = "\x05" + name + '\0';
    const auto at = std::search(doc.begin(), doc.end(), key.begin(), key.end());
    *(at + static_cast<std::ptrdiff_t>(key.size()) + 45) ^= 1;
    return doc;
  }

  World world;
  KeyId key = world.new_key({"patients"});
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  std::shared_ptr<const schema::Plan> plan = patients(key);
  Batch batch;
};

TEST_F(Faulty, AreLeftOutWithEveryFaultAndTheOthersAreDone) {
  const Doc good = patient();
  const Doc two = bson("{'ssn': 'canary', 'bloodType': 5, 'insurance': 'canary'}");
  Doc malformed = patient();
  malformed[malformed.size() - 3] ^= 0x40;
  malformed[4] = 0x77;
  const auto out =
      encrypt({two, good, malformed, good, bson("{'ssn': null}")}, OnFaulty::leave_out);
  ASSERT_TRUE(out) << out.error().to_string();
  EXPECT_EQ(told(batch),
            (std::vector<std::string>{
                "0: bloodType type_not_allowed, insurance not_an_object, ssn type_not_allowed,",
                "2: _id malformed_bson,", "4: ssn type_not_allowed,"}));
  for (const FaultyDocument& f : batch.faulty())
    for (const Failure& one : f.faults.first)
      EXPECT_EQ(one.to_string().find("canary"), std::string::npos);
  for (const std::size_t i : {0U, 2U, 4U}) EXPECT_TRUE((*out)[i].empty()) << i;
  const auto back = decrypt({(*out)[1], (*out)[3]}, OnFaulty::fail);
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)[0], good);
  EXPECT_EQ((*back)[1], good);
  EXPECT_EQ(batch.fields(), 8U);
}

TEST_F(Faulty, CountsAreOfTheOthers) {
  const auto before = client::field_counters();
  ASSERT_TRUE(
      encrypt({patient(), bson("{'ssn': 'x', 'bloodType': 'y'}"), patient()}, OnFaulty::leave_out));
  std::vector<client::LeafCount> counts;
  batch.count_leaves(counts);
  std::uint64_t n = 0;
  for (const client::LeafCount& c : counts) n += c.encrypted;
  EXPECT_EQ(n, 8U);
  const auto after = client::field_counters();
  EXPECT_EQ(after.deterministic_encrypted.fields + after.random_encrypted.fields -
                before.deterministic_encrypted.fields - before.random_encrypted.fields,
            8U);
  // The same batch once more, without what was wrong.
  batch.clear();
  const Doc good = patient();
  batch.add(good);
  EXPECT_TRUE(DocumentCipher(plan, ring).encrypt(batch));
  EXPECT_TRUE(batch.faulty().empty());
}

TEST_F(Faulty, AllOfTheFirstIsToldWhereTheBatchFails) {
  const std::vector<Doc> docs{patient(), bson("{'ssn': 'x', 'bloodType': 5}"),
                              bson("{'bloodType': 7}")};
  const auto out = encrypt(docs, OnFaulty::explain);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().document, 2U);
  EXPECT_EQ(told(batch),
            (std::vector<std::string>{"1: bloodType type_not_allowed, ssn type_not_allowed,"}));
  ASSERT_FALSE(encrypt(docs, OnFaulty::fail));
  EXPECT_TRUE(batch.faulty().empty());
}

TEST_F(Faulty, OfDecryptionAreValuesThatDoNotOpenAndKeysThatAreNotThere) {
  const auto sealed = encrypt({patient(1), patient(2), patient(3)}, OnFaulty::fail);
  ASSERT_TRUE(sealed);
  Doc twice = forged(forged((*sealed)[1], "ssn"), "bloodType");
  Doc cut = bson("{'x': {'$binary': {'base64': 'AQAA', 'subType': '06'}}}");
  Doc foreign = (*sealed)[2];
  const auto at = std::search(foreign.begin(), foreign.end(), key.bytes.begin(), key.bytes.end());
  std::fill_n(at, 16, std::uint8_t{0x77});
  const auto out = decrypt({(*sealed)[0], twice, cut, foreign}, OnFaulty::leave_out);
  ASSERT_TRUE(out) << out.error().to_string();
  EXPECT_EQ((*out)[0], patient(1));
  EXPECT_EQ(told(batch),
            (std::vector<std::string>{"1: bloodType auth_failed, ssn auth_failed,",
                                      "2: x malformed_payload,", "3: ssn key_not_found,"}));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_TRUE((*out)[i].empty());
}

TEST_F(Faulty, OfReencryptionAreThoseOfBothWays) {
  const auto sealed = encrypt({patient(1), patient(2)}, OnFaulty::fail);
  ASSERT_TRUE(sealed);
  const auto fewer = test::plan(
      "{'bsonType': 'object', 'encryptMetadata': {'keyId': " + key_json(key) +
      ", 'algorithm': " + kRand +
      "}, 'properties': {'ssn': {'encrypt': {'bsonType': 'int'}}, 'name': {'encrypt': "
      "{'bsonType': 'int'}}, 'medicalRecords': {'encrypt': {'bsonType': 'array'}}, 'insurance': "
      "{'encrypt': {'bsonType': 'object'}}}}");
  const DocumentCipher cipher(fewer, ring, with(OnFaulty::leave_out));
  batch.clear();
  const Doc bad = forged((*sealed)[1], "medicalRecords");
  const Doc plain = bson("{'ssn': 5}");
  for (const Doc* d : {&(*sealed)[0], &bad, &plain}) batch.add(*d);
  const Done done = cipher.reencrypt(batch, {});
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(told(batch), (std::vector<std::string>{
                             "0: bloodType no_longer_encrypted, name type_not_allowed,",
                             "1: bloodType no_longer_encrypted, medicalRecords auth_failed, name "
                             "type_not_allowed,"}));
  const auto back = decrypt({copy(batch.output(2))}, OnFaulty::fail);
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)[0], plain);
}

TEST_F(Faulty, TroubleThatIsNotADocumentsFailsTheBatch) {
  // The plan's own key is missing: that says nothing about a document.
  const DocumentCipher keyless(plan, world.keyless_ring(), with(OnFaulty::leave_out));
  batch.clear();
  const Doc good = patient();
  batch.add(good);
  EXPECT_FALSE(keyless.encrypt(batch));
  EXPECT_TRUE(batch.faulty().empty());
  EXPECT_TRUE(batch.output(0).empty());
  // One that the document names is the document's.
  const auto by_name = test::plan(
      "{'bsonType': 'object', 'properties': {'ssn': {'encrypt': {'keyId': '/owner', 'algorithm': " +
      kRand + ", 'bsonType': 'int'}}}}");
  const auto out =
      run({bson("{'owner': 'patients', 'ssn': 1}"), bson("{'owner': 'nobody', 'ssn': 1}"),
           bson("{'ssn': 1}")},
          DocumentCipher(by_name, ring, with(OnFaulty::leave_out)), &DocumentCipher::encrypt);
  ASSERT_TRUE(out) << out.error().to_string();
  EXPECT_EQ(told(batch),
            (std::vector<std::string>{"1: ssn key_not_found,", "2: ssn unresolved_key_pointer,"}));
  EXPECT_FALSE((*out)[0].empty());
}

TEST_F(Faulty, EncryptedOtherwiseAndForgedValuesAreFaultsOfTheirDocument) {
  const auto sealed = encrypt({patient(1), patient(2)}, OnFaulty::fail);
  ASSERT_TRUE(sealed);
  const KeyId other = world.new_key();
  const auto elsewhere =
      run({patient(3)}, DocumentCipher(patients(other), ring), &DocumentCipher::encrypt);
  ASSERT_TRUE(elsewhere);
  const auto out = encrypt({(*sealed)[0], forged((*sealed)[1], "bloodType"), (*elsewhere)[0]},
                           OnFaulty::leave_out);
  ASSERT_TRUE(out) << out.error().to_string();
  EXPECT_EQ((*out)[0], (*sealed)[0]) << "kept";
  EXPECT_EQ(told(batch),
            (std::vector<std::string>{
                "1: bloodType auth_failed,",
                "2: bloodType already_encrypted, insurance.policyNumber already_encrypted, "
                "medicalRecords already_encrypted, ssn already_encrypted,"}));
}

TEST_F(Faulty, NullsAreKeptOrOmittedAndCounted) {
  const Doc doc = bson(
      "{'_id': 1, 'ssn': null, 'bloodType': 'A', 'insurance': {'policyNumber': "
      "null, 'x': 1}}");
  for (const bson::Nulls nulls : {bson::Nulls::keep, bson::Nulls::omit}) {
    Options o;
    o.limits.nulls = nulls;
    o.verify = true;
    const DocumentCipher cipher(plan, ring, o);
    const auto out = run({doc, patient()}, cipher, &DocumentCipher::encrypt);
    ASSERT_TRUE(out) << out.error().to_string();
    std::vector<client::LeafCount> counts;
    batch.count_leaves(counts);
    std::uint64_t n = 0;
    for (const client::LeafCount& c : counts) n += c.nulls;
    EXPECT_EQ(n, 2U);
    const auto back = decrypt(*out, OnFaulty::fail);
    ASSERT_TRUE(back);
    EXPECT_EQ((*back)[0], nulls == bson::Nulls::keep
                              ? doc
                              : bson("{'_id': 1, 'bloodType': 'A', 'insurance': {'x': 1}}"));
    batch.clear();
    batch.add(doc);
    ASSERT_TRUE(cipher.reencrypt(batch, {}));
    EXPECT_EQ(batch.output(0).size(), (*out)[0].size());
  }
}

}  // namespace
}  // namespace fle::test
