// Encrypting whole commands, beside libmongocrypt's part of the same work.
//
//   command/op:encrypt/impl:fle|libmongocrypt/command:NAME/values:N
//   command/op:analyze|seal/impl:fle/command:NAME/values:N
//
// `encrypt` is AutoEncrypter::encrypt_command, from the application's bytes to those that are sent.
// libmongocrypt is handed the query analyzer's reply, made by libfle and ready: neither the round
// trip to the analyzer nor its work is counted against it, while libfle analyses the command.
// `analyze` is query::analyze alone; `seal` is seal_batch alone, of the same values into memory
// that is ready: what encryption costs when nobody has to find out what to encrypt.
#include "bench_main.h"
#include "fle/batch.h"
#include "fle/client/auto_encrypter.h"
#include "fle/query/analysis.h"
#include "fle/schema/compile.h"
#include "support/local_keys.h"
#include "support/mongocrypt_peer.h"

namespace fle::bench {
namespace {

using test::Buf;
using test::LocalKeys;
using test::MongocryptPeer;

constexpr std::size_t kManyPatients = 1000;
const KeyId kKey{{1, 2, 3}};

/// The patients of MongoDB's guides to field level encryption.
std::string schema_json() {
  const std::string det = R"("algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic")";
  return R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" + kKey.to_string() +
         R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"},
    "properties": {
      "ssn": {"encrypt": {"bsonType": "int", )" +
         det + R"(}},
      "bloodType": {"encrypt": {"bsonType": "string"}},
      "medicalRecords": {"encrypt": {"bsonType": "array"}},
      "insurance": {"bsonType": "object", "properties": {
        "policyNumber": {"encrypt": {"bsonType": "int", )" +
         det + R"(}}}}}})";
}

std::string patient_json(std::size_t i) {
  const std::string n = std::to_string(i);
  return R"({"_id": {"$oid": "5d6ecdce70401f03b27448fc"}, "name": "Jon Doe )" + n +
         R"(", "ssn": )" + std::to_string(241'014'209 + i) +
         R"(, "bloodType": "AB+", "medicalRecords": [{"weight": 180, "bloodPressure": "120/80"}],
          "insurance": {"policyNumber": )" +
         std::to_string(123'142 + i) + R"(, "provider": "MaestCare"}})";
}

std::string insert_json(std::size_t patients) {
  std::string json = R"({"insert": "coll", "documents": [)";
  for (std::size_t i = 0; i < patients; ++i) json += (i == 0 ? "" : ", ") + patient_json(i);
  return json + "], \"ordered\": true}";
}

/// One command, and everything that both sides need to work on it.
class Subject {
 public:
  explicit Subject(const std::string& json) : command_(test::bson_of(json)) {
    const Buf key(96, 0x21);
    keys_.add(kKey, key);
    peer_.add_key(test::with_key_id(peer_.create_data_key({{}, key}), kKey));
    const auto plan = LocalKeys::must(schema::compile_json(schema_json()));
    client::AutoEncrypter::Options options;
    options.schema_map["db.coll"] = plan;
    auto_encrypter_ = std::make_unique<client::AutoEncrypter>(options, keys_.ring());
    schemas_.push_back({"coll", plan});
    analyze();
    make_reply();
    make_jobs();
    check();
  }

  [[nodiscard]] std::size_t values() const { return jobs_.size(); }
  void encrypt() { LocalKeys::must(auto_encrypter_->encrypt_command("db", command_, message_)); }
  void libmongocrypt_encrypt() { peer_.encrypt_insert(theirs_, {command_, reply_}); }
  void analyze() {
    analysis_.clear();
    LocalKeys::must(query::analyze(command_, "db", schemas_, analysis_));
  }
  void seal() {
    if (!seal_batch(jobs_)) throw std::runtime_error("the batch engine refused a value");
  }

 private:
  void make_reply() {
    const Buf marked = LocalKeys::must(query::write_marked(command_, analysis_));
    bson_t result;
    if (!bson_init_static(&result, marked.data(), marked.size()))
      throw std::runtime_error("not a marked command");
    test::BsonDocument reply;
    BSON_APPEND_BOOL(reply.get(), "hasEncryptionPlaceholders", true);
    BSON_APPEND_BOOL(reply.get(), "schemaRequiresEncryption", true);
    BSON_APPEND_DOCUMENT(reply.get(), "result", &result);
    BSON_APPEND_DOUBLE(reply.get(), "ok", 1.0);
    reply_ = reply.bytes();
  }
  /// The values that analysis has found.
  void make_jobs() {
    key_ = LocalKeys::must(keys_.ring()->by_id(kKey));
    const auto marks = analysis_.edits.marks();
    std::size_t size = 0;
    for (const bson::Mark& m : marks) size += payload_len(m.value_size);
    room_.resize(size);
    MutBytes room = room_;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const schema::Leaf* leaf = analysis_.rewrites[i].leaf;
      if (leaf == nullptr) continue;  // a plain value that is written anew
      const Bytes value = Bytes(command_).subspan(marks[i].value_offset, marks[i].value_size);
      const std::size_t n = payload_len(value.size());
      jobs_.push_back({&key_->key, kKey, leaf->algorithm, static_cast<std::uint8_t>(marks[i].type),
                       value, room.first(n)});
      room = room.subspan(n);
    }
  }
  /// Both decrypt what both have encrypted.
  void check() {
    encrypt();
    const Buf ours(message_.output().begin(), message_.output().end());
    libmongocrypt_encrypt();
    if (ours.size() != theirs_.size() || peer_.decrypt_document(ours) != decrypted(theirs_))
      throw std::runtime_error("libfle and libmongocrypt do not encrypt alike");
    if (message_.fields() == 0) throw std::runtime_error("a command without encrypted values");
  }
  Buf decrypted(const Buf& command) {
    return LocalKeys::must(auto_encrypter_->decrypt_reply(command));
  }

  Buf command_;
  LocalKeys keys_{Buf(96, 1)};
  MongocryptPeer peer_{Buf(96, 1), test::bson_of(R"({"db.coll": )" + schema_json() + "}")};
  std::unique_ptr<client::AutoEncrypter> auto_encrypter_;
  client::Message message_;
  std::vector<query::CollectionSchema> schemas_;
  query::Analysis analysis_;
  kms::KeyHandle key_;
  Buf room_;
  std::vector<SealJob> jobs_;
  Buf reply_;
  Buf theirs_;
};

struct Operation {
  const char* name;
  const char* impl;
  void (Subject::*run)();
};
constexpr Operation kOperations[] = {
    {"encrypt", "fle", &Subject::encrypt},
    {"encrypt", "libmongocrypt", &Subject::libmongocrypt_encrypt},
    {"analyze", "fle", &Subject::analyze},
    {"seal", "fle", &Subject::seal},
};

void add(const std::string& command, const std::string& json) {
  const auto s = std::make_shared<Subject>(json);
  for (const Operation& op : kOperations) {
    const std::string name = std::string("command/op:") + op.name + "/impl:" + op.impl +
                             "/command:" + command + "/values:" + std::to_string(s->values());
    benchmark::RegisterBenchmark(name.c_str(), [s, run = op.run](benchmark::State& state) {
      for (auto _ : state) {
        ((*s).*run)();
        benchmark::ClobberMemory();
      }
      set_time_per_item(state, 1);
    });
  }
}

void add_all() {
  add("insert", insert_json(1));
  add("insert", insert_json(kManyPatients));
  add("find", R"({"find": "coll", "filter": {"ssn": 241014209}, "limit": 1})");
  add("update", R"({"update": "coll", "updates": [{"q": {"ssn": 241014209}, "u": {"$set": {
      "bloodType": "AB-", "insurance.policyNumber": 7}}}]})");
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
