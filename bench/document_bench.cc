// Encrypting and decrypting whole documents, beside libmongocrypt.
//
//   document/op:encrypt|decrypt/impl:fle|libmongocrypt/fields:N/batch:B
//
// Half of the fields are deterministic, half random; each is a string of 16 letters; a plain field
// stands between any two. libmongocrypt is handed the analyser's reply: the round trip to the
// analyser, which finds the fields, is not counted against it, while libfle finds them itself.
#include "bench_main.h"
#include "fle/client/document_cipher.h"
#include "fle/schema/compile.h"
#include "support/local_keys.h"
#include "support/mongocrypt_peer.h"

namespace fle::bench {
namespace {

using test::Buf;
using test::LocalKeys;
using test::MongocryptPeer;

constexpr std::size_t kFields[] = {1, 5, 20, 100, 1500};
constexpr std::size_t kValueLen = 4 + 16 + 1;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestInBatch = 100;

/// One document of each kind, and everything that both sides need to work on it.
class Subject {
 public:
  explicit Subject(std::size_t n_fields) {
    std::mt19937_64 rng(n_fields);
    const Buf key(96, 0x21);
    const KeyId id{{1, 2, 3}};
    keys_.add(id, key);
    peer_.add_key(test::with_key_id(peer_.create_data_key({{}, key}), id));
    make_documents(n_fields, id, rng);
    const std::string schema = schema_of(n_fields, id);
    cipher_ = std::make_unique<client::DocumentCipher>(
        LocalKeys::must(schema::compile_json(schema)), keys_.ring());
    insert_ = MongocryptPeer::prepare_insert({plain_}, {marked_});
    encrypted_ = run_fle(plain_, &client::DocumentCipher::encrypt);
    check();
  }

  [[nodiscard]] const Buf& plain() const { return plain_; }
  [[nodiscard]] const Buf& encrypted() const { return encrypted_; }
  [[nodiscard]] const client::DocumentCipher& cipher() const { return *cipher_; }
  void libmongocrypt_encrypt(Buf& out) { peer_.encrypt_insert(out, insert_); }
  void libmongocrypt_decrypt(Buf& out) { peer_.decrypt_document(out, encrypted_); }

 private:
  static Algorithm algorithm_of(std::size_t i) {
    return i % 2 == 0 ? Algorithm::deterministic : Algorithm::random;
  }
  void make_documents(std::size_t n, const KeyId& id, std::mt19937_64& rng) {
    test::BsonDocument plain;
    test::BsonDocument marked;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string name = "field" + std::to_string(i);
      const auto value = test::make_value(bson::Type::string, kValueLen, rng);
      const auto between = test::make_value(bson::Type::long_, 0, rng);
      test::append_value(plain.get(), name, value);
      test::append_value(marked.get(), name, test::marking(value, algorithm_of(i), id));
      for (bson_t* d : {plain.get(), marked.get()}) test::append_value(d, "plain" + name, between);
    }
    plain_ = plain.bytes();
    marked_ = marked.bytes();
  }
  static std::string schema_of(std::size_t n, const KeyId& id) {
    std::string s = R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" +
                    to_uuid_string(id) + R"("}]}, "properties": {)";
    for (std::size_t i = 0; i < n; ++i) {
      s += (i == 0 ? "\"field" : ", \"field") + std::to_string(i) +
           R"(": {"encrypt": {"bsonType": "string", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)" +
           (algorithm_of(i) == Algorithm::deterministic ? "Deterministic" : "Random") + "\"}}";
    }
    return s + "}}";
  }
  Buf run_fle(const Buf& in, Done (client::DocumentCipher::*run)(client::Batch&) const) const {
    client::Batch batch;
    batch.add(in);
    LocalKeys::must((cipher_.get()->*run)(batch));
    return {batch.output(0).begin(), batch.output(0).end()};
  }
  void check() {
    Buf theirs;
    libmongocrypt_decrypt(theirs);
    if (theirs != plain_) throw std::runtime_error("libmongocrypt does not read what libfle wrote");
    const Buf from_them = peer_.encrypt_inserts({plain_}, {marked_}).at(0);
    if (from_them.size() != encrypted_.size() ||
        run_fle(from_them, &client::DocumentCipher::decrypt) != plain_) {
      throw std::runtime_error("libfle does not read what libmongocrypt wrote");
    }
  }

  LocalKeys keys_{Buf(96, 1)};
  MongocryptPeer peer_{Buf(96, 1), test::bson_of(R"({"db.coll": {"bsonType": "object"}})")};
  Buf plain_;
  Buf marked_;
  Buf encrypted_;
  MongocryptPeer::Insert insert_;
  std::unique_ptr<client::DocumentCipher> cipher_;
};

template <class Run>
void add(const std::string& op, const std::string& impl, std::size_t fields, std::size_t batch,
         Run run) {
  const std::string name = "document/op:" + op + "/impl:" + impl +
                           "/fields:" + std::to_string(fields) + "/batch:" + std::to_string(batch);
  benchmark::RegisterBenchmark(name.c_str(), [run, batch](benchmark::State& state) mutable {
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    set_time_per_item(state, batch);
  });
}

void add_fle(const std::shared_ptr<Subject>& s, std::size_t fields, std::size_t n_documents) {
  const auto run = [s, n_documents, batch = std::make_shared<client::Batch>()](const Buf& document,
                                                                               const auto& call) {
    batch->clear();
    for (std::size_t i = 0; i < n_documents; ++i) batch->add(document);
    if (!call(*batch)) throw std::runtime_error("libfle refused a document");
  };
  add("encrypt", "fle", fields, n_documents, [s, run] {
    run(s->plain(), [&](client::Batch& b) { return s->cipher().encrypt(b).has_value(); });
  });
  add("decrypt", "fle", fields, n_documents, [s, run] {
    run(s->encrypted(), [&](client::Batch& b) { return s->cipher().decrypt(b).has_value(); });
  });
}

void add_all() {
  for (const std::size_t fields : kFields) {
    const auto s = std::make_shared<Subject>(fields);
    add_fle(s, fields, 1);
    if (fields <= kLargestInBatch) add_fle(s, fields, kBatch);
    add("encrypt", "libmongocrypt", fields, 1,
        [s, out = Buf()]() mutable { s->libmongocrypt_encrypt(out); });
    add("decrypt", "libmongocrypt", fields, 1,
        [s, out = Buf()]() mutable { s->libmongocrypt_decrypt(out); });
  }
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
