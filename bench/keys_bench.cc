// What it costs to find keys in the cache, by how many are there.
//
//   keys/op:OP/impl:fle|libmongocrypt/keys:N/threads:T
//
// lookup_one        takes a key of the cache at random
// lookup            64 keys at once, as a batch of fields does
// det_encrypt       encrypts a 16-byte value under each of 64 keys besides
// decrypt_batch     decrypts 64 documents with one such field each
// decrypt_document  one such document at a time, as libmongocrypt does, whose cache is a list: it
//                   is given no more than 1,000 keys
//
// Keys are drawn from all that are cached, so among 100,000 neither the index nor the keys are in
// the nearest caches.
#include <random>

#include "bench_main.h"
#include "fle/batch.h"
#include "fle/client/document_cipher.h"
#include "fle/random.h"
#include "support/local_keys.h"
#include "support/mongocrypt_peer.h"

namespace fle::bench {
namespace {

using test::Buf;
using test::LocalKeys;
using test::MongocryptPeer;

constexpr std::size_t kKeys[] = {1, 1000, 100'000};
constexpr int kThreads[] = {1, 2};
constexpr std::size_t kBatch = 64;
constexpr std::size_t kValueLen = 16;
constexpr std::size_t kMostForPeer = 1000;

/// A ring that holds `n` keys.
class Subject {
 public:
  explicit Subject(std::size_t n) {
    LocalKeys keys(std::vector<std::uint8_t>(96, 1));
    std::vector<std::uint8_t> material(96);
    std::mt19937_64 rng(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (auto& byte : material) byte = static_cast<std::uint8_t>(rng());
      auto id = random_key_id();
      if (!id) throw std::runtime_error(id.error().where);
      ids_.push_back(*id);
      docs_.push_back(keys.add(*id, material));
    }
    kms::KeyRingOptions options;
    options.lifetime = std::chrono::hours{24};
    options.max_keys = 0;
    // A hundred thousand keys are more than RLIMIT_MEMLOCK may allow.
    options.lock_policy = LockPolicy::best_effort;
    vault_ = kms::make_memory_vault();
    for (const auto& doc : docs_) LocalKeys::must(vault_->insert(doc));
    providers_ = std::make_shared<kms::Providers>();
    LocalKeys::must(providers_->add_local("local", std::vector<std::uint8_t>(96, 1)));
    ring_ = std::make_shared<kms::KeyRing>(vault_, providers_, options);
    if (!LocalKeys::must(ring_->prewarm_all()).empty()) throw std::runtime_error("missing keys");
    if (ring_->counters().keys != n) throw std::runtime_error("not all keys are cached");
  }

  [[nodiscard]] kms::KeyRing& ring() noexcept { return *ring_; }
  [[nodiscard]] const std::shared_ptr<kms::KeyRing>& shared_ring() const noexcept { return ring_; }
  [[nodiscard]] const std::vector<kms::KeyDocument>& key_documents() const noexcept {
    return docs_;
  }
  /// Ids in random order, each key as often as any other; at least a batch.
  [[nodiscard]] std::vector<KeyId> draw(unsigned seed) const {
    std::vector<KeyId> out;
    while (out.size() < kBatch) out.insert(out.end(), ids_.begin(), ids_.end());
    std::shuffle(out.begin(), out.end(), std::mt19937_64(seed));
    return out;
  }

 private:
  std::vector<KeyId> ids_;
  std::vector<kms::KeyDocument> docs_;
  std::shared_ptr<kms::KeyVault> vault_;
  std::shared_ptr<kms::Providers> providers_;
  std::shared_ptr<kms::KeyRing> ring_;
};

using Job = void (*)(std::span<const kms::ResolvedKey* const> keys);

void only_look(std::span<const kms::ResolvedKey* const> keys) {
  benchmark::DoNotOptimize(keys.data());
}

void encrypt(std::span<const kms::ResolvedKey* const> keys) {
  thread_local const std::vector<std::uint8_t> value(kValueLen, 7);
  thread_local std::vector<std::uint8_t> out(kBatch * payload_len(kValueLen));
  SealJob jobs[kBatch];
  for (std::size_t i = 0; i < keys.size(); ++i) {
    jobs[i] = {&keys[i]->key,
               keys[i]->id,
               Algorithm::deterministic,
               0x02,
               value,
               MutBytes(out).subspan(i * payload_len(kValueLen), payload_len(kValueLen))};
  }
  if (!seal_batch({jobs, keys.size()})) throw std::runtime_error("seal_batch");
}

/// Takes `n` keys at once.
void run_batches(benchmark::State& state, Subject& subject, Job job, std::size_t n) {
  const auto ids = subject.draw(static_cast<unsigned>(state.thread_index()));
  kms::KeyLease lease;
  const kms::ResolvedKey* keys[kBatch];
  std::size_t at = 0;
  for (auto _ : state) {
    if (at + n > ids.size()) at = 0;
    const auto batch = std::span(ids).subspan(at, n);
    LocalKeys::must(subject.ring().lease(lease, {.ids = batch, .by_id = std::span(keys).first(n)}));
    job({keys, n});
    lease.release();
    at += n;
  }
  set_time_per_item(state, n);
}

/// {v: 16 bytes} for each of `ids`, encrypted.
std::vector<Buf> make_documents(kms::KeyRing& ring, std::span<const KeyId> ids) {
  std::mt19937_64 rng(ids.size());
  std::vector<Buf> out;
  for (const KeyId& id : ids) {
    const auto value = test::make_value(bson::Type::string, kValueLen, rng);
    Buf payload(payload_len(value.bytes.size()));
    const auto key = LocalKeys::must(ring.by_id(id));
    const SealJob job{&key->key, id, Algorithm::random, 0x02, value.bytes, payload};
    if (!seal_batch({&job, 1})) throw std::runtime_error("seal_batch");
    out.push_back(test::document_with_v(test::binary(6, payload)));
  }
  return out;
}

/// Decrypts `n` documents a call.
void run_documents(benchmark::State& state, Subject& subject, std::size_t n) {
  const auto ids = subject.draw(static_cast<unsigned>(state.thread_index()));
  const auto documents = make_documents(subject.ring(), ids);
  const client::DocumentCipher cipher(nullptr, subject.shared_ring());
  client::Batch batch;
  std::size_t at = 0;
  for (auto _ : state) {
    if (at + n > documents.size()) at = 0;
    batch.clear();
    for (std::size_t i = 0; i < n; ++i) batch.add(documents[at + i]);
    LocalKeys::must(cipher.decrypt(batch));
    at += n;
  }
  set_time_per_item(state, n);
}

/// libmongocrypt with the keys of a subject in its cache; checked to read what libfle wrote.
class Peer {
 public:
  explicit Peer(Subject& subject) : documents_(make_documents(subject.ring(), subject.draw(0))) {
    for (const auto& doc : subject.key_documents()) peer_.add_key(kms::to_bson(doc));
    const client::DocumentCipher cipher(nullptr, subject.shared_ring());
    client::Batch batch;
    for (const Buf& document : documents_) batch.add(document);
    LocalKeys::must(cipher.decrypt(batch));
    for (std::size_t i = 0; i < documents_.size(); ++i) {
      const Bytes ours = batch.output(i);
      if (peer_.decrypt_document(documents_[i]) != Buf(ours.begin(), ours.end()))
        throw std::runtime_error("libmongocrypt reads something else");
    }
  }
  void run(benchmark::State& state) {
    std::size_t at = 0;
    for (auto _ : state) {
      peer_.decrypt_document(out_, documents_[at]);
      at = (at + 1) % documents_.size();
    }
    set_time_per_item(state, 1);
  }

 private:
  std::vector<Buf> documents_;
  MongocryptPeer peer_{Buf(96, 1)};
  Buf out_;
};

std::string name_of(const char* op, const char* impl, std::size_t keys) {
  return std::string("keys/op:") + op + "/impl:" + impl + "/keys:" + std::to_string(keys);
}

void add_document_benchmarks(const std::shared_ptr<Subject>& subject, std::size_t n_keys) {
  constexpr struct {
    const char* name;
    std::size_t documents;
  } kOperations[] = {{"decrypt_batch", kBatch}, {"decrypt_document", 1}};
  for (const auto& [op, n] : kOperations) {
    for (const int threads : kThreads) {
      benchmark::RegisterBenchmark(
          name_of(op, "fle", n_keys).c_str(),
          [subject, n = n](benchmark::State& state) { run_documents(state, *subject, n); })
          ->Threads(threads)
          ->UseRealTime();
    }
  }
  if (n_keys > kMostForPeer) return;
  benchmark::RegisterBenchmark(
      name_of("decrypt_document", "libmongocrypt", n_keys).c_str(),
      [peer = std::make_shared<Peer>(*subject)](benchmark::State& state) { peer->run(state); })
      ->Threads(1)
      ->UseRealTime();
}

void add_all() {
  constexpr struct {
    const char* name;
    Job job;
    std::size_t keys_at_once;
  } kOperations[] = {{"lookup_one", only_look, 1},
                     {"lookup", only_look, kBatch},
                     {"det_encrypt", encrypt, kBatch}};
  for (const std::size_t n : kKeys) {
    const auto subject = std::make_shared<Subject>(n);
    for (const auto& [name, job, at_once] : kOperations) {
      for (const int threads : kThreads) {
        benchmark::RegisterBenchmark(name_of(name, "fle", n).c_str(),
                                     [subject, run = job, k = at_once](benchmark::State& state) {
                                       run_batches(state, *subject, run, k);
                                     })
            ->Threads(threads)
            ->UseRealTime();
      }
    }
    add_document_benchmarks(subject, n);
  }
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
