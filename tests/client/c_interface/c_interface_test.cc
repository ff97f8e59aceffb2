// fle.h: what it makes is what the C++ interface makes, and reads.
#include <atomic>
#include <fstream>
#include <regex>
#include <thread>

#include "client/c_interface/c_support.h"
#include "fle/bson/value.h"
#include "fle/bson/writer.h"
#include "fle/client/auto_encrypter.h"
#include "support/kat.h"
#include "support/sanitizer.h"

namespace fle::test::c {
namespace {

struct CInterface : ::testing::Test, Clinic {
  /// The keys of the C side in a vault of C++, under the same master key.
  [[nodiscard]] std::shared_ptr<kms::KeyRing> ring_of_cpp() const {
    EXPECT_EQ(fle_keys_list(keys.get(), out.get(), error.get()), FLE_OK) << message();
    World world;
    Bytes rest = bytes(out);
    while (!rest.empty()) {
      const std::size_t size = *bson::document_size(rest);
      const auto key = kms::parse_key_document(rest.first(size));
      EXPECT_TRUE(key && world.vault()->insert(*key));
      rest = rest.subspan(size);
    }
    return world.ring();
  }
};

TEST_F(CInterface, SaysWhichVersionRuns) {
  EXPECT_STREQ(fle_version(), FLE_VERSION_STRING);
  EXPECT_EQ(fle_version_number(), FLE_VERSION);
}

TEST_F(CInterface, HasEveryCodeByItsNumber) {
  std::ifstream file(FLE_C_HEADER);
  const std::string header((std::istreambuf_iterator<char>(file)), {});
  std::map<int, std::string> codes;
  const std::regex row("FLE_ERRC_([A-Z_]+) = ([0-9]+)");
  for (std::sregex_iterator it(header.begin(), header.end(), row), end; it != end; ++it) {
    std::string name = (*it)[1];
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_TRUE(codes.emplace(std::stoi((*it)[2]), name).second) << name;
  }
  std::map<int, std::string> expected;
#define FLE_TEST_CODE(name, number, meaning) expected.emplace(number, #name);
  FLE_ERRC_LIST(FLE_TEST_CODE)
#undef FLE_TEST_CODE
  EXPECT_EQ(codes, expected);
  for (const auto& [code, name] : expected) EXPECT_EQ(fle_errc_name(code), name);
  EXPECT_STREQ(fle_errc_name(FLE_OK), "ok");
  for (const int code : {-1, 99, 65539, 1 << 30}) EXPECT_STREQ(fle_errc_name(code), "unknown");
}

// The key document of the specification's corpus: MongoDB's master key, data key and payload.
TEST_F(CInterface, MakesThePayloadOfTheSpecificationWithAKeyThatWasImported) {
  Doc master, key_bytes, wrapped, expected;
  const Doc value = from_hex("08000000737472696e673000");
  for (auto& a : load_kat("csfle/key_wrap.txt")) {
    master = a.bytes("key");
    key_bytes = a.bytes("plaintext");
    wrapped = a.bytes("sealed");
  }
  for (auto& a : load_kat("csfle/deterministic.txt"))
    if (a.bytes("plaintext") == value && a.bytes("key") == key_bytes) expected = a.bytes("payload");
  ASSERT_EQ(expected.size(), 82U);
  bson::Writer key;
  key.add_binary("_id", 4, Doc(16)).add_binary("keyMaterial", 0, wrapped);
  key.add_date("creationDate", 0).add_date("updateDate", 0).add_int32("status", 0);
  key.begin_document("masterKey").add_string("provider", "local").end();
  const Doc document = copy(key.finish());

  const Providers providers(fle_providers_create(nullptr, 0, nullptr, 0, error.get()));
  ASSERT_EQ(fle_providers_add_local(providers.get(), "local", 5, master.data(), master.size(),
                                    error.get()),
            FLE_OK);
  const Vault vault(fle_vault_open_memory(error.get()));
  const Keys theirs(fle_keys_create(vault.get(), providers.get(), 0, error.get()));
  ASSERT_EQ(fle_keys_import(theirs.get(), document.data(), document.size(), error.get()), FLE_OK)
      << message();
  Doc payload(82);
  std::size_t size = payload.size();
  const Doc zeros(16);
  ASSERT_EQ(fle_encrypt_value_into(theirs.get(), payload.data(), &size, FLE_DETERMINISTIC,
                                   zeros.data(), 2, value.data(), value.size(), error.get()),
            FLE_OK)
      << message();
  EXPECT_EQ(payload, expected);
}

TEST_F(CInterface, ShapesDocumentsThatCppReadsAndTheOtherWayRound) {
  const client::DocumentCipher cpp(patients(id), ring_of_cpp());
  const Doc plain = patient();
  client::Batch batch;
  const Doc sealed = encrypted(plain);
  EXPECT_EQ(fle_buffer_fields(out.get()), 4U);
  batch.add(sealed);
  ASSERT_TRUE(cpp.decrypt(batch));
  EXPECT_EQ(copy(batch.output(0)), plain);

  batch.clear();
  batch.add(plain);
  ASSERT_TRUE(cpp.encrypt(batch));
  EXPECT_EQ(bson::find_value(sealed, "ssn"), bson::find_value(batch.output(0), "ssn"));
  EXPECT_EQ(decrypted(copy(batch.output(0))), plain);
}

TEST_F(CInterface, EncryptsManyDocumentsInOneCallAsTheyCome) {
  const Doc both = encrypted(patient(1) + patient(2) + bson("{'name': 'no field'}"));
  EXPECT_EQ(fle_buffer_fields(out.get()), 8U);
  const Batch batch(fle_batch_create(error.get()));
  Bytes rest(both);
  while (!rest.empty()) {
    const std::size_t size = *bson::document_size(rest);
    ASSERT_EQ(fle_batch_add(batch.get(), rest.data(), size, error.get()), FLE_OK);
    rest = rest.subspan(size);
  }
  ASSERT_EQ(fle_decrypt_batch(cipher.get(), batch.get(), error.get()), FLE_OK) << message();
  EXPECT_EQ(fle_batch_fields(batch.get()), 8U);
  const Doc expected[] = {patient(1), patient(2), bson("{'name': 'no field'}")};
  for (std::size_t i = 0; i < 3; ++i) {
    std::size_t size = 0;
    const std::uint8_t* data = fle_batch_output(batch.get(), i, &size);
    EXPECT_EQ(Doc(data, data + size), expected[i]);
  }
  std::size_t size = 1;
  EXPECT_EQ(fle_batch_output(batch.get(), 3, &size), nullptr);
  EXPECT_EQ(size, 0U);
}

TEST_F(CInterface, SaysWhichDocumentAndWhichFieldItRefuses) {
  const Doc documents = patient() + bson("{'ssn': 'canary'}");
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), documents.data(), documents.size(),
                                  error.get()),
            FLE_ERRC_TYPE_NOT_ALLOWED);
  EXPECT_EQ(fle_error_code(error.get()), FLE_ERRC_TYPE_NOT_ALLOWED);
  EXPECT_EQ(fle_error_document(error.get()), 2U);
  EXPECT_STREQ(fle_error_path(error.get()), "ssn");
  EXPECT_EQ(message().find("document 2: field 'ssn': type_not_allowed: "), 0U) << message();
  EXPECT_EQ(message().find("canary"), std::string::npos);
  EXPECT_EQ(fle_buffer_size(out.get()), 0U);
  // What comes behind a document is one, too.
  const Doc cut(documents.begin(), documents.end() - 1);
  EXPECT_EQ(fle_encrypt_documents(cipher.get(), out.get(), cut.data(), cut.size(), error.get()),
            FLE_ERRC_MALFORMED_BSON);
  EXPECT_EQ(fle_error_document(error.get()), 2U);
  // Success takes it all back.
  (void)encrypted(patient());
  EXPECT_EQ(fle_error_code(error.get()), FLE_OK);
  EXPECT_EQ(message() + fle_error_path(error.get()), "");
  EXPECT_EQ(fle_error_document(error.get()), 0U);
}

