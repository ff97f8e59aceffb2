// Encrypting and decrypting whole documents, beside libmongocrypt.
//
//   document/op:encrypt|decrypt/impl:fle|libmongocrypt/fields:N/kind:K/batch:B[/threads:T]
//
// Kinds: `half` has deterministic and random fields in turn, each a string of 16 letters, and a
// plain field between any two. `det` and `rand` have nothing but encrypted strings "value 0001",
// "value 0002" and so on, under names like "key0001": the document whose decryption, with 1,500 of
// them, is the published benchmark of drivers (specification: client-side encryption, benchmarks).
//
// libmongocrypt is handed the analyzer's reply: the round trip to the analyzer, which finds the
// fields, is not counted against it, while libfle finds them itself. With `threads` each thread has
// a batch of its own, all share one cipher, and what counts is wall time.
#include <thread>

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

enum class Kind : std::uint8_t { half, det, rand };
constexpr std::size_t kFields[] = {1, 5, 20, 100, 1500};
constexpr std::size_t kPublished = 1500;  // fields
constexpr unsigned kThreads[] = {1, 2, 8, 64};
constexpr std::size_t kValueLen = 4 + 16 + 1;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestInBatch = 100;

/// One document of each kind, and everything that both sides need to work on it.
class Subject {
 public:
  Subject(Kind kind, std::size_t n_fields) : kind_(kind) {
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
  [[nodiscard]] Algorithm algorithm_of(std::size_t i) const {
    const bool deterministic = kind_ == Kind::det || (kind_ == Kind::half && i % 2 == 0);
    return deterministic ? Algorithm::deterministic : Algorithm::random;
  }
  [[nodiscard]] std::string name_of(std::size_t i) const {
    return kind_ == Kind::half ? "field" + std::to_string(i) : "key" + four_digits(i + 1);
  }
  [[nodiscard]] test::TypedValue value_of(std::size_t i, std::mt19937_64& rng) const {
    if (kind_ == Kind::half) return test::make_value(bson::Type::string, kValueLen, rng);
    const std::string text = "value " + four_digits(i + 1);
    test::BsonDocument d;
    BSON_APPEND_UTF8(d.get(), "v", text.c_str());
    return test::only_value(d.bytes());
  }
  static std::string four_digits(std::size_t n) {
    const std::string s = std::to_string(n);
    return std::string(s.size() < 4 ? 4 - s.size() : 0, '0') + s;
  }
  void make_documents(std::size_t n, const KeyId& id, std::mt19937_64& rng) {
    test::BsonDocument plain;
    test::BsonDocument marked;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string name = name_of(i);
      const auto value = value_of(i, rng);
      test::append_value(plain.get(), name, value);
      test::append_value(marked.get(), name, test::marking(value, algorithm_of(i), id));
      if (kind_ != Kind::half) continue;
      const auto between = test::make_value(bson::Type::long_, 0, rng);
      for (bson_t* d : {plain.get(), marked.get()}) test::append_value(d, "plain" + name, between);
    }
    plain_ = plain.bytes();
    marked_ = marked.bytes();
  }
  [[nodiscard]] std::string schema_of(std::size_t n, const KeyId& id) const {
    std::string s = R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" +
                    id.to_string() + R"("}]}, "properties": {)";
    for (std::size_t i = 0; i < n; ++i) {
      s += (i == 0 ? "\"" : ", \"") + name_of(i) +
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
    if (from_them.size() != encrypted_.size() || (kind_ == Kind::det && from_them != encrypted_) ||
        run_fle(from_them, &client::DocumentCipher::decrypt) != plain_) {
      throw std::runtime_error("libfle does not read what libmongocrypt wrote");
    }
  }

  Kind kind_;
  LocalKeys keys_{Buf(96, 1)};
  MongocryptPeer peer_{Buf(96, 1), test::bson_of(R"({"db.coll": {"bsonType": "object"}})")};
  Buf plain_;
  Buf marked_;
  Buf encrypted_;
  MongocryptPeer::Insert insert_;
  std::unique_ptr<client::DocumentCipher> cipher_;
};

