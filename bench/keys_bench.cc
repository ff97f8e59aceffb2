// What it costs to find keys in the cache, by how many are there.
//
//   keys/op:lookup|det_encrypt/impl:fle/keys:N/threads:T
//
// `lookup` takes 64 keys of the cache at random, as a batch of fields does; `det_encrypt` encrypts
// a 16-byte value under each of them besides. Keys are drawn from all that are cached, so among
// 100,000 neither the index nor the keys are in the nearest caches.
#include <random>

#include "bench_main.h"
#include "fle/batch.h"
#include "fle/random.h"
#include "support/local_keys.h"

namespace fle::bench {
namespace {

using test::LocalKeys;

constexpr std::size_t kKeys[] = {1, 1000, 100'000};
constexpr int kThreads[] = {1, 2};
constexpr std::size_t kBatch = 64;
constexpr std::size_t kValueLen = 16;

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
    options.lifetime = std::chrono::milliseconds{0};
    options.max_keys = 0;
    // A hundred thousand keys are more than RLIMIT_MEMLOCK may allow.
    options.lock_policy = LockPolicy::best_effort;
    vault_ = kms::make_memory_vault();
    for (const auto& doc : docs_) LocalKeys::must(vault_->insert(doc));
    providers_ = std::make_shared<kms::Providers>();
    LocalKeys::must(providers_->add_local("local", std::vector<std::uint8_t>(96, 1)));
    ring_ = std::make_unique<kms::KeyRing>(vault_, providers_, options);
    if (!LocalKeys::must(ring_->prewarm_all()).empty()) throw std::runtime_error("missing keys");
    if (ring_->counters().keys != n) throw std::runtime_error("not all keys are cached");
  }

  [[nodiscard]] kms::KeyRing& ring() noexcept { return *ring_; }
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
  std::unique_ptr<kms::KeyRing> ring_;
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

void run_batches(benchmark::State& state, Subject& subject, Job job) {
  const auto ids = subject.draw(static_cast<unsigned>(state.thread_index()));
  kms::KeyLease lease;
  const kms::ResolvedKey* keys[kBatch];
  std::size_t at = 0;
  for (auto _ : state) {
    if (at + kBatch > ids.size()) at = 0;
    const auto batch = std::span(ids).subspan(at, kBatch);
    LocalKeys::must(subject.ring().lease(lease, keys, {}, batch, {}));
    job({keys, kBatch});
    lease.release();
    at += kBatch;
  }
  set_time_per_item(state, kBatch);
}

void add_all() {
  constexpr struct {
    const char* name;
    Job job;
  } kOperations[] = {{"lookup", only_look}, {"det_encrypt", encrypt}};
  for (const std::size_t n : kKeys) {
    const auto subject = std::make_shared<Subject>(n);
    for (const auto& [name, job] : kOperations) {
      for (const int threads : kThreads) {
        const std::string full =
            std::string("keys/op:") + name + "/impl:fle/keys:" + std::to_string(n);
        benchmark::RegisterBenchmark(
            full.c_str(),
            [subject, run = job](benchmark::State& state) { run_batches(state, *subject, run); })
            ->Threads(threads)
            ->UseRealTime();
      }
    }
  }
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
