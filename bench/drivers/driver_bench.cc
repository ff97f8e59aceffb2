// driver_bench URI EXTRA: libmongoc with automatic encryption, and whichever libmongocrypt.so.0 it
// finds, inserts 1,000 patients in one call and finds a document of 1,500 encrypted fields. EXTRA:
// the driver's extra options as Extended JSON, or "plain" for a client that does not encrypt.
// Prints a line for each: its name and the median in milliseconds. drivers.py runs this.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <mongoc/mongoc.h>

namespace {

constexpr int kPatients = 1000;
constexpr int kFields = 1500;
constexpr int kRounds = 15;

bson_error_t error;
void must(bool done) {
  if (!done) throw std::runtime_error(error.message);
}

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
/// Owns one; bson_t has an attribute that std::unique_ptr would lose.
class Bson {
 public:
  explicit Bson(bson_t* b) noexcept : b_(b) {}
  Bson(Bson&& other) noexcept : b_(std::exchange(other.b_, nullptr)) {}
  Bson& operator=(Bson&&) = delete;
  ~Bson() { bson_destroy(b_); }
  [[nodiscard]] bson_t* get() const noexcept { return b_; }

 private:
  bson_t* b_;
};
using Client = std::unique_ptr<mongoc_client_t, FreeWith<mongoc_client_destroy>>;
using Collection = std::unique_ptr<mongoc_collection_t, FreeWith<mongoc_collection_destroy>>;
using Cursor = std::unique_ptr<mongoc_cursor_t, FreeWith<mongoc_cursor_destroy>>;
using Bulk = std::unique_ptr<mongoc_bulk_operation_t, FreeWith<mongoc_bulk_operation_destroy>>;
using AutoOptions =
    std::unique_ptr<mongoc_auto_encryption_opts_t, FreeWith<mongoc_auto_encryption_opts_destroy>>;
using KeyOptions = std::unique_ptr<mongoc_client_encryption_opts_t,
                                   FreeWith<mongoc_client_encryption_opts_destroy>>;
using Encryption =
    std::unique_ptr<mongoc_client_encryption_t, FreeWith<mongoc_client_encryption_destroy>>;

Bson json(const std::string& text) {
  Bson b(bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                            static_cast<ssize_t>(text.size()), &error));
  must(b.get() != nullptr);
  return b;
}
std::string text_of(const bson_t* b) {
  char* text = bson_as_canonical_extended_json(b, nullptr);
  std::string out = text;
  bson_free(text);
  return out;
}

Bson providers() {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "Wlpa";
  return json(R"({"local": {"key": {"$binary": {"base64": ")" + key + R"(", "subType": "00"}}}})");
}

/// A new data key's id, as Extended JSON.
std::string new_key(mongoc_client_t* client) {
  const KeyOptions options(mongoc_client_encryption_opts_new());
  mongoc_client_encryption_opts_set_keyvault_client(options.get(), client);
  mongoc_client_encryption_opts_set_keyvault_namespace(options.get(), "bench", "keys");
  mongoc_client_encryption_opts_set_kms_providers(options.get(), providers().get());
  const Encryption encryption(mongoc_client_encryption_new(options.get(), &error));
  must(encryption != nullptr);
  bson_value_t id;
  const std::unique_ptr<mongoc_client_encryption_datakey_opts_t,
                        FreeWith<mongoc_client_encryption_datakey_opts_destroy>>
      of_key(mongoc_client_encryption_datakey_opts_new());
  must(mongoc_client_encryption_create_datakey(encryption.get(), "local", of_key.get(), &id,
                                               &error));
  const Bson b(bson_new());
  bson_append_value(b.get(), "v", -1, &id);
  bson_value_destroy(&id);
  const std::string all = text_of(b.get());
  return all.substr(all.find(':') + 1, all.rfind('}') - all.find(':') - 1);
}

std::string schema_map(const std::string& key) {
  const std::string start = R"({"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)";
  return R"({"bench.patients": {"bsonType": "object", "encryptMetadata": {"keyId": [)" + key +
         R"(]}, "properties": {"ssn": )" + start + R"(Deterministic", "bsonType": "int"}},
         "bloodType": )" +
         start + R"(Random", "bsonType": "string"}}, "medicalRecords": )" + start +
         R"(Random", "bsonType": "array"}}}}})";
}

