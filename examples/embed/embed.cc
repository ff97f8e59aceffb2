// Encrypts the field `ssn` of a BSON document, and decrypts it again: everything an embedder needs.
#include <cstdio>
#include <vector>

#include "fle/client/document_cipher.h"
#include "fle/kms/create_data_key.h"
#include "fle/random.h"
#include "fle/schema/compile.h"

namespace {

// {"name": "Jon Doe", "ssn": 241014209}, as a driver would hand it over.
const std::vector<std::uint8_t> kPatient = {
    0x25, 0,   0,   0,  // 37 bytes
    0x02, 'n', 'a', 'm', 'e', 0,    8,    0,    0,
    0,    'J', 'o', 'n', ' ', 'D',  'o',  'e',  0,     // string
    0x10, 's', 's', 'n', 0,   0xc1, 0x97, 0x5d, 0x0e,  // int32
    0x08, 'o', 'k', 0,   1,                            // bool
    0};

fle::Outcome<std::vector<std::uint8_t>> round_trip() {
  using namespace fle;
  // For development the master key is 96 random bytes; keep them, or keep nothing.
  FLE_TRY(SecretBytes master_key, SecretBytes::create(DataKey::kLen));
  FLE_CHECK(random_bytes(master_key.expose_mut()));
  auto providers = std::make_shared<kms::Providers>();
  FLE_CHECK(providers->add_local("local", master_key.expose()));

  // The data key is stored wrapped. kms::open_sqlite_vault() keeps it in a file.
  std::shared_ptr<kms::KeyVault> vault = kms::make_memory_vault();
  FLE_TRY(const kms::KeyDocument key, kms::create_data_key(*vault, *providers));
  FLE_TRY(auto plan,
          schema::compile_json(R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {
      "bsonType": "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
      "keyId": [{"$uuid": ")" + to_uuid_string(key.id) +
                               R"("}]}}}})"));

  const client::DocumentCipher cipher(plan, std::make_shared<kms::KeyRing>(vault, providers));
  client::Batch batch;
  batch.add(kPatient);
  FLE_CHECK(cipher.encrypt(batch));
  const std::vector<std::uint8_t> stored(batch.output(0).begin(), batch.output(0).end());
  std::printf("%zu bytes of plain document, %zu bytes encrypted, %zu field\n", kPatient.size(),
              stored.size(), batch.fields());

  batch.clear();
  batch.add(stored);
  FLE_CHECK(cipher.decrypt(batch));
  return std::vector<std::uint8_t>(batch.output(0).begin(), batch.output(0).end());
}

}  // namespace

int main() {
  const auto result = round_trip();
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
    return 1;
  }
  return *result == kPatient ? 0 : 1;
}
