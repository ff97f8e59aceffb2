// MedcoMD on a MongoDB: a clinic whose doctor and receptionist use the same collection, and only
// the doctor holds the master key. Everything sensitive is encrypted in this process.
//
//   medcomd MONGODB-URI
//
// It drops and fills the collection `patients` of the database `medcomd`, and checks every claim
// that it makes.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <bson/bson.h>

#include "fle/kms/create_data_key.h"
#include "fle/mongoc/encrypted_client.h"
#include "fle/random.h"
#include "fle/schema/compile.h"

namespace {

using fle::Bytes;
using fle::mongoc::ClientOptions;
using fle::mongoc::Document;
using fle::mongoc::EncryptedClient;
using fle::mongoc::EncryptedCollection;

constexpr const char* kDatabase = "medcomd";

/// The demo ends where something does not work; a program that must go on looks at the Outcome.
template <class T>
T must(fle::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().to_string());
  return *std::move(outcome);
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("does not hold: ") + what);
  std::printf("  ok: %s\n", what);
}

Document bson(const std::string& json) {
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), &error);
  if (b == nullptr) throw std::runtime_error(error.message);
  Document document(bson_get_data(b), bson_get_data(b) + b->len);
  bson_destroy(b);
  return document;
}

std::string json(Bytes document) {
  bson_t b;
  if (!bson_init_static(&b, document.data(), document.size())) return {};
  char* text = bson_as_relaxed_extended_json(&b, nullptr);
  std::string out = text;
  bson_free(text);
  return out;
}

bool has(Bytes document, const std::string& text) {
  return json(document).find(text) != std::string::npos;
}

