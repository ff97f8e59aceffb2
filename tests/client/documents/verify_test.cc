// DocumentCipher::Options::verify: what was made is opened again and compared.
#include "client/client_support.h"
#include "documents/batch_state.h"
#include "documents/verify_documents.h"

namespace fle::test {
namespace {

using client::Batch;
using client::BatchState;
using client::DocumentCipher;

struct Verify : ::testing::Test {
  Verify() {
    options.verify = true;
    options.encrypted_already = client::EncryptedAlready::keep;
  }
  World world;
  KeyId key = world.new_key({"patients"});
  std::shared_ptr<kms::KeyRing> ring = world.ring();
  std::shared_ptr<const schema::Plan> plan = patients(key);
  DocumentCipher::Options options;
};

TEST_F(Verify, PassesWhatIsRightInEveryDirection) {
  const DocumentCipher cipher(plan, ring, options);
  const std::vector<Doc> docs{patient(1), bson("{'x': [1, {'y': null}], 'ssn': 7}"), bson("{}"),
                              bson("{'bloodType': 'A', 'q': {'$binary': {'base64': 'BwAA', "
                                   "'subType': '06'}}}")};
  Batch batch;
  for (const Doc& d : docs) batch.add(d);
  ASSERT_TRUE(cipher.encrypt(batch));
  std::vector<Doc> sealed;
  for (std::size_t i = 0; i < docs.size(); ++i) sealed.push_back(copy(batch.output(i)));
  // Over what is encrypted in part, and decrypted.
  Doc mixed = sealed[0];
  batch.clear();
  batch.add(mixed);
  batch.add(docs[1]);
  ASSERT_TRUE(cipher.encrypt(batch));
  EXPECT_EQ(copy(batch.output(0)), mixed);
  batch.clear();
  for (const Doc& d : sealed) batch.add(d);
  ASSERT_TRUE(DocumentCipher(nullptr, ring, options).decrypt(batch));
  for (std::size_t i = 0; i < docs.size(); ++i) EXPECT_EQ(copy(batch.output(i)), docs[i]);
  // Under another key, and under the same.
  for (const KeyId& to : {world.new_key(), key}) {
    batch.clear();
    for (const Doc& d : sealed) batch.add(d);
    batch.add(docs[0]);
    const Done done = DocumentCipher(patients(to), ring, options).reencrypt(batch, {});
    EXPECT_TRUE(done) << done.error().to_string();
  }
  // With a key that is not there.
  options.missing_keys = client::MissingKeys::keep;
  batch.clear();
  batch.add(sealed[0]);
  ASSERT_TRUE(DocumentCipher(nullptr, world.keyless_ring(), options).decrypt(batch));
  EXPECT_EQ(batch.kept().size(), 4U);
}

/// Encrypts, changes the results, and verifies them.
Done verified(const Verify& v, const std::function<void(BatchState&)>& change) {
  BatchState s;
  static const Doc doc = patient();
  s.documents.resize(1);
  s.documents[0].input = doc;
  s.n_documents = 1;
  DocumentCipher::Options o;
  FLE_CHECK(client::encrypt_documents(s, *v.plan, v.ring.get(), o));
  change(s);
  return client::verify_encrypted(s, *v.plan, v.ring.get(), o.limits);
}

TEST_F(Verify, FindsEveryChangedByteOfAResult) {
  ASSERT_TRUE(verified(*this, [](BatchState&) {}));
  std::size_t size = 0;
  ASSERT_TRUE(verified(*this, [&size](BatchState& s) { size = s.documents[0].size; }));
  for (std::size_t at = 0; at < size; ++at) {
    const Done done =
        verified(*this, [at](BatchState& s) { s.output[s.documents[0].offset + at] ^= 1; });
    ASSERT_FALSE(done) << at;
    EXPECT_TRUE(done.error().code == Errc::verification_failed ||
                done.error().code == Errc::key_not_found)
        << at << " " << done.error().to_string();
    EXPECT_EQ(done.error().to_string().find("canary"), std::string::npos);
  }
}

TEST_F(Verify, FindsPlaintextLeftAndValuesOfAnotherField) {
  // The document as it came.
  const Done plain = verified(*this, [](BatchState& s) { s.documents[0].size = 0; });
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, Errc::verification_failed);
  EXPECT_EQ(plain.error().document, 1U);
  // A good ciphertext of another value, in the same place.
  const Done other = verified(*this, [this](BatchState& s) {
    BatchState t;
    static const Doc doc = patient(7);
    t.documents.resize(1);
    t.documents[0].input = doc;
    t.n_documents = 1;
    ASSERT_TRUE(client::encrypt_documents(t, *plan, ring.get(), {}));
    ASSERT_EQ(t.documents[0].size, s.documents[0].size);
    std::ranges::copy(t.output, s.output.begin());
  });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().path, "ssn");
  EXPECT_NE(other.error().message.find("opens to another value"), std::string::npos);
}

