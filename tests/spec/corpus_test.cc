// The CSFLE corpus: every BSON type, both algorithms, automatic and explicit, keys by id and by
// name (client-side-encryption/tests/README, "Corpus Test").
#include <map>

#include "fle/client/document_cipher.h"
#include "fle/client/value_cipher.h"
#include "fle/payload.h"
#include "fle/schema/compile.h"
#include "spec_files.h"
#include "support/kat.h"
#include "support/local_keys.h"

namespace fle {
namespace {

using test::Buf;
using test::LocalKeys;
using test::TypedValue;

constexpr const char* kProviders[] = {"local", "aws", "azure", "gcp", "kmip"};

/// One sub-document of the corpus.
struct Entry {
  std::string name;
  std::string kms;
  bool deterministic = false;
  bool automatic = false;
  bool by_name = false;
  bool allowed = false;
  TypedValue value;

  [[nodiscard]] bool local() const { return kms == "local"; }
  [[nodiscard]] Algorithm algorithm() const {
    return deterministic ? Algorithm::deterministic : Algorithm::random;
  }
};

std::vector<Entry> entries_of(Bytes corpus) {
  std::vector<Entry> out;
  for (const auto& [name, value] : test::fields_of(corpus)) {
    if (value.type != bson::Type::object) continue;  // _id and the alternate names
    std::map<std::string, TypedValue> f;
    for (auto& field : test::fields_of(value.bytes)) f.insert(field);
    out.push_back({name, test::text_of(f.at("kms")), test::text_of(f.at("algo")) == "det",
                   test::text_of(f.at("method")) == "auto",
                   test::text_of(f.at("identifier")) == "altname", f.at("allowed").bytes[0] == 1,
                   f.at("value")});
  }
  return out;
}

/// `corpus` with the values that `replace` gives in place of those it has.
template <class Replace>
Buf replace_values(Bytes corpus, Replace replace) {
  test::BsonDocument out;
  for (const auto& [name, value] : test::fields_of(corpus)) {
    if (value.type != bson::Type::object) {
      test::append_value(out.get(), name, value);
      continue;
    }
    test::BsonDocument inner;
    for (const auto& [key, v] : test::fields_of(value.bytes))
      test::append_value(inner.get(), key, key == "value" ? replace(name, v) : v);
    test::append_value(out.get(), name, {bson::Type::object, inner.bytes()});
  }
  return out.bytes();
}

class Corpus : public test::SpecTest {
 protected:
  void load() override {
    corpus_ = read_bson("corpus/corpus.json");
    encrypted_ = read_bson("corpus/corpus-encrypted.json");
    entries_ = entries_of(corpus_);
    keys_ = std::make_unique<LocalKeys>(test::from_base64(test::kLocalMasterKey));
    for (const std::string kms : kProviders) {
      const Buf document = read_bson("corpus/corpus-key-" + kms + ".json");
      if (kms == "local") {
        key_ids_[kms] = keys_->add_document(document).id;
        continue;
      }
      // Other providers hold their data keys back: another key under the same id and name shows
      // all but the bytes.
      const auto key = LocalKeys::must(kms::parse_key_document(document));
      const auto fill = static_cast<std::uint8_t>(0x33 + key_ids_.size());
      keys_->add(key.id, Buf(DataKey::kLen, fill), key.alt_names);
      key_ids_[kms] = key.id;
    }
  }

  [[nodiscard]] kms::KeyHandle key_of(const Entry& e) const {
    return LocalKeys::must(e.by_name ? keys_->ring()->by_alt_name(e.kms)
                                     : keys_->ring()->by_id(key_ids_.at(e.kms)));
  }
  [[nodiscard]] Outcome<Buf> encrypt_explicitly(const Entry& e) const {
    return client::encrypt_value(e.value.type, e.value.bytes, e.algorithm(), *key_of(e));
  }
  /// The payload that the specification lists for an entry.
  [[nodiscard]] Buf listed(const Entry& e) const {
    return test::payload_of(test::find_value(encrypted_, {e.name, "value"}).value()).value();
  }
  [[nodiscard]] client::DocumentCipher cipher(schema::Origin origin) const {
    return {LocalKeys::must(schema::compile_json(read("corpus/corpus-schema.json"), origin)),
            keys_->ring()};
  }
  /// The corpus with every explicit value that may be encrypted encrypted.
  [[nodiscard]] Buf with_explicit_values() const {
    std::map<std::string, TypedValue> values;
    for (const Entry& e : entries_) {
      if (e.automatic || !e.allowed) continue;
      values[e.name] = test::binary(6, LocalKeys::must(encrypt_explicitly(e)));
    }
    return replace_values(corpus_, [&](const std::string& name, const TypedValue& v) {
      const auto found = values.find(name);
      return found == values.end() ? v : found->second;
    });
  }

  /// Ours against the listed payload: for local keys, deterministic ones are the same bytes; for
  /// the rest, and for keys that are not public, header and length are.
  void expect_like_listed(const Entry& e, const Buf& ours) const {
    const Buf theirs = listed(e);
    if (e.local() && e.deterministic) {
      EXPECT_EQ(test::to_hex(ours), test::to_hex(theirs)) << e.name;
      return;
    }
    EXPECT_EQ(ours.size(), theirs.size()) << e.name;
    EXPECT_TRUE(std::equal(ours.begin(), ours.begin() + kPayloadHeaderLen, theirs.begin()))
        << e.name;
    EXPECT_NE(ours, theirs) << e.name;
  }

