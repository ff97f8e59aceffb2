#include "fle/client/client_encryption.h"

#include <algorithm>

#include "client/client_support.h"
#include "fle/bson/writer.h"
#include "fle/payload.h"

namespace fle::client {
namespace {

using test::bson;
using test::Doc;

class ClientEncryptionTest : public ::testing::Test {
 protected:
  ClientEncryptionTest() {
    auto providers = std::make_shared<kms::Providers>();
    if (!providers->add_local("local", Doc(96, 1)) ||
        !providers->add_local("local:two", Doc(96, 2)))
      throw std::runtime_error("add_local");
    vault_ = kms::make_memory_vault();
    client_ = std::make_unique<ClientEncryption>(vault_, providers);
    providers_ = providers;
  }
  KeyId new_key(std::vector<std::string> names = {}) {
    DataKeyOptions options;
    options.alt_names = std::move(names);
    return client_->create_data_key(kms::MasterKey::local(), options)->id;
  }
  /// The element `v` of a document, sealed.
  Doc seal(const std::string& json, const KeyIdOrAltName& key, Algorithm a = Algorithm::random) {
    const auto [type, value] = element(json);
    auto sealed = client_->encrypt(type, value, a, key);
    if (!sealed) throw std::runtime_error(sealed.error().to_string());
    return *sealed;
  }
  static std::pair<bson::Type, Doc> element(const std::string& json) {
    const Doc d = bson("{'v': " + json + "}");
    return {static_cast<bson::Type>(d[4]), Doc(d.begin() + 7, d.end() - 1)};
  }
  static KeyId key_of(Bytes payload) { return parse_payload(payload)->key_id; }

