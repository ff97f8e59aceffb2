// The specification's unified tests of single values, as far as their master keys are in them.
#include "fle/client/client_encryption.h"
#include "scene.h"

namespace fle {
namespace {

using test::Buf;
using test::find_value;
using test::items_of;
using test::TypedValue;

class Explicit : public test::SpecTest {
 protected:
  /// Runs every encrypt and decrypt of a file; returns how many there were.
  int run_file(const char* name) {
    const Buf file = read_bson(std::string("tests/unified/") + name + ".json");
    client::ClientEncryption client = client_of(file);
    int n = 0;
    for (const Buf& t : items_of(find_value(file, {"tests"})))
      for (const Buf& op : items_of(find_value(t, {"operations"}))) n += run(client, op) ? 1 : 0;
    return n;
  }

 private:
  static client::ClientEncryption client_of(const Buf& file) {
    auto providers = std::make_shared<kms::Providers>();
    for (const Buf& entity : items_of(find_value(file, {"createEntities"})))
      if (const auto configured =
              find_value(entity, {"clientEncryption", "clientEncryptionOpts", "kmsProviders"}))
        for (const auto& [id, options] : test::fields_of(configured->bytes)) {
          const auto key = find_value(options.bytes, {"key"}).value();
          test::LocalKeys::must(providers->add_local(id, test::from_base64(test::text_of(key))));
        }
    std::shared_ptr<kms::KeyVault> vault = kms::make_memory_vault();
    for (const Buf& data : items_of(find_value(file, {"initialData"})))
      for (const Buf& key : items_of(find_value(data, {"documents"})))
        test::LocalKeys::must(vault->insert(test::LocalKeys::must(kms::parse_key_document(key))));
    return {vault, providers};
  }

  static Buf sealed(client::ClientEncryption& client, const Buf& op, const TypedValue& value) {
    const std::string key =
        test::text_of(find_value(op, {"arguments", "opts", "keyAltName"}).value());
    const std::string algorithm =
        test::text_of(find_value(op, {"arguments", "opts", "algorithm"}).value());
    EXPECT_EQ(algorithm, "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic");
    return test::LocalKeys::must(
        client.encrypt(value.type, value.bytes, Algorithm::deterministic, key));
  }
  static TypedValue opened(client::ClientEncryption& client, const TypedValue& value) {
    const client::DecryptedValue plain =
        test::LocalKeys::must(client.decrypt(test::payload_of(value).value()));
    const Bytes bytes = plain.bytes.bytes();
    return {plain.type, {bytes.begin(), bytes.end()}};
  }

  static bool run(client::ClientEncryption& client, const Buf& op) {
    const std::string name = test::text_of(find_value(op, {"name"}).value());
    if (name != "encrypt" && name != "decrypt") return false;
    const TypedValue value = find_value(op, {"arguments", "value"}).value();
    const TypedValue expected = find_value(op, {"expectResult"}).value();
    if (name == "encrypt") {
      EXPECT_EQ(sealed(client, op, value), test::payload_of(expected));
    } else {
      EXPECT_EQ(opened(client, value), expected);
    }
    return true;
  }
};

TEST_F(Explicit, ValuesAreThoseOfTheSpecification) {
  EXPECT_EQ(run_file("namedKMS-explicit"), 2);
  // The clock between its two decryptions is in tests/kms/ring/key_cache_test.cc.
  EXPECT_EQ(run_file("keyCache"), 2);
}

}  // namespace
}  // namespace fle
