#ifndef FLE_TESTS_SPEC_SCENE_H_
#define FLE_TESTS_SPEC_SCENE_H_

#include "fle/client/document_cipher.h"
#include "fle/payload.h"
#include "fle/schema/compile.h"
#include "spec_files.h"
#include "support/local_keys.h"

namespace fle::test {

inline std::vector<Buf> items_of(const std::optional<TypedValue>& array) {
  std::vector<Buf> out;
  if (!array) return out;
  for (auto& [name, value] : test::fields_of(array->bytes)) out.push_back(value.bytes);
  return out;
}

/// {"$$type": "binData"} in an expectation.
inline bool is_type_matcher(const TypedValue& v) {
  return v.type == bson::Type::object && find_value(v.bytes, {"$$type"}).has_value();
}

/// One test of one file: keys, schema and collection, as its driver would have them.
class Scene {
 public:
  Scene(const Buf& file, const Buf& test) : keys_(master_key(file, test), provider(file)) {
    const auto options = find_value(test, {"clientOptions", "autoEncryptOpts"}).value();
    bypass_ = find_value(options.bytes, {"bypassAutoEncryption"}).has_value();
    collection_ = items_of(find_value(file, {"data"}));
    const auto vault = find_value(options.bytes, {"keyVaultNamespace"});
    if (!vault || test::text_of(*vault) == "keyvault.datakeys") add_keys(file);
    if (auto local = find_value(options.bytes, {"schemaMap", "default.default"})) {
      compile(local->bytes, schema::Origin::local);
    } else if (auto remote = find_value(file, {"json_schema"})) {
      compile(remote->bytes, schema::Origin::remote);
    }
  }

  Outcome<Buf> insert(const Buf& document) {
    if (schema_failure_) return *schema_failure_;
    Outcome<Buf> out =
        bypass_ ? Outcome<Buf>(document) : run(document, &client::DocumentCipher::encrypt);
    if (out) collection_.push_back(*out);
    return out;
  }
  Outcome<Buf> decrypt(const Buf& document) const {
    return run(document, &client::DocumentCipher::decrypt);
  }
  [[nodiscard]] const std::vector<Buf>& collection() const { return collection_; }
  [[nodiscard]] std::shared_ptr<kms::KeyRing> ring() const { return keys_.ring(); }

  /// Actual documents against expected ones. Where the data key is not public, ciphertext is
  /// compared by header and length.
  void expect_match(const std::vector<Buf>& actual, const std::vector<Buf>& expected) const {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const auto have = test::fields_of(actual[i]);
      const auto want = without_unset(test::fields_of(expected[i]), actual[i]);
      ASSERT_EQ(have.size(), want.size()) << test::json_of(actual[i]);
      for (std::size_t k = 0; k < have.size(); ++k) {
        EXPECT_EQ(have[k].first, want[k].first);
        expect_value(have[k].second, want[k].second, have[k].first);
      }
    }
  }

 private:
  using Fields = std::vector<std::pair<std::string, TypedValue>>;

  /// {"$$unsetOrMatches": value}: the value where the field is there, else nothing.
  static Fields without_unset(Fields want, const Buf& have) {
    std::erase_if(want, [&have](auto& field) {
      auto& [name, value] = field;
      if (value.type != bson::Type::object) return false;
      const auto wanted = find_value(value.bytes, {"$$unsetOrMatches"});
      if (!wanted) return false;
      value = *wanted;
      return !find_value(have, {name});
    });
    return want;
  }

  static std::string provider(const Buf& file) {
    const auto id = find_value(file, {"key_vault_data", "0", "masterKey", "provider"});
    return id && test::text_of(*id).starts_with("local") ? test::text_of(*id) : "local";
  }
  static Buf master_key(const Buf& file, const Buf& test) {
    const auto key = find_value(
        test, {"clientOptions", "autoEncryptOpts", "kmsProviders", provider(file), "key"});
    if (!key) return test::from_base64(test::kLocalMasterKey);
    if (key->type == bson::Type::string) return test::from_base64(test::text_of(*key));
    return {key->bytes.begin() + 5, key->bytes.end()};
  }

  void add_keys(const Buf& file) {
    for (const Buf& document : items_of(find_value(file, {"key_vault_data"}))) {
      const auto key = LocalKeys::must(kms::parse_key_document(document));
      if (key.master_key.provider.starts_with("local")) {
        keys_.add_document(document);
        continue;
      }
      const bool public_key = key.master_key.provider == "aws";
      keys_.add(key.id, public_key ? test::from_base64(test::kAwsDataKey) : Buf(96, 0x77),
                key.alt_names);
      keys_are_public_ = keys_are_public_ && public_key;
    }
  }

  void compile(const Buf& schema, schema::Origin origin) {
    auto plan = schema::compile_bson(schema, origin);
    if (!plan) {
      schema_failure_ = plan.error();
      return;
    }
    plan_ = *plan;
  }

  Outcome<Buf> run(const Buf& document,
                   Done (client::DocumentCipher::*call)(client::Batch&) const) const {
    if (plan_ == nullptr && call == &client::DocumentCipher::encrypt) return document;
    const client::DocumentCipher cipher(plan_, keys_.ring());
    client::Batch batch;
    batch.add(document);
    FLE_CHECK((cipher.*call)(batch));
    return Buf(batch.output(0).begin(), batch.output(0).end());
  }

  void expect_value(const TypedValue& have, const TypedValue& want, const std::string& name) const {
    if (is_nested(want)) {
      ASSERT_EQ(have.type, want.type) << name;
      expect_match({have.bytes}, {want.bytes});
      return;
    }
    const auto payload = test::payload_of(have);
    if (is_type_matcher(want)) {
      const auto type = find_value(want.bytes, {"$$type"}).value();
      EXPECT_EQ(test::text_of(type), bson::alias(have.type)) << name;
      ASSERT_TRUE(payload) << name;
      EXPECT_EQ(payload->at(0), static_cast<std::uint8_t>(Algorithm::random)) << name;
      return;
    }
    const auto wanted_payload = test::payload_of(want);
    if (!wanted_payload || keys_are_public_) {
      EXPECT_EQ(have, want) << name;
      return;
    }
    ASSERT_TRUE(payload) << name;
    EXPECT_EQ(payload->size(), wanted_payload->size()) << name;
    EXPECT_TRUE(
        std::equal(payload->begin(), payload->begin() + kPayloadHeaderLen, wanted_payload->begin()))
        << name;
  }

  static bool is_nested(const TypedValue& v) {
    return (v.type == bson::Type::object && !is_type_matcher(v)) || v.type == bson::Type::array;
  }

  LocalKeys keys_;
  std::shared_ptr<const schema::Plan> plan_;
  std::optional<Failure> schema_failure_;
  std::vector<Buf> collection_;
  bool bypass_ = false;
  bool keys_are_public_ = true;
};

}  // namespace fle::test

#endif  // FLE_TESTS_SPEC_SCENE_H_