constexpr const char* kKindNames[] = {"half", "det", "rand"};
std::string name_of(const std::string& op, const std::string& impl, std::size_t fields, Kind kind,
                    std::size_t batch) {
  return "document/op:" + op + "/impl:" + impl + "/fields:" + std::to_string(fields) +
         "/kind:" + kKindNames[static_cast<std::size_t>(kind)] + "/batch:" + std::to_string(batch);
}

template <class Run>
void measure(benchmark::State& state, std::size_t n_documents, Run& run) {
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  set_time_per_item(state, n_documents);
}

using Call = Done (client::DocumentCipher::*)(client::Batch&) const;

/// libfle on `n` copies of one document, with a batch of its own.
class FleRun {
 public:
  FleRun(std::shared_ptr<const Subject> s, Call call, std::size_t n)
      : s_(std::move(s)), call_(call), n_(n) {}
  void operator()() {
    const Buf& document = call_ == &client::DocumentCipher::encrypt ? s_->plain() : s_->encrypted();
    batch_.clear();
    for (std::size_t i = 0; i < n_; ++i) batch_.add(document);
    if (!(s_->cipher().*call_)(batch_)) throw std::runtime_error("libfle refused a document");
  }

 private:
  std::shared_ptr<const Subject> s_;
  Call call_;
  std::size_t n_;
  client::Batch batch_;
};

struct Operation {
  const char* name;
  Call fle;
  void (Subject::*libmongocrypt)(Buf& out);
};
constexpr Operation kOperations[] = {
    {"encrypt", &client::DocumentCipher::encrypt, &Subject::libmongocrypt_encrypt},
    {"decrypt", &client::DocumentCipher::decrypt, &Subject::libmongocrypt_decrypt}};

void add_threads(const Operation& op, const std::shared_ptr<Subject>& s, std::size_t fields,
                 Kind kind, unsigned n_threads) {
  std::vector<std::shared_ptr<FleRun>> runs;
  for (unsigned i = 0; i < n_threads; ++i) runs.push_back(std::make_shared<FleRun>(s, op.fle, 1));
  benchmark::RegisterBenchmark(name_of(op.name, "fle", fields, kind, 1).c_str(),
                               [runs](benchmark::State& state) {
                                 FleRun& run =
                                     *runs[static_cast<std::size_t>(state.thread_index())];
                                 // Threads are new in each round, and so is what they begin with.
                                 run();
                                 measure(state, 1, run);
                               })
      ->Threads(static_cast<int>(n_threads))
      ->UseRealTime();
}

void add(Kind kind, std::size_t fields) {
  const auto s = std::make_shared<Subject>(kind, fields);
  for (const Operation& op : kOperations) {
    for (const std::size_t batch : {std::size_t{1}, kBatch}) {
      if (batch > 1 && fields > kLargestInBatch) continue;
      benchmark::RegisterBenchmark(name_of(op.name, "fle", fields, kind, batch).c_str(),
                                   [batch, run = std::make_shared<FleRun>(s, op.fle, batch)](
                                       benchmark::State& state) { measure(state, batch, *run); });
    }
    benchmark::RegisterBenchmark(name_of(op.name, "libmongocrypt", fields, kind, 1).c_str(),
                                 [s, op, out = std::make_shared<Buf>()](benchmark::State& state) {
                                   const auto run = [&] { ((*s).*op.libmongocrypt)(*out); };
                                   measure(state, 1, run);
                                 });
    if (fields != kPublished || kind == Kind::half) continue;
    for (const unsigned n : kThreads) {
      if (n <= 2 || n <= std::thread::hardware_concurrency()) add_threads(op, s, fields, kind, n);
    }
  }
}

void add_all() {
  for (const std::size_t fields : kFields) add(Kind::half, fields);
  for (const Kind kind : {Kind::det, Kind::rand}) add(kind, kPublished);
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