  std::shared_ptr<kms::KeyVault> vault_;
  std::shared_ptr<const kms::Providers> providers_;
  std::unique_ptr<ClientEncryption> client_;
};

TEST_F(ClientEncryptionTest, CreatesKeysUnderAnyConfiguredProvider) {
  DataKeyOptions options;
  options.alt_names = {"a", "b"};
  const auto key = client_->create_data_key(kms::MasterKey::local("local:two"), options);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(key->master_key.provider, "local:two");
  EXPECT_EQ(key->alt_names, options.alt_names);
  EXPECT_EQ(kms::to_bson(vault_->list()->front()), kms::to_bson(*key));
  EXPECT_EQ(client_->create_data_key(kms::MasterKey::local(), options).error().code,
            Errc::key_duplicate);
  EXPECT_EQ(client_->create_data_key(kms::MasterKey::local("local:three")).error().code,
            Errc::kms_not_configured);
  EXPECT_EQ(client_->create_data_key(kms::MasterKey::local("")).error().code,
            Errc::key_document_invalid);
  EXPECT_EQ(client_->create_data_key(kms::MasterKey::aws("r", "")).error().path, "masterKey.key");
  EXPECT_EQ(vault_->list()->size(), 1U);
}

TEST_F(ClientEncryptionTest, CustomKeyMaterialGivesTheSameDeterministicCiphertextElsewhere) {
  const Doc material(96, 0x42);
  DataKeyOptions options;
  options.key_material = material;
  const KeyId one = client_->create_data_key(kms::MasterKey::local(), options)->id;
  const KeyId two = client_->create_data_key(kms::MasterKey::local("local:two"), options)->id;
  const Doc a = seal("'x'", one, Algorithm::deterministic);
  const auto [type, value] = element("'x'");
  EXPECT_EQ(client_->encrypt(type, value, Algorithm::deterministic, two).error().code,
            Errc::key_duplicate)
      << "one client takes it under one id only";
  ClientEncryption elsewhere(vault_, providers_);
  const auto b = elsewhere.encrypt(type, value, Algorithm::deterministic, two);
  ASSERT_TRUE(b);
  ASSERT_EQ(a.size(), b->size());
  EXPECT_NE(a, *b) << "the id is authenticated, too";
  options.key_material = Bytes(material).first(95);
  EXPECT_EQ(client_->create_data_key(kms::MasterKey::local(), options).error().code,
            Errc::invalid_argument);
}

TEST_F(ClientEncryptionTest, KeepsKeysSealedWhateverHappensToThem) {
  kms::Providers sealing;
  ASSERT_TRUE(sealing.add_local("local", Doc(96, 1)));
  ASSERT_TRUE(sealing.set_seals({.key = nullptr, .required = true, .create = false}));
  const auto strict = std::make_shared<const kms::Providers>(std::move(sealing));
  ClientEncryption client(vault_, strict);
  const KeyId id = client.create_data_key(kms::MasterKey::local())->id;
  const auto value = element("'x'");
  const auto works = [&] {
    ClientEncryption fresh(vault_, strict);
    return fresh.encrypt(value.first, value.second, Algorithm::random, id).has_value();
  };
  EXPECT_TRUE(works());
  ASSERT_TRUE(client.add_key_alt_name(id, "n"));
  EXPECT_TRUE(works());
  ASSERT_TRUE(client.remove_key_alt_name(id, "n"));
  EXPECT_TRUE(works());
  EXPECT_EQ(client.rewrap_many_data_key({})->rewrapped.size(), 1U);
  EXPECT_TRUE(works());
  ASSERT_TRUE(vault_->add_alt_name(id, "by a driver"));
  EXPECT_FALSE(works());
}

TEST_F(ClientEncryptionTest, EncryptsByIdAndByNameAndDecrypts) {
  const KeyId id = new_key({"n"});
  const Doc by_id = seal("'canary'", id, Algorithm::deterministic);
  EXPECT_EQ(seal("'canary'", "n", Algorithm::deterministic), by_id);
  const auto opened = client_->decrypt(by_id);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->type, bson::Type::string);
  EXPECT_EQ(test::copy(opened->bytes.bytes()), element("'canary'").second);
  const auto [type, value] = element("1");
  EXPECT_EQ(client_->encrypt(type, value, Algorithm::random, "m").error().code,
            Errc::key_not_found);
  EXPECT_EQ(client_->encrypt(type, value, Algorithm::random, KeyId{}).error().code,
            Errc::key_not_found);
  Doc changed = by_id;
  changed.back() ^= 1;
  EXPECT_EQ(client_->decrypt(changed).error().code, Errc::auth_failed);
}

TEST_F(ClientEncryptionTest, EncryptsTypedValuesAndSaysWhatTheyAreNot) {
  const KeyId id = new_key({"n"});
  const bson::Value values[] = {241014209,
                                std::int64_t{5},
                                2.5,
                                true,
                                "canary",
                                bson::Date(std::chrono::milliseconds(7)),
                                bson::ObjectId{{1, 2}},
                                bson::Uuid{id.bytes},
                                bson::Decimal128{0x3040000000000000, 9},
                                bson::Value::binary(0, Doc{1, 2}),
                                *bson::Value::document(bson("{'a': 1}")),
                                *bson::Value::array(bson("{'0': 1}"))};
  for (const bson::Value& value : values) {
    SCOPED_TRACE(bson::alias(value.type()));
    const auto sealed = client_->encrypt(value, Algorithm::random, "n");
    ASSERT_TRUE(sealed) << sealed.error().to_string();
    EXPECT_TRUE(sealed->is_encrypted());
    const auto plain = client_->decrypt(*sealed);
    ASSERT_TRUE(plain) << plain.error().to_string();
    EXPECT_EQ(*plain, value);
  }
  // The bytes of the other interface.
  const auto sealed = client_->encrypt("canary", Algorithm::deterministic, id);
  EXPECT_EQ(Doc(sealed->as_binary()->bytes.begin(), sealed->as_binary()->bytes.end()),
            seal("'canary'", id, Algorithm::deterministic));
  EXPECT_EQ(client_->decrypt(*sealed)->as_int32().error().message, "the value is string, not int");
  // In a document it stands where the plaintext would.
  bson::Writer document;
  document.add("ssn", *sealed);
  const auto found = bson::find_value(document.finish(), "ssn");
  EXPECT_EQ(*client_->decrypt(*found), bson::Value("canary"));

  EXPECT_EQ(client_->encrypt({}, Algorithm::random, id).error().code, Errc::type_not_allowed);
  EXPECT_EQ(client_->encrypt(2.5, Algorithm::deterministic, id).error().code,
            Errc::type_not_allowed);
  EXPECT_EQ(client_->encrypt(*sealed, Algorithm::random, id).error().code, Errc::type_not_allowed);
  EXPECT_EQ(client_->decrypt(bson::Value("canary")).error().code, Errc::wrong_type);
  const auto generic = client_->decrypt(bson::Value::binary(0, Doc(82)));
  EXPECT_EQ(generic.error().to_string(),
            "wrong_type: the value is a binary of subtype 0, not an encrypted one (subtype 6)");
  EXPECT_EQ(client_->decrypt(bson::Value::binary(6, Doc(82))).error().code,
            Errc::malformed_payload);
}

TEST_F(ClientEncryptionTest, FindsKeysByIdAndNameOrSaysThatThereIsNone) {
  const KeyId id = new_key({"n"});
  new_key();
  EXPECT_EQ((*client_->get_key(id))->alt_names, std::vector<std::string>{"n"});
  EXPECT_EQ((*client_->get_key_by_alt_name("n"))->id, id);
  EXPECT_EQ(*client_->get_key(KeyId{}), std::nullopt);
  EXPECT_EQ(*client_->get_key_by_alt_name("m"), std::nullopt);
  EXPECT_EQ(client_->get_keys()->size(), 2U);
}

TEST_F(ClientEncryptionTest, AddsAndRemovesAlternateNamesAndForgetsWhatItCached) {
  const KeyId id = new_key();
  const KeyId other = new_key();
  EXPECT_TRUE((*client_->add_key_alt_name(id, "n"))->alt_names.empty());
  EXPECT_EQ(key_of(seal("1", "n")), id);
  EXPECT_EQ(client_->add_key_alt_name(other, "n").error().code, Errc::key_duplicate);
  EXPECT_EQ(client_->add_key_alt_name(id, "").error().code, Errc::invalid_argument);
  EXPECT_EQ((*client_->remove_key_alt_name(id, "n"))->alt_names, std::vector<std::string>{"n"});
  const auto [type, value] = element("1");
  EXPECT_EQ(client_->encrypt(type, value, Algorithm::random, "n").error().code,
            Errc::key_not_found);
  ASSERT_TRUE(client_->add_key_alt_name(other, "n"));
  EXPECT_EQ(key_of(seal("1", "n")), other);
  EXPECT_EQ(*client_->add_key_alt_name(KeyId{}, "x"), std::nullopt);
  EXPECT_EQ(*client_->remove_key_alt_name(KeyId{}, "x"), std::nullopt);
}

TEST_F(ClientEncryptionTest, ADeletedKeyDecryptsNothingMore) {
  const KeyId id = new_key();
  const Doc sealed = seal("1", id);
  ASSERT_TRUE(client_->decrypt(sealed));
  EXPECT_TRUE(*client_->delete_key(id));
  EXPECT_EQ(client_->decrypt(sealed).error().code, Errc::key_not_found);
  EXPECT_FALSE(*client_->delete_key(id));
}

TEST_F(ClientEncryptionTest, RewrappedKeysGoOnDecrypting) {
  const KeyId id = new_key();
  const Doc sealed = seal("'canary'", id);
  kms::RewrapOptions options;
  options.master_key = kms::MasterKey::local("local:two");
  ASSERT_EQ(client_->rewrap_many_data_key({}, options)->rewrapped, std::vector<KeyId>{id});
  EXPECT_EQ((*client_->get_key(id))->master_key.provider, "local:two");
  client_->keys()->clear();
  EXPECT_TRUE(client_->decrypt(sealed));
  // Whoever has the old master key alone is out.
  auto old = std::make_shared<kms::Providers>();
  ASSERT_TRUE(old->add_local("local", Doc(96, 1)));
  ClientEncryption outsider(vault_, old);
  EXPECT_EQ(outsider.decrypt(sealed).error().code, Errc::kms_not_configured);
}

// ---- Rotation of data

TEST_F(ClientEncryptionTest, ReencryptsPayloadsKeepingAlgorithmTypeAndValue) {
  const KeyId old1 = new_key();
  const KeyId old2 = new_key();
  const KeyId fresh = new_key({"fresh"});
  const Doc in[] = {seal("'canary'", old1, Algorithm::deterministic), seal("{'a': [1]}", old2),
                    seal("7", fresh), seal("true", old1)};
  const std::vector<Bytes> payloads(std::begin(in), std::end(in));
  const auto out = client_->reencrypt(payloads, "fresh");
  ASSERT_TRUE(out) << out.error().to_string();
  ASSERT_EQ(out->size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*out)[i].size(), in[i].size());
    EXPECT_EQ(key_of((*out)[i]), fresh);
    EXPECT_EQ((*out)[i][0], in[i][0]) << "algorithm";
    const auto before = client_->decrypt(in[i]);
    const auto after = client_->decrypt((*out)[i]);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->type, before->type);
    EXPECT_EQ(test::copy(after->bytes.bytes()), test::copy(before->bytes.bytes()));
  }
  EXPECT_EQ((*out)[0], seal("'canary'", fresh, Algorithm::deterministic));
  EXPECT_EQ((*out)[2], in[2]) << "what is under the new key already stays as it is";
  EXPECT_EQ(client_->reencrypt({}, fresh)->size(), 0U);
}