/// ssn and policy number can be searched for (deterministic), the rest cannot (random).
std::string schema_of(const fle::KeyId& key) {
  return R"({"bsonType": "object",
    "encryptMetadata": {"keyId": [{"$uuid": ")" +
         key.to_string() + R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"},
    "properties": {
      "name": {"bsonType": "string"},
      "ssn": {"encrypt": {"bsonType": "int",
                          "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
      "bloodType": {"encrypt": {"bsonType": "string"}},
      "medicalRecords": {"encrypt": {"bsonType": "array"}},
      "insurance": {"bsonType": "object", "properties": {
        "policyNumber": {"encrypt": {"bsonType": "int",
                           "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
        "provider": {"bsonType": "string"}}}}})";
}

/// A KMS with a local master key: for development. In production: aws, azure, gcp or kmip.
std::shared_ptr<const fle::kms::Providers> new_master_key() {
  auto key = fle::SecretBytes::create(fle::DataKey::kLen, fle::LockPolicy::best_effort);
  if (!key || !fle::random_bytes(key->expose_mut())) throw std::runtime_error("no master key");
  auto providers = std::make_shared<fle::kms::Providers>();
  must(providers->add_local("local", key->expose()));
  return providers;
}

/// The collection as somebody sees it who has these master keys, or none.
EncryptedCollection patients_of(const std::string& uri,
                                std::shared_ptr<const fle::schema::Plan> schema,
                                std::shared_ptr<const fle::kms::Providers> master_keys) {
  ClientOptions options;
  options.key_vault_namespace = std::string(kDatabase) + ".__keyVault";
  options.kms_providers = std::move(master_keys);
  options.auto_encryption.schema_map[std::string(kDatabase) + ".patients"] = std::move(schema);
  options.auto_encryption.missing_keys = fle::client::MissingKeys::keep;
  options.silence_log = true;
  return must(EncryptedClient::create(uri, std::move(options)))->collection(kDatabase, "patients");
}

/// New vital signs. The records are one encrypted value: nobody can append to it without reading
/// it.
void add_vital_signs(EncryptedCollection& patients, int ssn, const std::string& signs) {
  const Document filter = bson("{\"ssn\": " + std::to_string(ssn) + "}");
  const auto pushed =
      patients.update_one(filter, bson(R"({"$push": {"medicalRecords": )" + signs + "}}"));
  expect(!pushed, "$push into encrypted records is refused before anything is sent");
  std::printf("      %s\n", pushed.error().to_string().c_str());

  const auto patient = must(patients.find_one(filter));
  if (!patient) throw std::runtime_error("no such patient");
  bson_t view;
  bson_iter_t it;
  bson_t* change = bson_new();
  bson_t set;
  bson_t records;
  bson_append_document_begin(change, "$set", -1, &set);
  bson_append_array_begin(&set, "medicalRecords", -1, &records);
  const Document added = bson(signs);
  bson_t sign_view;
  std::uint32_t n = 0;
  bson_iter_t old;
  if (bson_init_static(&view, patient->data(), patient->size()) &&
      bson_iter_init_find(&it, &view, "medicalRecords") && bson_iter_recurse(&it, &old)) {
    for (; bson_iter_next(&old); ++n) bson_append_iter(&records, bson_iter_key(&old), -1, &old);
  }
  if (bson_init_static(&sign_view, added.data(), added.size()))
    bson_append_document(&records, std::to_string(n).c_str(), -1, &sign_view);
  bson_append_array_end(&set, &records);
  bson_append_document_end(change, &set);
  const Document update(bson_get_data(change), bson_get_data(change) + change->len);
  bson_destroy(change);
  // Two doctors at once would overwrite each other: a version number in the filter prevents that.
  must(patients.update_one(filter, update));
}

void play(const std::string& uri) {
  std::puts("1. A master key, a data key in the key vault, and a schema.");
  const auto master_key = new_master_key();
  auto vault = must(fle::kms::open_mongo_vault(
      {.uri = uri, .database = kDatabase, .collection = "__keyVault", .silence_log = true}));
  const auto key = must(fle::kms::create_data_key(*vault, *master_key));
  const auto schema = must(fle::schema::compile_json(schema_of(key.id)));

  std::puts("2. The doctor admits two patients.");
  EncryptedCollection doctor = patients_of(uri, schema, master_key);
  must(doctor.drop());
  must(doctor.insert_one(bson(R"({"name": "Jon Doe", "ssn": 241014209, "bloodType": "AB+",
      "medicalRecords": [{"weight": 180, "bloodPressure": "120/80"}],
      "insurance": {"policyNumber": 123142, "provider": "MaestCare"}})")));
  must(doctor.insert_one(bson(R"({"name": "Ada Poe", "ssn": 307221118, "bloodType": "0-",
      "medicalRecords": [], "insurance": {"policyNumber": 900017, "provider": "MaestCare"}})")));
  expect(must(doctor.count_documents()) == 2, "two patients are stored");

  std::puts("3. The doctor finds a patient by social security number.");
  const Document by_ssn = bson(R"({"ssn": 241014209})");
  auto jon = must(doctor.find_one(by_ssn));
  expect(jon && has(*jon, "Jon Doe") && has(*jon, "AB+"), "an equality finds and decrypts");
  std::printf("      %s\n", json(*jon).c_str());
  const auto range = doctor.find(bson(R"({"ssn": {"$gt": 1}})"));
  expect(!range, "a range over encrypted values is refused");
  std::printf("      %s\n", range.error().to_string().c_str());

  std::puts("4. A mistake in the blood type is corrected.");
  must(doctor.update_one(by_ssn, bson(R"({"$set": {"bloodType": "A+"}})")));
  jon = must(doctor.find_one(by_ssn));
  expect(jon && has(*jon, "A+") && !has(*jon, "AB+"), "the new value is there");

  std::puts("5. New vital signs.");
  add_vital_signs(doctor, 241014209, R"({"weight": 178, "bloodPressure": "125/85"})");
  jon = must(doctor.find_one(by_ssn));
  expect(jon && has(*jon, "120/80") && has(*jon, "125/85"), "old and new records are there");

  std::puts("6. What the receptionist sees, who has no master key.");
  EncryptedCollection receptionist = patients_of(uri, schema, nullptr);
  auto cursor = must(receptionist.find(bson(R"({"name": "Jon Doe"})")));
  const auto seen = must(cursor.next());
  expect(seen && has(*seen, "MaestCare"), "name and insurance company");
  expect(!has(*seen, "241014209") && !has(*seen, "A+\"") && !has(*seen, "125/85"),
         "neither number, blood type nor records");
  for (const auto& field : cursor.kept()) std::printf("      encrypted: %s\n", field.path.c_str());
  expect(cursor.kept().size() == 4, "four fields stay encrypted");
  expect(!receptionist.find_one(by_ssn), "a search by number needs the key");
  std::puts("MedcoMD works: every check above passed.");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: medcomd MONGODB-URI\n");
    return 2;
  }
  try {
    play(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "medcomd: %s\n", e.what());
    return 1;
  }
}