// Values are opened some thousands at once: none of them goes unseen.
TEST_F(Verify, FindsAnExchangedValueAmongThousands) {
  constexpr std::size_t kDocuments = 4'200;
  std::vector<Doc> docs;
  for (std::size_t i = 0; i < kDocuments; ++i)
    docs.push_back(bson("{'ssn': " + std::to_string(100 + i) + "}"));
  BatchState s;
  s.documents.resize(kDocuments);
  for (std::size_t i = 0; i < kDocuments; ++i) s.documents[i].input = docs[i];
  s.n_documents = kDocuments;
  ASSERT_TRUE(client::encrypt_documents(s, *plan, ring.get(), {}));
  ASSERT_TRUE(client::verify_encrypted(s, *plan, ring.get(), {}));
  for (const std::size_t i : {0U, 2'000U, 4'094U, 4'095U, 4'096U, 4'198U}) {
    std::swap(s.documents[i].offset, s.documents[i + 1].offset);
    const Done done = client::verify_encrypted(s, *plan, ring.get(), {});
    ASSERT_FALSE(done) << i;
    EXPECT_EQ(done.error().code, Errc::verification_failed);
    EXPECT_EQ(done.error().document, i + 1);
    std::swap(s.documents[i].offset, s.documents[i + 1].offset);
  }
}

// A value of more than 1 MiB is compared alone, in pieces.
TEST_F(Verify, FindsAChangedByteOfALongValue) {
  constexpr std::size_t kLen = (1 << 20) + 5'000;
  const Doc doc = bson("{'bloodType': '" + std::string(kLen, 'b') + "', 'ssn': 5}");
  const auto encrypt = [&](BatchState& s, const Doc& d) {
    s.documents.resize(1);
    s.documents[0].input = d;
    s.n_documents = 1;
    return client::encrypt_documents(s, *plan, ring.get(), options);
  };
  BatchState s;
  ASSERT_TRUE(encrypt(s, doc));
  const Doc sealed(s.output.begin(), s.output.begin() + std::ssize(s.output));
  const auto expect_found = [](const Done& done, const char* why) {
    ASSERT_FALSE(done) << why;
    EXPECT_EQ(done.error().code, Errc::verification_failed);
    EXPECT_EQ(done.error().path, "bloodType");
    EXPECT_NE(done.error().message.find(why), std::string::npos) << done.error().message;
  };
  for (const std::size_t at : {std::size_t{100}, kLen / 2, kLen - 1}) {
    s.output[at] ^= 1;
    expect_found(client::verify_encrypted(s, *plan, ring.get(), {}), "does not open");
    s.output[at] ^= 1;
  }
  ASSERT_TRUE(client::verify_encrypted(s, *plan, ring.get(), {}));
  // As long, and another value; and of another type: a symbol of the same bytes.
  Doc other = doc;
  const std::size_t value = 4 + sizeof "\x02" "bloodType" + 4;
  for (const std::size_t at : {std::size_t{0}, kLen / 2, kLen - 1}) {
    other[value + at] ^= 1;
    s.documents[0].input = other;
    expect_found(client::verify_encrypted(s, *plan, ring.get(), {}), "opens to another value");
    other[value + at] ^= 1;
  }
  other[4] = 0x0e;
  expect_found(client::verify_encrypted(s, *plan, ring.get(), {}), "opens to another value");
  // The way back.
  BatchState t;
  t.documents.resize(1);
  t.documents[0].input = sealed;
  t.n_documents = 1;
  ASSERT_TRUE(client::decrypt_documents(t, ring.get(), {}));
  ASSERT_TRUE(client::verify_decrypted(t, ring.get(), {}));
  t.output[value + kLen / 2] ^= 1;
  expect_found(client::verify_decrypted(t, ring.get(), {}), "opens to another value");
}

TEST_F(Verify, FindsAChangedByteOfADecryptedDocument) {
  Batch batch;
  const Doc doc = patient();
  batch.add(doc);
  ASSERT_TRUE(DocumentCipher(plan, ring).encrypt(batch));
  const Doc sealed = copy(batch.output(0));
  for (std::size_t at = 0; at < doc.size(); ++at) {
    BatchState s;
    s.documents.resize(1);
    s.documents[0].input = sealed;
    s.n_documents = 1;
    ASSERT_TRUE(client::decrypt_documents(s, ring.get(), {}));
    ASSERT_TRUE(client::verify_decrypted(s, ring.get(), {}));
    s.output[s.documents[0].offset + at] ^= 1;
    const Done done = client::verify_decrypted(s, ring.get(), {});
    ASSERT_FALSE(done) << at;
    EXPECT_EQ(done.error().code, Errc::verification_failed);
  }
}

}  // namespace
}  // namespace fle::test
