// fle.h in wrong hands: nothing crashes, and nothing is written.
#include <algorithm>

#include "client/c_interface/c_support.h"

namespace fle::test::c {
namespace {

struct CMisuse : ::testing::Test, Clinic {};

constexpr int kBad = FLE_ERRC_INVALID_ARGUMENT;
constexpr std::size_t kHuge = FLE_NUL - 1;

TEST_F(CMisuse, NullIsNoHandle) {
  const Doc doc = patient();
  std::uint8_t room[128];
  std::size_t size = sizeof room;
  int type = 0;
  fle_error* const e = error.get();
  const std::uint8_t* const key = id.bytes.data();
  // One line a function, the handle or the result missing.
  const int codes[] = {
      fle_kms_options_set_text(nullptr, FLE_TLS_CA_FILE, "aws", 3, "a", 1, e),
      fle_kms_options_set_number(nullptr, FLE_MAX_RETRIES, 1, e),
      fle_providers_add_local(nullptr, "local", 5, room, 96, e),
      fle_key_options_set_master_key(nullptr, "aws", 3, nullptr, 0, e),
      fle_key_options_add_name(nullptr, "a", 1, e),
      fle_key_options_set_material(nullptr, room, 96, e),
      fle_keys_create_key(nullptr, room, nullptr, e),
      fle_keys_create_key(keys.get(), nullptr, nullptr, e),
      fle_keys_find(nullptr, room, "a", 1, e),
      fle_keys_find(keys.get(), nullptr, "a", 1, e),
      fle_keys_find(keys.get(), room, nullptr, 1, e),
      fle_keys_find(keys.get(), room, nullptr, FLE_NUL, e),
      fle_keys_get(nullptr, out.get(), key, e),
      fle_keys_get(keys.get(), nullptr, key, e),
      fle_keys_get(keys.get(), out.get(), nullptr, e),
      fle_keys_list(nullptr, out.get(), e),
      fle_keys_list(keys.get(), nullptr, e),
      fle_keys_import(nullptr, doc.data(), doc.size(), e),
      fle_keys_import(keys.get(), nullptr, 5, e),
      fle_keys_add_name(nullptr, key, "a", 1, e),
      fle_keys_add_name(keys.get(), nullptr, "a", 1, e),
      fle_keys_delete(nullptr, key, e),
      fle_keys_delete(keys.get(), nullptr, e),
      fle_encrypt_value(nullptr, out.get(), FLE_RANDOM, key, doc.data(), doc.size(), e),
      fle_encrypt_value(keys.get(), nullptr, FLE_RANDOM, key, doc.data(), doc.size(), e),
      fle_encrypt_value(keys.get(), out.get(), FLE_RANDOM, nullptr, doc.data(), doc.size(), e),
      fle_encrypt_value(keys.get(), out.get(), FLE_RANDOM, key, nullptr, 5, e),
      fle_decrypt_value(nullptr, out.get(), doc.data(), doc.size(), e),
      fle_decrypt_value(keys.get(), nullptr, doc.data(), doc.size(), e),
      fle_encrypt_value_into(nullptr, room, &size, FLE_RANDOM, key, 0x10, room, 4, e),
      fle_encrypt_value_into(keys.get(), room, nullptr, FLE_RANDOM, key, 0x10, room, 4, e),
      fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, nullptr, 0x10, room, 4, e),
      fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, key, 0x10, nullptr, 4, e),
      fle_decrypt_value_into(nullptr, room, &size, &type, doc.data(), doc.size(), e),
      fle_decrypt_value_into(keys.get(), room, nullptr, &type, doc.data(), doc.size(), e),
      fle_decrypt_value_into(keys.get(), room, &size, nullptr, doc.data(), doc.size(), e),
      fle_encrypt_documents(nullptr, out.get(), doc.data(), doc.size(), e),
      fle_encrypt_documents(cipher.get(), nullptr, doc.data(), doc.size(), e),
      fle_encrypt_documents(cipher.get(), out.get(), nullptr, doc.size(), e),
      fle_decrypt_documents(nullptr, out.get(), doc.data(), doc.size(), e),
      fle_batch_add(nullptr, doc.data(), doc.size(), e),
      fle_encrypt_batch(nullptr, nullptr, e),
      fle_decrypt_batch(cipher.get(), nullptr, e),
      fle_commands_set_schema(nullptr, "a.b", 3, schema.get(), e),
      fle_encrypt_command(nullptr, out.get(), "clinic", 6, doc.data(), doc.size(), e),
      fle_decrypt_reply(nullptr, out.get(), doc.data(), doc.size(), e),
      fle_stream_push(nullptr, out.get(), doc.data(), doc.size(), e),
      fle_stream_flush(nullptr, out.get(), e),
      fle_stream_finish(nullptr, out.get(), e),
      fle_random_bytes(nullptr, 1, e),
  };
  for (std::size_t i = 0; i < std::size(codes); ++i) EXPECT_EQ(codes[i], kBad) << i;
  EXPECT_EQ(size, sizeof room);
  EXPECT_EQ(message(), "invalid_argument: out is NULL");

