// What docs/embedding.md shows, compiled as it stands there, and run.
#include <memory>
#include <string>
#include <vector>

#include <fle.h>
#include <gtest/gtest.h>

#include "embedding_example.inc"

// What it shows in C.
extern "C" int encrypt_by(const char* json, fle_keys* keys, const void* document, std::size_t size,
                          fle_buffer* out, fle_error* error);

namespace {

TEST(EmbeddingGuide, DoesInCWhatItSays) {
  fle_error* const error = fle_error_create();
  fle_buffer* const out = fle_buffer_create();
  fle_vault* const vault = fle_vault_open_memory(error);
  fle_providers* const providers =
      fle_providers_create(nullptr, 0, nullptr, FLE_LOCK_BEST_EFFORT, error);
  const std::vector<std::uint8_t> master(96, 1);
  fle_providers_add_local(providers, "local", FLE_NUL, master.data(), master.size(), error);
  fle_keys* const keys = fle_keys_create(vault, providers, FLE_LOCK_BEST_EFFORT, error);
  KeyId id;
  EXPECT_EQ(fle_keys_create_key(keys, id.bytes.data(), nullptr, error), FLE_OK);
  const std::string schema =
      R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType":
      "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": [{"$uuid": ")" +
      id.to_string() + R"("}]}}}})";
  bson::Writer patient;
  patient.add("ssn", 241014209);
  const Bytes document = patient.finish();
  EXPECT_EQ(encrypt_by(schema.c_str(), keys, document.data(), document.size(), out, error), FLE_OK)
      << fle_error_message(error);
  EXPECT_EQ(fle_buffer_fields(out), 1U);
  EXPECT_EQ(encrypt_by("{", keys, document.data(), document.size(), out, error),
            FLE_ERRC_SCHEMA_SYNTAX);
  fle_keys_destroy(keys);
  fle_providers_destroy(providers);
  fle_vault_destroy(vault);
  fle_buffer_destroy(out);
  fle_error_destroy(error);
}

TEST(EmbeddingGuide, DoesWhatItSays) {
  auto providers = std::make_shared<kms::Providers>();
  ASSERT_TRUE(
      providers->add_local("local", std::vector<std::uint8_t>(96, 1), LockPolicy::best_effort));
  client::ClientEncryption encryption(kms::make_memory_vault(), providers);
  const auto key = new_key(encryption);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(there_and_back(encryption, *key, 241014209).value(), 241014209);
  const auto aws = cloud();
  ASSERT_TRUE(aws) << aws.error().to_string();
  EXPECT_EQ(aws->ids(), std::vector<std::string>{"aws"});
  EXPECT_EQ(credentials("gcp").error().code, Errc::kms_no_credentials);
  EXPECT_EQ(credentials("aws")->bytes().front(), '{');
}

}  // namespace