TEST_F(CInterface, SaysWhereInASchemaAFaultIs) {
  EXPECT_EQ(schema_of("{'bsonType': 'object',\n 'properties': {'ssn': {'encrypt': {'x': 1}}}}"),
            nullptr);
  EXPECT_EQ(fle_error_code(error.get()), FLE_ERRC_SCHEMA_UNKNOWN_KEYWORD);
  EXPECT_STREQ(fle_error_path(error.get()), "/properties/ssn/encrypt/x");
  EXPECT_EQ(fle_error_line(error.get()), 2U);
  EXPECT_NE(fle_error_column(error.get()), 0U);
  // In BSON, or in a map.
  const Doc as_bson = bson(patients_json(id));
  EXPECT_NE(Schema(fle_schema_create_bson(as_bson.data(), as_bson.size(), error.get())), nullptr)
      << message();
  std::string map = "{'a.b': {'bsonType': 'object'}, 'clinic.patients': " + patients_json(id) + "}";
  EXPECT_EQ(schema_of(map), nullptr);
  EXPECT_EQ(fle_error_code(error.get()), FLE_ERRC_SCHEMA_BAD_VALUE);
  for (char& c : map)
    if (c == '\'') c = '"';
  const Schema one(
      fle_schema_create(map.data(), map.size(), "clinic.patients", FLE_NUL, error.get()));
  EXPECT_NE(one, nullptr) << message();
}