  EXPECT_EQ(fle_keys_create(nullptr, nullptr, 0, e), nullptr);
  EXPECT_EQ(fle_cipher_create(nullptr, nullptr, 0, e), nullptr);
  EXPECT_EQ(fle_commands_create(nullptr, 0, e), nullptr);
  EXPECT_EQ(fle_stream_create(nullptr, FLE_ENCRYPT, e), nullptr);
  EXPECT_EQ(fle_schema_create(nullptr, 2, nullptr, 0, e), nullptr);
  EXPECT_EQ(fle_schema_create(nullptr, FLE_NUL, nullptr, 0, e), nullptr);
  EXPECT_EQ(fle_vault_open_file(nullptr, FLE_NUL, 0, e), nullptr);
  EXPECT_EQ(fle_error_code(e), kBad);
}

TEST_F(CMisuse, NullCanBeDestroyedAndAsked) {
  fle_error_destroy(nullptr);
  fle_buffer_destroy(nullptr);
  fle_kms_options_destroy(nullptr);
  fle_providers_destroy(nullptr);
  fle_vault_destroy(nullptr);
  fle_key_options_destroy(nullptr);
  fle_keys_destroy(nullptr);
  fle_schema_destroy(nullptr);
  fle_cipher_destroy(nullptr);
  fle_batch_destroy(nullptr);
  fle_commands_destroy(nullptr);
  fle_stream_destroy(nullptr);
  fle_buffer_clear(nullptr);
  fle_batch_clear(nullptr);
  EXPECT_EQ(fle_error_code(nullptr), FLE_OK);
  EXPECT_STREQ(fle_error_message(nullptr), "");
  EXPECT_STREQ(fle_error_path(nullptr), "");
  EXPECT_EQ(fle_error_document(nullptr) + fle_error_line(nullptr) + fle_error_column(nullptr), 0U);
  EXPECT_EQ(fle_buffer_data(nullptr), nullptr);
  EXPECT_EQ(fle_buffer_size(nullptr) + fle_buffer_fields(nullptr) + fle_buffer_kept(nullptr), 0U);
  EXPECT_EQ(fle_batch_output(nullptr, 0, nullptr), nullptr);
  EXPECT_EQ(fle_batch_fields(nullptr) + fle_batch_kept(nullptr), 0U);
  // Whoever wants the code alone needs no error, and an error that is gone is nobody's business.
  error.reset();
  const Doc doc = patient();
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), doc.data(), doc.size(), nullptr),
            FLE_OK);
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), doc.data(), 9, nullptr),
            FLE_ERRC_MALFORMED_BSON);
  EXPECT_EQ(fle_keys_create(nullptr, nullptr, 0, nullptr), nullptr);
}

TEST_F(CMisuse, SizesThatCannotBeAreRefused) {
  const Doc doc = patient();
  fle_error* const e = error.get();
  std::uint8_t room[128];
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), doc.data(), kHuge, e), kBad);
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), doc.data(), FLE_NUL, e), kBad);
  EXPECT_EQ(fle_keys_find(keys.get(), room, "a", kHuge, e), kBad);
  EXPECT_EQ(fle_random_bytes(room, kHuge, e), kBad);
  EXPECT_EQ(fle_batch_add(Batch(fle_batch_create(e)).get(), doc.data(), kHuge, e), kBad);
  // Nothing is encrypted by nothing: no document, no name.
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), nullptr, 0, e), FLE_OK);
  EXPECT_EQ(fle_buffer_size(out.get()), 0U);
  EXPECT_EQ(fle_keys_add_name(keys.get(), id.bytes.data(), nullptr, 0, e), kBad);
  EXPECT_EQ(fle_encrypt_value(keys.get(), out.get(), FLE_RANDOM, id.bytes.data(), nullptr, 0, e),
            FLE_ERRC_MALFORMED_BSON);
  // A value is in a document by itself.
  for (const char* json : {"{}", "{'a': 1, 'b': 2}"}) {
    const Doc other = bson(json);
    EXPECT_EQ(fle_encrypt_value(keys.get(), out.get(), FLE_RANDOM, id.bytes.data(), other.data(),
                                other.size(), e),
              FLE_ERRC_MALFORMED_BSON);
  }
}