TEST_F(ClientEncryptionTest, ReencryptNamesThePayloadThatIsRefused) {
  const KeyId old = new_key();
  const KeyId fresh = new_key();
  const Doc good = seal("1", old);
  Doc changed = good;
  changed[40] ^= 1;
  const Doc cut(good.begin(), good.begin() + 10);
  const std::pair<Doc, Errc> bad[] = {{changed, Errc::auth_failed}, {cut, Errc::malformed_payload}};
  for (const auto& [payload, why] : bad) {
    const Bytes payloads[] = {good, payload};
    const auto refused = client_->reencrypt(payloads, fresh);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, why);
    EXPECT_EQ(refused.error().document, 2U);
  }
  const Bytes payloads[] = {good};
  EXPECT_EQ(client_->reencrypt(payloads, "nobody").error().code, Errc::key_not_found);
  ASSERT_TRUE(*client_->delete_key(old));
  EXPECT_EQ(client_->reencrypt(payloads, fresh).error().code, Errc::key_not_found);
}

class Documents : public ClientEncryptionTest {
 protected:
  Doc encrypt(const KeyId& key, int ssn) {
    const DocumentCipher cipher(test::patients(key), client_->keys());
    const Doc in = test::patient(ssn);
    Batch batch;
    batch.add(in);
    if (auto done = cipher.encrypt(batch); !done)
      throw std::runtime_error(done.error().to_string());
    return test::copy(batch.output(0));
  }
  Doc decrypt(const Doc& in) {
    const DocumentCipher cipher(nullptr, client_->keys());
    Batch batch;
    batch.add(in);
    if (auto done = cipher.decrypt(batch); !done)
      throw std::runtime_error(done.error().to_string());
    return test::copy(batch.output(0));
  }
};

