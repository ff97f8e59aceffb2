// What an embedder writes: encrypts a document with the public interface, checks that the value is
// gone from it, and reads it back.
#include <algorithm>
#include <cstdio>
#include <string>

#include <fle/fle.h>

#if FLE_VERSION < FLE_MAKE_VERSION(0, 1, 0)
#error an older libfle
#endif

namespace {

constexpr std::int32_t kSsn = 123456789;

std::string schema_for(const fle::KeyId& key) {
  return R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "int",
             "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
             "keyId": [{"$uuid": ")" +
         key.to_string() + R"("}]}}}})";
}

fle::Done run() {
  fle::SecretBytes master_key;
  {
    auto made = fle::SecretBytes::create(96, fle::LockPolicy::best_effort);
    if (!made) return fle::Failure(made.error());
    master_key = std::move(*made);
  }
  if (auto done = fle::random_bytes(master_key.expose_mut()); !done)
    return fle::Failure(done.error());

  auto providers = std::make_shared<fle::kms::Providers>();
  FLE_CHECK(providers->add_local("local", master_key.expose(), fle::LockPolicy::best_effort));
  std::shared_ptr<fle::kms::KeyVault> vault = fle::kms::make_memory_vault();
  fle::kms::CreateKeyOptions key_options;
  key_options.lock_policy = fle::LockPolicy::best_effort;
  FLE_TRY(auto key, fle::kms::create_data_key(*vault, *providers, key_options));
  FLE_TRY(auto plan, fle::schema::compile_json(schema_for(key.id)));

  fle::kms::KeyRingOptions ring_options;
  ring_options.lock_policy = fle::LockPolicy::best_effort;
  auto ring = std::make_shared<fle::kms::KeyRing>(vault, providers, ring_options);
  const fle::client::DocumentCipher cipher(plan, ring);

  fle::bson::Writer patient;
  patient.add("ssn", kSsn).add("name", "Ann");
  const fle::Bytes document = patient.finish();
  fle::client::Batch encrypted;
  encrypted.add(document);
  FLE_CHECK(cipher.encrypt(encrypted));
  const fle::bson::Value ssn = kSsn;
  const fle::Bytes secret = ssn.bytes();
  const fle::Bytes sealed = encrypted.output(0);
  const auto leak = std::search(sealed.begin(), sealed.end(), secret.begin(), secret.end());
  if (encrypted.fields() != 1 || leak != sealed.end())
    return fle::Failure(fle::Errc::crypto_failed, "the value is still in the document");

  fle::client::Batch decrypted;
  decrypted.add(sealed);
  FLE_CHECK(cipher.decrypt(decrypted));
  if (!std::ranges::equal(decrypted.output(0), document))
    return fle::Failure(fle::Errc::crypto_failed, "another document came back");

  // One value alone, with its type.
  fle::client::ClientEncryption encryption(vault, providers, ring_options);
  FLE_TRY(const auto value, encryption.encrypt(ssn, fle::Algorithm::deterministic, key.id));
  if (fle::bson::find_value(sealed, "ssn") != value)
    return fle::Failure(fle::Errc::crypto_failed, "a document holds another ciphertext");
  FLE_TRY(const auto plain, encryption.decrypt(value));
  FLE_TRY(const std::int32_t number, plain.as_int32());
  if (number != kSsn || plain.as_string().has_value())
    return fle::Failure(fle::Errc::crypto_failed, "another value came back");
  return fle::ok;
}

}  // namespace

int main() {
  const auto done = run();
  if (fle::version_number() != FLE_VERSION) return 1;
  std::puts(done ? "encrypted and decrypted one document" : done.error().to_string().c_str());
  return done ? 0 : 1;
}
