// Encrypts the field `ssn` of a BSON document and reads it back, and a value alone: everything an
// embedder needs. Built and run by the tests.
#include <cstdio>
#include <memory>
#include <vector>

#include <fle/fle.h>

namespace {

using fle::Outcome;
using fle::bson::Value;
using Document = std::vector<std::uint8_t>;

constexpr std::int32_t kSsn = 241014209;

Outcome<Document> round_trip() {
  using namespace fle;
  // For development the master key is 96 random bytes; keep them, or keep nothing. In production:
  // kms::MasterKey::aws(), azure(), gcp() or kmip() for create_data_key(), docs/kms.md.
  FLE_TRY(SecretBytes master_key, SecretBytes::create(DataKey::kLen));
  FLE_CHECK(random_bytes(master_key.expose_mut()));
  auto providers = std::make_shared<kms::Providers>();
  FLE_CHECK(providers->add_local("local", master_key.expose()));

  // The data key is stored wrapped. kms::open_sqlite_vault() keeps it in a file.
  std::shared_ptr<kms::KeyVault> vault = kms::make_memory_vault();
  client::ClientEncryption encryption(vault, providers);
  FLE_TRY(const kms::KeyDocument key, encryption.create_data_key(kms::MasterKey::local()));
  FLE_TRY(auto plan,
          schema::compile_json(R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {
      "bsonType": "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
      "keyId": [{"$uuid": ")" + key.id.to_string() +
                               R"("}]}}}})"));

  bson::Writer writer;
  writer.add("name", "Jon Doe").add("ssn", kSsn).add("ok", true);
  const Bytes patient = writer.finish();

  // Documents: thousands of a batch are encrypted together.
  const client::DocumentCipher cipher(plan, encryption.keys());
  client::Batch batch;
  batch.add(patient);
  FLE_CHECK(cipher.encrypt(batch));
  const Document stored(batch.output(0).begin(), batch.output(0).end());
  std::printf("%zu bytes of plain document, %zu bytes encrypted, %zu field\n", patient.size(),
              stored.size(), batch.fields());

  // Values: what stands in the document is what the value alone becomes, so it can be searched for.
  FLE_TRY(const Value ssn, encryption.encrypt(kSsn, Algorithm::deterministic, key.id));
  if (bson::find_value(stored, "ssn") != ssn) return Failure(Errc::crypto_failed, "not equal");
  FLE_TRY(const Value plain, encryption.decrypt(ssn));
  FLE_TRY(const std::int32_t number, plain.as_int32());
  std::printf("ssn: %d\n", number);

  batch.clear();
  batch.add(stored);
  FLE_CHECK(cipher.decrypt(batch));
  return Document(batch.output(0).begin(), batch.output(0).end());
}

}  // namespace

int main() {
  const auto result = round_trip();
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
    return 1;
  }
  const auto name = fle::bson::find_value(*result, "name");
  return name == Value("Jon Doe") && fle::bson::find_value(*result, "ssn") == Value(kSsn) ? 0 : 1;
}