TEST_F(CInterface, TakesOptionsOfACipherAsFlags) {
  const Doc plain = bson("{'ssn': null, 'bloodType': 'O'}");
  const auto with = [&](unsigned flags, const Doc& document) -> std::string {
    const Cipher other(fle_cipher_create(keys.get(), schema.get(), flags, error.get()));
    fle_encrypt_documents(other.get(), out.get(), document.data(), document.size(), error.get());
    return fle_errc_name(fle_error_code(error.get()));
  };
  EXPECT_EQ(with(0, plain), "type_not_allowed");
  EXPECT_EQ(with(FLE_KEEP_NULLS | FLE_VERIFY, plain), "ok");
  const Doc sealed = copy(bytes(out));
  EXPECT_TRUE(bson::find_value(sealed, "ssn"));
  EXPECT_EQ(with(FLE_OMIT_NULLS, plain), "ok");
  EXPECT_FALSE(bson::find_value(bytes(out), "ssn"));
  EXPECT_EQ(with(FLE_KEEP_NULLS, sealed), "already_encrypted");
  EXPECT_EQ(with(FLE_KEEP_NULLS | FLE_KEEP_ENCRYPTED, sealed), "ok");
  EXPECT_EQ(copy(bytes(out)), sealed);
}

TEST_F(CInterface, EncryptsValuesAloneInADocumentAndBare) {
  const Doc plain = bson("{'v': {'$numberInt': '241014209'}}");
  ASSERT_EQ(fle_encrypt_value(keys.get(), out.get(), FLE_DETERMINISTIC, id.bytes.data(),
                              plain.data(), plain.size(), error.get()),
            FLE_OK)
      << message();
  const Doc sealed = copy(bytes(out));
  const auto value = bson::find_value(sealed, "v");
  ASSERT_TRUE(value && value->is_encrypted());
  EXPECT_EQ(value, bson::find_value(encrypted(patient()), "ssn"));
  ASSERT_EQ(fle_decrypt_value(keys.get(), out.get(), sealed.data(), sealed.size(), error.get()),
            FLE_OK)
      << message();
  EXPECT_EQ(copy(bytes(out)), plain);

  const Bytes payload = value->as_binary()->bytes;
  std::size_t size = 0;
  int type = 0;
  ASSERT_EQ(fle_decrypt_value_into(keys.get(), nullptr, &size, &type, payload.data(),
                                   payload.size(), error.get()),
            FLE_OK);
  EXPECT_EQ(size, 16U);
  Doc room(size, 0xee);
  ASSERT_EQ(fle_decrypt_value_into(keys.get(), room.data(), &size, &type, payload.data(),
                                   payload.size(), error.get()),
            FLE_OK)
      << message();
  EXPECT_EQ(size, 4U);
  EXPECT_EQ(type, 0x10);
  EXPECT_EQ(Doc(room.begin(), room.begin() + 4), (Doc{0xc1, 0x95, 0x5d, 0x0e}));
  EXPECT_EQ(Doc(room.begin() + 4, room.end()), Doc(12));  // nothing of the padding is left
}