TEST_F(CMisuse, KeysOfAnotherLengthAreRefused) {
  fle_error* const e = error.get();
  const std::vector<std::uint8_t> key(200, 7);
  const Providers providers(fle_providers_create(nullptr, 0, nullptr, 0, e));
  const KeyOptions options(fle_key_options_create(e));
  for (const std::size_t size : {0U, 1U, 95U, 97U, 192U}) {
    EXPECT_EQ(fle_providers_add_local(providers.get(), "local", FLE_NUL, key.data(), size, e),
              FLE_ERRC_KMS_CONFIG_INVALID);
    EXPECT_EQ(fle_key_options_set_material(options.get(), key.data(), size, e), kBad);
  }
  EXPECT_EQ(fle_providers_add_local(providers.get(), "nowhere", FLE_NUL, key.data(), 96, e),
            FLE_ERRC_KMS_CONFIG_INVALID);
  ASSERT_EQ(fle_providers_add_local(providers.get(), "local", FLE_NUL, key.data(), 96, e), FLE_OK);
  // Not while somebody uses them.
  const Vault vault(fle_vault_open_memory(e));
  Keys user(fle_keys_create(vault.get(), providers.get(), 0, e));
  EXPECT_EQ(fle_providers_add_local(providers.get(), "local:b", FLE_NUL, key.data(), 96, e), kBad);
  user.reset();
  EXPECT_EQ(fle_providers_add_local(providers.get(), "local:b", FLE_NUL, key.data(), 96, e),
            FLE_OK);
}