  Buf corpus_;
  Buf encrypted_;
  std::vector<Entry> entries_;
  std::unique_ptr<LocalKeys> keys_;
  std::map<std::string, KeyId> key_ids_;
};

TEST_F(Corpus, HasTheEntriesThatTheseTestsCountOn) {
  const auto count = [&](auto accept) {
    return std::count_if(entries_.begin(), entries_.end(), accept);
  };
  EXPECT_EQ(entries_.size(), 714U);
  EXPECT_EQ(count([](const Entry& e) { return e.local() && e.allowed; }), 142);
  EXPECT_EQ(count([](const Entry& e) { return e.local() && e.automatic; }), 48);
  EXPECT_EQ(count([](const Entry& e) { return e.local() && !e.allowed; }), 28);
  EXPECT_EQ(count([](const Entry& e) { return e.automatic && !e.allowed; }), 0);
}

TEST_F(Corpus, ExplicitValuesEncryptAsListed) {
  std::size_t n_local = 0;
  for (const Entry& e : entries_) {
    if (e.automatic || !e.allowed) continue;
    const auto payload = encrypt_explicitly(e);
    ASSERT_TRUE(payload) << e.name << ": " << payload.error().to_string();
    expect_like_listed(e, *payload);
    n_local += e.local();
  }
  EXPECT_EQ(n_local, 94U);
}

TEST_F(Corpus, ValuesThatAreNotAllowedAreRefused) {
  std::size_t n = 0;
  for (const Entry& e : entries_) {
    if (e.allowed) continue;
    const auto payload = encrypt_explicitly(e);
    ASSERT_FALSE(payload) << e.name;
    EXPECT_EQ(payload.error().code, Errc::type_not_allowed) << e.name;
    ++n;
  }
  EXPECT_EQ(n, 5U * 28);
}

TEST_F(Corpus, EveryListedLocalPayloadDecryptsToItsValue) {
  std::size_t n = 0;
  for (const Entry& e : entries_) {
    if (!e.local() || !e.allowed) continue;
    const auto value = client::decrypt_value(listed(e), *keys_->ring());
    ASSERT_TRUE(value) << e.name << ": " << value.error().to_string();
    const Bytes bytes = value->bytes.bytes();
    EXPECT_EQ((TypedValue{value->type, {bytes.begin(), bytes.end()}}), e.value) << e.name;
    ++n;
  }
  EXPECT_EQ(n, 142U);
}

TEST_F(Corpus, TheWholeDocumentEncryptsAsListedAndDecryptsToItself) {
  const Buf input = with_explicit_values();
  for (const auto origin : {schema::Origin::local, schema::Origin::remote}) {
    const auto c = cipher(origin);
    client::Batch batch;
    batch.add(input);
    LocalKeys::must(c.encrypt(batch));
    EXPECT_EQ(batch.fields(), 5U * 48);
    const Buf encrypted(batch.output(0).begin(), batch.output(0).end());
    for (const Entry& e : entries_) {
      if (!e.automatic) continue;
      const auto payload = test::payload_of(test::find_value(encrypted, {e.name, "value"}).value());
      ASSERT_TRUE(payload) << e.name;
      expect_like_listed(e, *payload);
    }
    batch.clear();
    batch.add(encrypted);
    LocalKeys::must(c.decrypt(batch));
    EXPECT_EQ(test::json_of(batch.output(0)), test::json_of(corpus_));
    EXPECT_EQ(Buf(batch.output(0).begin(), batch.output(0).end()), corpus_);
  }
}

TEST_F(Corpus, TheListedDocumentDecryptsWholeWhereTheKeysAreLocal) {
  test::BsonDocument plain;
  test::BsonDocument encrypted;
  for (const Entry& e : entries_) {
    if (!e.local()) continue;
    test::append_value(plain.get(), e.name, test::find_value(corpus_, {e.name}).value());
    test::append_value(encrypted.get(), e.name, test::find_value(encrypted_, {e.name}).value());
  }
  const Buf input = encrypted.bytes();
  const auto c = cipher(schema::Origin::local);
  client::Batch batch;
  batch.add(input);
  LocalKeys::must(c.decrypt(batch));
  EXPECT_EQ(batch.fields(), 142U);
  EXPECT_EQ(test::json_of(batch.output(0)), test::json_of(plain.bytes()));
}

TEST_F(Corpus, AutomaticFieldsRefuseValuesThatAreAlreadyEncrypted) {
  const auto c = cipher(schema::Origin::local);
  std::size_t n = 0;
  for (const Entry& e : entries_) {
    if (!e.automatic) continue;
    test::BsonDocument inner;
    test::append_value(inner.get(), "value", test::binary(6, listed(e)));
    test::BsonDocument d;
    test::append_value(d.get(), e.name, {bson::Type::object, inner.bytes()});
    const Buf input = d.bytes();
    client::Batch batch;
    batch.add(input);
    const auto done = c.encrypt(batch);
    ASSERT_FALSE(done) << e.name;
    EXPECT_EQ(done.error().code, Errc::already_encrypted) << done.error().to_string();
    ++n;
  }
  EXPECT_EQ(n, 5U * 48);
}

}  // namespace
}  // namespace fle