TEST_F(CInterface, KeepsKeysByIdAndByName) {
  KeyId found;
  ASSERT_EQ(fle_keys_find(keys.get(), found.bytes.data(), "patients", FLE_NUL, error.get()),
            FLE_OK);
  EXPECT_EQ(found, id);
  const std::string odd("a\0b", 3);  // a name may hold what BSON may
  ASSERT_EQ(fle_keys_add_name(keys.get(), id.bytes.data(), odd.data(), odd.size(), error.get()),
            FLE_OK);
  ASSERT_EQ(fle_keys_find(keys.get(), found.bytes.data(), odd.data(), odd.size(), error.get()),
            FLE_OK);
  EXPECT_EQ(fle_keys_find(keys.get(), found.bytes.data(), odd.c_str(), FLE_NUL, error.get()),
            FLE_ERRC_KEY_NOT_FOUND);
  // Taken, to another vault, and once more.
  ASSERT_EQ(fle_keys_get(keys.get(), out.get(), id.bytes.data(), error.get()), FLE_OK);
  const Doc document = copy(bytes(out));
  EXPECT_EQ(fle_keys_import(keys.get(), document.data(), document.size(), error.get()),
            FLE_ERRC_KEY_DUPLICATE);
  EXPECT_EQ(fle_error_document(error.get()), 1U);
  ASSERT_EQ(fle_keys_delete(keys.get(), id.bytes.data(), error.get()), FLE_OK);
  EXPECT_EQ(fle_keys_delete(keys.get(), id.bytes.data(), error.get()), FLE_ERRC_KEY_NOT_FOUND);
  EXPECT_EQ(fle_keys_get(keys.get(), out.get(), id.bytes.data(), error.get()),
            FLE_ERRC_KEY_NOT_FOUND);
  ASSERT_EQ(fle_keys_import(keys.get(), document.data(), document.size(), error.get()), FLE_OK);
  EXPECT_EQ(fle_keys_find(keys.get(), found.bytes.data(), odd.data(), odd.size(), error.get()),
            FLE_OK);
}

TEST_F(CInterface, LeavesWhatHasNoKeyIfItIsToldTo) {
  const Doc sealed = encrypted(patient());
  ASSERT_EQ(fle_keys_delete(keys.get(), id.bytes.data(), error.get()), FLE_OK);
  EXPECT_EQ(
      fle_decrypt_documents(cipher.get(), out.get(), sealed.data(), sealed.size(), error.get()),
      FLE_ERRC_KEY_NOT_FOUND);
  const Cipher keeps(fle_cipher_create(keys.get(), nullptr, FLE_KEEP_MISSING_KEYS, error.get()));
  ASSERT_EQ(
      fle_decrypt_documents(keeps.get(), out.get(), sealed.data(), sealed.size(), error.get()),
      FLE_OK)
      << message();
  EXPECT_EQ(fle_buffer_kept(out.get()), 4U);
  EXPECT_EQ(fle_buffer_fields(out.get()), 0U);
  EXPECT_EQ(copy(bytes(out)), sealed);
}