void enable(mongoc_client_t* client, const std::string& schemas, const char* extra) {
  const AutoOptions options(mongoc_auto_encryption_opts_new());
  mongoc_auto_encryption_opts_set_keyvault_namespace(options.get(), "bench", "keys");
  mongoc_auto_encryption_opts_set_kms_providers(options.get(), providers().get());
  mongoc_auto_encryption_opts_set_schema_map(options.get(), json(schemas).get());
  mongoc_auto_encryption_opts_set_extra(options.get(), json(extra).get());
  must(mongoc_client_enable_auto_encryption(client, options.get(), &error));
}

/// A document of many encrypted values, each that of the first patient.
void insert_wide(mongoc_collection_t* plain) {
  const Cursor cursor(
      mongoc_collection_find_with_opts(plain, json(R"({"_id": 0})").get(), nullptr, nullptr));
  const bson_t* patient = nullptr;
  bson_iter_t ssn;
  must(mongoc_cursor_next(cursor.get(), &patient) && bson_iter_init_find(&ssn, patient, "ssn"));
  const Bson wide(bson_new());
  BSON_APPEND_INT32(wide.get(), "_id", -1);
  for (int i = 0; i < kFields; ++i) {
    BSON_APPEND_UTF8(wide.get(), ("plain" + std::to_string(i)).c_str(),
                     "some other text of the document");
    bson_append_iter(wide.get(), ("field" + std::to_string(i)).c_str(), -1, &ssn);
  }
  must(mongoc_collection_insert_one(plain, wide.get(), nullptr, nullptr, &error));
}

template <class Prepare, class Timed>
void measure(const char* name, Prepare prepare, Timed timed) {
  std::vector<double> all;
  for (int i = 0; i < kRounds; ++i) {
    prepare();
    const auto start = std::chrono::steady_clock::now();
    timed();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    all.push_back(took.count());
  }
  std::ranges::nth_element(all, all.begin() + kRounds / 2);
  std::printf("%s %.3f\n", name, all[kRounds / 2]);
}

void run(const char* uri, const std::string& extra) {
  const Client plain_client(mongoc_client_new(uri));
  const Client client(mongoc_client_new(uri));
  must(plain_client != nullptr && client != nullptr);
  const std::string key = new_key(plain_client.get());
  if (extra != "plain") enable(client.get(), schema_map(key), extra.c_str());
  const Collection plain(mongoc_client_get_collection(plain_client.get(), "bench", "patients"));
  const Collection patients(mongoc_client_get_collection(client.get(), "bench", "patients"));

  std::vector<Bson> documents;
  for (int i = 0; i < kPatients; ++i)
    documents.push_back(json(R"({"_id": )" + std::to_string(i) + R"(, "name": "Jon Doe", "ssn": )" +
                             std::to_string(241'014'209 + i) + R"(, "bloodType": "AB+",
                             "medicalRecords": [{"weight": 180, "bloodPressure": "120/80"}]})"));
  measure(
      "insert", [&] { (void)mongoc_collection_drop(plain.get(), nullptr); },
      [&] {
        const Bulk bulk(mongoc_collection_create_bulk_operation_with_opts(patients.get(), nullptr));
        for (const Bson& d : documents)
          must(mongoc_bulk_operation_insert_with_opts(bulk.get(), d.get(), nullptr, &error));
        must(mongoc_bulk_operation_execute(bulk.get(), nullptr, &error) != 0);
      });
  insert_wide(plain.get());
  const Bson filter = json(R"({"_id": -1})");
  measure(
      "find", [] {},
      [&] {
        const Cursor cursor(
            mongoc_collection_find_with_opts(patients.get(), filter.get(), nullptr, nullptr));
        const bson_t* found = nullptr;
        must(mongoc_cursor_next(cursor.get(), &found));
      });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  mongoc_init();
  try {
    run(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "driver_bench: %s\n", e.what());
    return 1;
  }
  mongoc_cleanup();
  return 0;
}