TEST_F(Documents, AreReencryptedInPlaceAndTheOldKeyMayGo) {
  const KeyId old = new_key();
  const KeyId fresh = new_key();
  std::vector<Doc> docs;
  for (int i = 0; i < 20; ++i) docs.push_back(encrypt(old, i));
  docs.push_back(encrypt(fresh, 99));
  docs.push_back(bson("{'nothing': 'here'}"));
  const std::vector<Doc> before = docs;
  std::vector<MutBytes> spans(docs.begin(), docs.end());
  const auto n = client_->reencrypt_documents(spans, fresh);
  ASSERT_TRUE(n) << n.error().to_string();
  EXPECT_EQ(*n, 20U * 4U);
  EXPECT_EQ(docs[20], before[20]);
  EXPECT_EQ(docs[21], before[21]);
  ASSERT_TRUE(*client_->delete_key(old));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(decrypt(docs[static_cast<std::size_t>(i)]), test::patient(i));
  EXPECT_EQ(*client_->reencrypt_documents(spans, fresh), 0U) << "a second run finds nothing to do";
}

TEST_F(Documents, KeepFieldsUnderKeysThatAreNotMeant) {
  const KeyId old = new_key();
  const KeyId bystander = new_key();
  const KeyId fresh = new_key();
  Doc a = encrypt(old, 1);
  Doc b = encrypt(bystander, 2);
  const Doc b_before = b;
  const MutBytes spans[] = {b, a};
  const KeyId only[] = {old};
  EXPECT_EQ(*client_->reencrypt_documents(spans, fresh, only), 4U);
  EXPECT_EQ(b, b_before);
  ASSERT_TRUE(*client_->delete_key(old));
  EXPECT_EQ(decrypt(a), test::patient(1));
}

TEST_F(Documents, StayAsTheyAreWhenOneFieldOfOneOfThemDoesNotOpen) {
  const KeyId old = new_key();
  const KeyId fresh = new_key();
  Doc a = encrypt(old, 1);
  Doc b = encrypt(old, 2);
  b[b.size() - 60] ^= 1;  // in the last ciphertext
  const Doc a_before = a;
  const Doc b_before = b;
  const MutBytes spans[] = {a, b};
  const auto refused = client_->reencrypt_documents(spans, fresh);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::auth_failed);
  EXPECT_EQ(refused.error().document, 2U);
  EXPECT_EQ(refused.error().path, "insurance.policyNumber");
  EXPECT_EQ(refused.error().to_string().find("canary"), std::string::npos);
  EXPECT_EQ(a, a_before);
  EXPECT_EQ(b, b_before);
  b.pop_back();
  const MutBytes cut[] = {a, b};
  EXPECT_EQ(client_->reencrypt_documents(cut, fresh).error().code, Errc::malformed_bson);
  EXPECT_EQ(client_->reencrypt_documents(cut, fresh).error().document, 2U);
}

}  // namespace
}  // namespace fle::client