TEST_F(CInterface, TakesProvidersAsJsonAndAsBson) {
  const std::string json = R"({"local": {"key": ")" + std::string(128, 'A') + R"("}})";
  EXPECT_NE(Providers(fle_providers_create(json.data(), json.size(), nullptr, 0, error.get())),
            nullptr)
      << message();
  bson::Writer document;
  document.begin_document("local").add_binary("key", 0, Doc(96)).end();
  const Bytes as_bson = document.finish();
  const Providers providers(
      fle_providers_create_bson(as_bson.data(), as_bson.size(), nullptr, 0, error.get()));
  ASSERT_NE(providers, nullptr) << message();
  EXPECT_EQ(
      fle_providers_add_local(providers.get(), "local", FLE_NUL, json.data(), 96, error.get()),
      FLE_ERRC_KMS_CONFIG_INVALID);
  EXPECT_EQ(Providers(fle_providers_create(R"({"local": {"key": "AA=="}})", FLE_NUL, nullptr, 0,
                                           error.get())),
            nullptr);
  EXPECT_EQ(fle_error_code(error.get()), FLE_ERRC_KMS_CONFIG_INVALID);
  EXPECT_EQ(Providers(fle_providers_create("", 0, nullptr, 0, error.get())), nullptr);
  // A master key of another provider, as drivers give it.
  const KeyOptions options(fle_key_options_create(error.get()));
  EXPECT_EQ(fle_key_options_set_master_key(options.get(), "aws", FLE_NUL,
                                           R"({"region": "us-east-1", "key": "arn:aws:..."})",
                                           FLE_NUL, error.get()),
            FLE_OK)
      << message();
  EXPECT_EQ(fle_keys_create_key(keys.get(), id.bytes.data(), options.get(), error.get()),
            FLE_ERRC_KMS_NOT_CONFIGURED);
  EXPECT_EQ(fle_key_options_set_master_key(options.get(), "aws", FLE_NUL, nullptr, 0, error.get()),
            FLE_ERRC_KEY_DOCUMENT_INVALID);
}

TEST_F(CInterface, PinsMasterKeysAndTakesWhatTlsNeeds) {
  const KmsOptions options(fle_kms_options_create(error.get()));
  const auto set = [&](int which, const char* provider, const char* text) {
    return fle_kms_options_set_text(options.get(), which, provider, FLE_NUL, text, FLE_NUL,
                                    error.get());
  };
  EXPECT_EQ(set(FLE_MASTER_KEY_PIN, "aws", R"({"key": "arn:ours:*"})"), FLE_OK) << message();
  for (const int which : {1, 2, 3})  // FLE_TLS_*
    EXPECT_EQ(set(which, "kmip", "/etc/kmip.pem"), FLE_OK) << message();
  EXPECT_EQ(set(FLE_ALLOWED_ENDPOINT, "aws", "kms.example.com"), FLE_OK);
  EXPECT_EQ(fle_kms_options_set_number(options.get(), FLE_CALL_TIMEOUT_MS, 0, error.get()), FLE_OK);
  EXPECT_EQ(fle_kms_options_set_number(options.get(), FLE_MAX_RETRIES, 0, error.get()), FLE_OK);
  const std::string json = R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"}})";
  const Providers providers(
      fle_providers_create(json.data(), json.size(), options.get(), 0, error.get()));
  ASSERT_NE(providers, nullptr) << message();
  const Vault vault(fle_vault_open_memory(error.get()));
  const Keys pinned(fle_keys_create(vault.get(), providers.get(), 0, error.get()));
  // Another account's key is refused before a byte is sent.
  const KeyOptions key(fle_key_options_create(error.get()));
  ASSERT_EQ(fle_key_options_set_master_key(key.get(), "aws", FLE_NUL,
                                           R"({"region": "us-east-1", "key": "arn:theirs:1"})",
                                           FLE_NUL, error.get()),
            FLE_OK);
  EXPECT_EQ(fle_keys_create_key(pinned.get(), id.bytes.data(), key.get(), error.get()),
            FLE_ERRC_MASTER_KEY_NOT_PINNED)
      << message();

  EXPECT_EQ(set(FLE_MASTER_KEY_PIN, "aws", R"({"key": 5})"), FLE_ERRC_KMS_CONFIG_INVALID);
  EXPECT_STREQ(fle_error_path(error.get()), "key");
  EXPECT_EQ(set(FLE_MASTER_KEY_PIN, "aws", R"({"key": "a", "key": "b"})"),
            FLE_ERRC_KMS_CONFIG_INVALID);
  EXPECT_EQ(set(FLE_MASTER_KEY_PIN, "aws", "{"), FLE_ERRC_KMS_CONFIG_INVALID);
  for (const int which : {0, 6, -1})
    EXPECT_EQ(set(which, "aws", "x"), FLE_ERRC_INVALID_ARGUMENT) << which;
  EXPECT_EQ(set(FLE_TLS_CA_FILE, "aws", ""), FLE_ERRC_INVALID_ARGUMENT);
  for (const int which : {0, 1, 2, 5})
    EXPECT_EQ(fle_kms_options_set_number(options.get(), which, 0, error.get()),
              FLE_ERRC_INVALID_ARGUMENT)
        << which;
}

