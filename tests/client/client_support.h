#ifndef FLE_TESTS_CLIENT_CLIENT_SUPPORT_H_
#define FLE_TESTS_CLIENT_CLIENT_SUPPORT_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "fle/client/document_cipher.h"
#include "fle/client/value_cipher.h"
#include "fle/kms/create_data_key.h"
#include "fle/schema/compile.h"

namespace fle::test {

using Doc = std::vector<std::uint8_t>;

/// Extended JSON -> BSON. Single quotes stand for double ones, to spare the tests escapes.
inline Doc bson(std::string json) {
  for (char& c : json) {
    if (c == '\'') c = '"';
  }
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), &error);
  if (b == nullptr) throw std::runtime_error(json + ": " + error.message);
  Doc doc(bson_get_data(b), bson_get_data(b) + b->len);
  bson_destroy(b);
  return doc;
}

inline Doc copy(Bytes b) { return {b.begin(), b.end()}; }

/// True when `needle` stands anywhere in `hay`.
inline bool contains(Bytes hay, const std::string& needle) {
  const std::string_view text(reinterpret_cast<const char*>(hay.data()), hay.size());
  return text.find(needle) != std::string_view::npos;
}

/// A vault in memory with one master key, and key rings on it.
class World {
 public:
  World() {
    const std::vector<std::uint8_t> master(96, 0x5a);
    auto providers = std::make_shared<kms::Providers>();
    if (!providers->add_local("local", master)) throw std::runtime_error("add_local");
    providers_ = providers;
  }
  KeyId new_key(std::vector<std::string> alt_names = {}) {
    kms::CreateKeyOptions options;
    options.alt_names = std::move(alt_names);
    auto key = kms::create_data_key(*vault_, *providers_, options);
    if (!key) throw std::runtime_error(key.error().to_string());
    return key->id;
  }
  [[nodiscard]] std::shared_ptr<kms::KeyRing> ring(kms::KeyRingOptions options = {}) const {
    return std::make_shared<kms::KeyRing>(vault_, providers_, std::move(options));
  }
  /// Of somebody who can read the vault and has no master key.
  [[nodiscard]] std::shared_ptr<kms::KeyRing> keyless_ring() const {
    return std::make_shared<kms::KeyRing>(vault_, std::make_shared<const kms::Providers>());
  }
  [[nodiscard]] const std::shared_ptr<kms::KeyVault>& vault() const { return vault_; }
  [[nodiscard]] const std::shared_ptr<const kms::Providers>& providers() const {
    return providers_;
  }

 private:
  std::shared_ptr<kms::KeyVault> vault_ = kms::make_memory_vault();
  std::shared_ptr<const kms::Providers> providers_;
};

inline std::string key_json(const KeyId& id) { return "[{'$uuid': '" + id.to_string() + "'}]"; }
inline const std::string kDet = "'AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic'";
inline const std::string kRand = "'AEAD_AES_256_CBC_HMAC_SHA_512-Random'";

inline std::shared_ptr<const schema::Plan> plan(std::string json) {
  for (char& c : json) {
    if (c == '\'') c = '"';
  }
  auto p = schema::compile_json(json);
  if (!p) throw std::runtime_error(p.error().to_string());
  return *p;
}

/// The MedcoMD schema, with single quotes.
inline std::string patients_json(const KeyId& key) {
  return "{'bsonType': 'object', 'encryptMetadata': {'keyId': " + key_json(key) +
         ", 'algorithm': " + kRand +
         "}, 'properties': {'name': {'bsonType': 'string'}, 'ssn': {'encrypt': {'bsonType': "
         "'int', 'algorithm': " +
         kDet +
         "}}, 'bloodType': {'encrypt': {'bsonType': 'string'}}, "
         "'medicalRecords': {'encrypt': {'bsonType': 'array'}}, 'insurance': {'bsonType': "
         "'object', 'properties': {'policyNumber': {'encrypt': {'bsonType': 'int', 'algorithm': " +
         kDet + "}}, 'provider': {'bsonType': 'string'}}}}}";
}
inline std::shared_ptr<const schema::Plan> patients(const KeyId& key) {
  return plan(patients_json(key));
}
inline Doc patient(int ssn = 241014209) {
  return bson("{'_id': 1, 'name': 'Jon Doe', 'ssn': " + std::to_string(ssn) +
              ", 'bloodType': 'AB+ canary', 'medicalRecords': [{'weight': 180}, 'note canary'], "
              "'insurance': {'policyNumber': 123142, 'provider': 'MaestCare'}}");
}

}  // namespace fle::test

#endif  // FLE_TESTS_CLIENT_CLIENT_SUPPORT_H_