TEST_F(CMisuse, NumbersThatMeanNothingAreRefused) {
  const Doc doc = bson("{'v': 1}");
  fle_error* const e = error.get();
  std::uint8_t room[128];
  std::size_t size = sizeof room;
  for (const int algorithm : {-1, 0, 3, 257}) {
    EXPECT_EQ(fle_encrypt_value(keys.get(), out.get(), algorithm, id.bytes.data(), doc.data(),
                                doc.size(), e),
              kBad);
    EXPECT_EQ(fle_encrypt_value_into(keys.get(), room, &size, algorithm, id.bytes.data(), 0x10,
                                     "\1\0\0", 4, e),
              kBad);
  }
  for (const int type : {-1, 256, 0x110}) {
    EXPECT_EQ(fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, id.bytes.data(), type,
                                     "\1\0\0", 4, e),
              kBad);
  }
  for (const int type : {0, 0x20}) {
    EXPECT_NE(fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, id.bytes.data(), type,
                                     "\1\0\0", 4, e),
              FLE_OK);
  }
  EXPECT_EQ(fle_stream_create(cipher.get(), 0, e), nullptr);
  EXPECT_EQ(fle_stream_create(cipher.get(), FLE_ENCRYPT | FLE_DECRYPT, e), nullptr);
  // Flags of another function, or of a later release.
  EXPECT_EQ(fle_cipher_create(keys.get(), schema.get(), FLE_CREATE_FILE, e), nullptr);
  EXPECT_EQ(fle_cipher_create(keys.get(), schema.get(), 0x8000'0000U, e), nullptr);
  EXPECT_EQ(fle_cipher_create(keys.get(), schema.get(), FLE_KEEP_NULLS | FLE_OMIT_NULLS, e),
            nullptr);
  EXPECT_EQ(fle_commands_create(keys.get(), FLE_VERIFY, e), nullptr);
  EXPECT_EQ(fle_providers_create(nullptr, 0, nullptr, FLE_VERIFY, e), nullptr);
  EXPECT_EQ(fle_vault_open_file("/nowhere", FLE_NUL, FLE_VERIFY, e), nullptr);
  EXPECT_EQ(fle_error_code(e), kBad);
}

TEST_F(CMisuse, ANulInsideOfANameThatIsACStringElsewhereIsRefused) {
  fle_error* const e = error.get();
  const std::string path("/tmp\0/vault", 11);
  EXPECT_EQ(fle_vault_open_file(path.data(), path.size(), FLE_CREATE_FILE, e), nullptr);
  EXPECT_EQ(message(), "invalid_argument: path has a NUL in it");
  const Commands commands(fle_commands_create(keys.get(), 0, e));
  const std::string ns("clinic.pat\0ients", 16);
  EXPECT_EQ(fle_commands_set_schema(commands.get(), ns.data(), ns.size(), schema.get(), e), kBad);
  for (const char* bad : {"", "clinic", "clinic.", ".patients"})
    EXPECT_EQ(fle_commands_set_schema(commands.get(), bad, FLE_NUL, schema.get(), e), kBad) << bad;
  const Doc command = bson("{'ping': 1}");
  EXPECT_EQ(fle_encrypt_command(commands.get(), out.get(), ns.data(), ns.size(), command.data(),
                                command.size(), e),
            kBad);
  for (const char* bad : {"", "encryption", ".x", "x."})
    EXPECT_EQ(fle_vault_open_mongodb("mongodb://localhost", FLE_NUL, bad, FLE_NUL, e), nullptr);
}

TEST_F(CMisuse, MemoryThatIsTooShortStaysAsItIs) {
  fle_error* const e = error.get();
  std::uint8_t room[82];
  std::size_t size = sizeof room;
  const auto encrypt = [&] {
    return fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, id.bytes.data(), 0x10,
                                  "\1\0\0", 4, e);
  };
  ASSERT_EQ(encrypt(), FLE_OK);
  EXPECT_EQ(size, 82U);
  const Doc payload(room, room + 82);
  size = 81;
  EXPECT_EQ(encrypt(), FLE_ERRC_BUFFER_TOO_SMALL);
  EXPECT_EQ(size, 82U);
  EXPECT_EQ(Doc(room, room + 82), payload);

  int type = 77;
  size = 15;
  EXPECT_EQ(fle_decrypt_value_into(keys.get(), room, &size, &type, payload.data(), 82, e),
            FLE_ERRC_BUFFER_TOO_SMALL);
  EXPECT_EQ(size, 16U);
  EXPECT_EQ(type, 77);
  EXPECT_EQ(Doc(room, room + 82), payload);
  // What does not open leaves nothing.
  Doc changed = payload;
  changed.back() ^= 1;
  EXPECT_EQ(fle_decrypt_value_into(keys.get(), room, &size, &type, changed.data(), 82, e),
            FLE_ERRC_AUTH_FAILED);
  EXPECT_EQ(Doc(room, room + 16), Doc(16));
  // Nor does what has no key.
  const std::uint8_t nobody[16] = {1};
  std::fill_n(room, sizeof room, std::uint8_t{0xee});
  size = sizeof room;
  EXPECT_EQ(
      fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, nobody, 0x10, "\1\0\0", 4, e),
      FLE_ERRC_KEY_NOT_FOUND);
  EXPECT_EQ(Doc(room, room + 82), Doc(82));
  // A ciphertext that is cut short needs no room, and is none.
  size = 0;
  EXPECT_NE(fle_decrypt_value_into(keys.get(), room, &size, &type, payload.data(), 40, e), FLE_OK);
}

TEST_F(CMisuse, MemoryThatIsReadIsNotWrittenOver) {
  fle_error* const e = error.get();
  std::uint8_t room[100] = {1, 0, 0, 0};
  std::size_t size = sizeof room;
  ASSERT_EQ(fle_encrypt_value_into(keys.get(), room + 4, &size, FLE_RANDOM, id.bytes.data(), 0x10,
                                   room, 4, e),
            FLE_OK)
      << message();
  const Doc before(room, room + sizeof room);
  int type = 0;
  const std::size_t n = size;
  EXPECT_EQ(fle_decrypt_value_into(keys.get(), room + 4, &size, &type, room + 4, n, e), kBad);
  EXPECT_EQ(fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, id.bytes.data(), 0x10, room,
                                   4, e),
            FLE_ERRC_BUFFER_TOO_SMALL);
  EXPECT_EQ(fle_encrypt_value_into(keys.get(), room, &size, FLE_RANDOM, id.bytes.data(), 0x10, room,
                                   4, e),
            kBad);
  EXPECT_EQ(Doc(room, room + sizeof room), before);
}

}  // namespace
}  // namespace fle::test::c