TEST_F(CInterface, EncryptsCommandsByTheSchemasThatWereSet) {
  const Commands commands(fle_commands_create(keys.get(), 0, error.get()));
  const auto encrypt = [&](const std::string& json) -> std::string {
    const Doc command = bson(json);
    fle_encrypt_command(commands.get(), out.get(), "clinic", FLE_NUL, command.data(),
                        command.size(), error.get());
    return fle_errc_name(fle_error_code(error.get()));
  };
  const std::string find = "{'find': 'patients', 'filter': {'ssn': 241014209}}";
  EXPECT_EQ(encrypt(find), "schema_missing");
  ASSERT_EQ(fle_commands_set_schema(commands.get(), "clinic.patients", FLE_NUL, schema.get(),
                                    error.get()),
            FLE_OK);
  ASSERT_EQ(encrypt(find), "ok") << message();
  EXPECT_EQ(fle_buffer_fields(out.get()), 1U);
  const auto filter = bson::find_value(bytes(out), "filter");
  const auto ssn = bson::find_value(encrypted(patient()), "ssn");
  EXPECT_TRUE(
      filter && ssn &&
      contains(filter->bytes(), std::string(reinterpret_cast<const char*>(ssn->bytes().data()),
                                            ssn->bytes().size())));
  ASSERT_EQ(encrypt("{'insert': 'patients', 'documents': [{'ssn': 1, 'bloodType': 'canary'}]}"),
            "ok");
  EXPECT_FALSE(contains(bytes(out), "canary"));
  EXPECT_EQ(encrypt("{'find': 'patients', 'filter': {'bloodType': 'AB+ canary'}}"),
            "random_not_comparable");
  EXPECT_EQ(message().find("canary"), std::string::npos);
  EXPECT_EQ(fle_buffer_size(out.get()), 0U);
  // A collection in plaintext, on purpose.
  EXPECT_EQ(encrypt("{'find': 'rooms', 'filter': {'ssn': 1}}"), "schema_missing");
  ASSERT_EQ(fle_commands_set_schema(commands.get(), "clinic.rooms", FLE_NUL, nullptr, error.get()),
            FLE_OK);
  ASSERT_EQ(encrypt("{'find': 'rooms', 'filter': {'ssn': 1}}"), "ok") << message();
  EXPECT_EQ(copy(bytes(out)), bson("{'find': 'rooms', 'filter': {'ssn': 1}}"));

  const Doc reply = encrypted(patient());
  ASSERT_EQ(fle_decrypt_reply(commands.get(), out.get(), reply.data(), reply.size(), error.get()),
            FLE_OK);
  EXPECT_EQ(copy(bytes(out)), patient());
  EXPECT_EQ(fle_buffer_fields(out.get()), 4U);
}

TEST_F(CInterface, SaysWhatToWriteInsteadOfWhatIsRefused) {
  const Commands commands(fle_commands_create(keys.get(), 0, error.get()));
  fle_commands_set_schema(commands.get(), "clinic.patients", FLE_NUL, schema.get(), error.get());
  const Doc command = bson("{'find': 'patients', 'filter': {'ssn': {'$gt': 1}}}");
  EXPECT_EQ(fle_encrypt_command(commands.get(), out.get(), "clinic", FLE_NUL, command.data(),
                                command.size(), error.get()),
            FLE_ERRC_OPERATOR_NOT_ALLOWED);
  client::AutoEncrypter::Options options;
  options.schema_map["clinic.patients"] = patients(id);
  client::Message there;
  const client::AutoEncrypter cpp(std::move(options), World().ring());
  ASSERT_FALSE(cpp.encrypt_command("clinic", command, there));
  ASSERT_EQ(there.findings().size(), 1U);
  ASSERT_FALSE(there.findings()[0].advice.empty());
  EXPECT_NE(message().find(there.findings()[0].advice), std::string::npos) << message();
}

// Whatever the pieces, a stream is its documents one by one; deterministic fields alone, so that
// ciphertexts are equal.
TEST_F(CInterface, StreamsGiveTheSameInPiecesOfAnySize) {
  const Schema by_number = schema_of(
      "{'bsonType': 'object', 'properties': {'ssn': {'encrypt': {'bsonType': 'int', 'algorithm': " +
      kDet + ", 'keyId': " + key_json(id) + "}}}}");
  cipher.reset(fle_cipher_create(keys.get(), by_number.get(), 0, error.get()));
  Doc plain;
  for (int i = 0; i < 1000; ++i) plain = std::move(plain) + patient(i);
  const Doc sealed = encrypted(plain);
  for (const std::size_t piece : {plain.size(), std::size_t{100'000}, std::size_t{4097}}) {
    for (const bool encrypts : {true, false}) {
      const Doc& in = encrypts ? plain : sealed;
      const Stream stream(
          fle_stream_create(cipher.get(), encrypts ? FLE_ENCRYPT : FLE_DECRYPT, error.get()));
      Doc all;
      std::uint64_t fields = 0;
      for (std::size_t at = 0; at < in.size(); at += piece) {
        const std::size_t n = std::min(piece, in.size() - at);
        ASSERT_EQ(fle_stream_push(stream.get(), out.get(), in.data() + at, n, error.get()), FLE_OK)
            << message();
        all = std::move(all) + copy(bytes(out));
        fields += fle_buffer_fields(out.get());
      }
      EXPECT_FALSE(all.empty());  // not all of it waits for the end
      ASSERT_EQ(fle_stream_finish(stream.get(), out.get(), error.get()), FLE_OK) << message();
      all = std::move(all) + copy(bytes(out));
      EXPECT_EQ(fields + fle_buffer_fields(out.get()), 1000U);
      EXPECT_TRUE(all == (encrypts ? sealed : plain)) << piece;
    }
  }
}

TEST_F(CInterface, StreamsEndWhereADocumentEndsOrAreRefused) {
  const Doc plain = patient(1) + patient(2);
  for (std::size_t n = plain.size() % kStep; n <= plain.size(); n += kStep) {
    const Stream stream(fle_stream_create(cipher.get(), FLE_ENCRYPT, error.get()));
    for (std::size_t i = 0; i < n; ++i)
      ASSERT_EQ(fle_stream_push(stream.get(), out.get(), plain.data() + i, 1, error.get()), FLE_OK);
    const bool whole = n == 0 || n == patient().size() || n == plain.size();
    ASSERT_EQ(fle_stream_finish(stream.get(), out.get(), error.get()),
              whole ? FLE_OK : FLE_ERRC_TRUNCATED_STREAM)
        << n;
    // The documents that are whole come in any case.
    ASSERT_EQ(fle_buffer_fields(out.get()), 4 * (n / patient().size())) << n;
    if (!whole) {
      ASSERT_EQ(fle_error_document(error.get()), n / patient().size() + 1);
    }
    // The end is the end.
    EXPECT_EQ(fle_stream_push(stream.get(), out.get(), plain.data(), 1, error.get()),
              whole ? FLE_ERRC_INVALID_ARGUMENT : FLE_ERRC_TRUNCATED_STREAM);
    EXPECT_EQ(fle_buffer_size(out.get()), 0U);
  }
}

TEST_F(CInterface, StreamsCountDocumentsFromTheirStart) {
  const Stream stream(fle_stream_create(cipher.get(), FLE_ENCRYPT, error.get()));
  const Doc good = patient();
  const Doc bad = bson("{'ssn': 'no number'}");
  ASSERT_EQ(fle_stream_push(stream.get(), out.get(), good.data(), good.size(), error.get()),
            FLE_OK);
  EXPECT_EQ(fle_buffer_size(out.get()), 0U);
  ASSERT_EQ(fle_stream_flush(stream.get(), out.get(), error.get()), FLE_OK);
  EXPECT_EQ(fle_buffer_fields(out.get()), 4U);
  const Doc more = good + bad;
  ASSERT_EQ(fle_stream_push(stream.get(), out.get(), more.data(), more.size(), error.get()),
            FLE_OK);
  for (int i = 0; i < 2; ++i) {  // and it stays broken
    EXPECT_EQ(fle_stream_flush(stream.get(), out.get(), error.get()), FLE_ERRC_TYPE_NOT_ALLOWED);
    EXPECT_EQ(fle_error_document(error.get()), 3U);
  }
  // What is no document is known before it is there.
  for (const Doc& head : {Doc{4, 0, 0, 0}, Doc{0, 0, 0, 0x80}, Doc{1, 0, 0, 1}}) {
    const Stream other(fle_stream_create(cipher.get(), FLE_DECRYPT, error.get()));
    const int code = fle_stream_push(other.get(), out.get(), head.data(), head.size(), error.get());
    EXPECT_TRUE(code == FLE_ERRC_MALFORMED_BSON || code == FLE_ERRC_DOCUMENT_TOO_LARGE) << code;
    EXPECT_EQ(fle_error_document(error.get()), 1U);
  }
}

// Named for ThreadSanitizer, which runs the tests with threads.
TEST_F(CInterface, ServesThreadsByOneHandle) {
  const Commands commands(fle_commands_create(keys.get(), 0, error.get()));
  fle_commands_set_schema(commands.get(), "clinic.patients", FLE_NUL, schema.get(), error.get());
  const Doc plain = patient();
  const Doc command = bson("{'find': 'patients', 'filter': {'ssn': 241014209}}");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const Error own(fle_error_create());
      const Buffer sealed(fle_buffer_create());
      const Buffer back(fle_buffer_create());
      for (int i = 0; i < 20; ++i) {
        int code = fle_encrypt_documents(cipher.get(), sealed.get(), plain.data(), plain.size(),
                                         own.get());
        code |= fle_decrypt_documents(cipher.get(), back.get(), fle_buffer_data(sealed.get()),
                                      fle_buffer_size(sealed.get()), own.get());
        if (code != FLE_OK || copy(bytes(back)) != plain) ++wrong;
        code = fle_commands_set_schema(commands.get(), "clinic.patients", FLE_NUL, schema.get(),
                                       own.get());
        code |= fle_encrypt_command(commands.get(), sealed.get(), "clinic", FLE_NUL, command.data(),
                                    command.size(), own.get());
        if (code != FLE_OK || fle_buffer_fields(sealed.get()) != 1) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(CInterface, HandlesOutliveWhatTheyWereMadeOf) {
  const Doc sealed = encrypted(patient());
  const Stream stream(fle_stream_create(cipher.get(), FLE_DECRYPT, error.get()));
  schema.reset();
  keys.reset();
  EXPECT_EQ(decrypted(sealed), patient());
  cipher.reset();
  ASSERT_EQ(fle_stream_push(stream.get(), out.get(), sealed.data(), sealed.size(), error.get()),
            FLE_OK);
  ASSERT_EQ(fle_stream_finish(stream.get(), out.get(), error.get()), FLE_OK) << message();
  EXPECT_EQ(copy(bytes(out)), patient());
}

}  // namespace
}  // namespace fle::test::c
