// Encrypting and decrypting single fields and batches of fields, beside the peers.
//
//   field/op:det_encrypt|rand_encrypt|decrypt/impl:NAME/bytes:N/batch:B[/api:A][/threads:T]
//   field/op:.../impl:NAME/bytes:mixed|short|long/batch:B[/api:A]
//
// `bytes` is the length of the bare BSON value, or a distribution of lengths. Every peer must give
// what libfle gives before anything is timed. With `threads`, each thread has its own batch, all
// have one key, and what counts is wall time. The kernels alone are in limit_rows.h.
#include <map>
#include <random>
#include <thread>

#include "bench_main.h"
#include "field_cipher.h"
#include "limit_rows.h"

namespace fle::bench {
namespace {

constexpr std::size_t kBatch = 64;  // of peers that take many fields at once

/// The lengths of a workload's values, as they stand in the names of rows.
struct Lengths {
  const char* name;
  std::size_t fixed;  // or, where this is 0:
  std::size_t (*draw)(std::mt19937_64& rng, std::size_t i);
};

std::size_t between(std::mt19937_64& rng, std::size_t low, std::size_t high) {
  return low + rng() % (high - low + 1);
}
/// The logarithm uniform over `octaves` from `low` on.
std::size_t log_uniform(std::mt19937_64& rng, std::size_t low, unsigned octaves) {
  const std::size_t octave = low << (rng() % octaves);
  return between(rng, octave, 2 * octave);
}

/// As in records of people: 80 % names, dates and numbers of 5 to 32 bytes (a BSON string has 5 at
/// least), 18 % addresses and notes of 64 to 256 bytes, 2 % reports and images of 1 to 16 KiB.
std::size_t mixed_len(std::mt19937_64& rng, std::size_t /*i*/) {
  const auto percent = rng() % 100;
  if (percent < 80) return between(rng, 5, 32);
  if (percent < 98) return between(rng, 64, 256);
  return log_uniform(rng, 1024, 4);
}
/// The short values that nine of ten fields hold.
std::size_t short_len(std::mt19937_64& rng, std::size_t /*i*/) { return between(rng, 5, 64); }
/// As mixed_len, but every hundredth value is a scan or a film of 64 KiB to 1 MiB.
std::size_t long_len(std::mt19937_64& rng, std::size_t i) {
  return i % 100 == 50 ? log_uniform(rng, 65536, 4) : mixed_len(rng, i);
}

constexpr Lengths kDistributions[] = {
    {"mixed", 0, mixed_len}, {"short", 0, short_len}, {"long", 0, long_len}};
constexpr std::size_t kMixedBatch = 256;  // enough for the few long ones to show
constexpr std::size_t kManyMixed = 1500;  // of libfle and IPsec-MB alone

/// Sizes, and how many of them libfle gets at once. Longer batches of long fields would measure
/// the memory bus.
struct Size {
  Lengths lengths;
  std::vector<std::size_t> batches;
};
const std::vector<Size>& sizes() {
  static const std::vector<std::size_t> kAll = {1, 2, 4, 8, 16, kBatch, 1500};
  static const std::vector<Size> kSizes = {
      {{"4", 4, nullptr}, kAll},           {{"16", 16, nullptr}, kAll},
      {{"64", 64, nullptr}, kAll},         {{"256", 256, nullptr}, kAll},
      {{"1024", 1024, nullptr}, kAll},     {{"16384", 16384, nullptr}, {1, kBatch}},
      {{"1048576", 1048576, nullptr}, {1}}};
  return kSizes;
}
constexpr std::size_t kSmall = 256;  // up to here the tiers without AVX-512 are compared
constexpr Lengths kThreadSizes[] = {{"4", 4, nullptr}, {"64", 64, nullptr}};
constexpr unsigned kThreads[] = {1, 2, 8, 64};

struct Operation {
  const char* name;
  Algorithm algorithm;
  void (FieldCipher::*run)();
};
constexpr Operation kOperations[] = {
    {"det_encrypt", Algorithm::deterministic, &FieldCipher::encrypt},
    {"rand_encrypt", Algorithm::random, &FieldCipher::encrypt},
    {"decrypt", Algorithm::random, &FieldCipher::decrypt},
};

Workload make_workload(Algorithm algorithm, const Lengths& lengths, std::size_t batch) {
  std::mt19937_64 rng(lengths.fixed);
  Workload w;
  w.algorithm = algorithm;
  for (auto& b : w.key_id.bytes) b = static_cast<std::uint8_t>(rng());
  for (int i = 0; i < 96; ++i) w.key.push_back(static_cast<std::uint8_t>(rng()));
  const auto type = lengths.fixed == 4 ? bson::Type::int_ : bson::Type::string;
  for (std::size_t i = 0; i < batch; ++i) {
    const std::size_t len = lengths.fixed != 0 ? lengths.fixed : lengths.draw(rng, i);
    w.values.push_back(test::make_value(type, len, rng));
    if (w.values.back().bytes.size() != len) throw std::runtime_error("not the size asked for");
  }
  const auto fle = make_fle(w);
  fle->encrypt();
  for (std::size_t i = 0; i < batch; ++i) w.payloads.push_back(fle->payload(i));
  return w;
}

/// One for all peers, and for both operations with the random algorithm.
std::shared_ptr<const Workload> workload(Algorithm algorithm, const Lengths& lengths,
                                         std::size_t batch) {
  static std::map<std::tuple<Algorithm, std::string, std::size_t>, std::shared_ptr<const Workload>>
      made;
  auto& w = made[{algorithm, lengths.name, batch}];
  if (w == nullptr) w = std::make_shared<const Workload>(make_workload(algorithm, lengths, batch));
  return w;
}

void expect(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(what);
}

/// Encrypts and decrypts twice, because what a peer keeps from one call to the next must not show:
/// deterministic payloads are libfle's, random ones open in libfle.
void check(const std::string& name, const Workload& w, FieldCipher& peer) {
  for (int round = 0; round < 2; ++round) {
    peer.encrypt();
    peer.decrypt();
  }
  Workload theirs = w;
  for (std::size_t i = 0; i < w.values.size(); ++i) {
    theirs.payloads[i] = peer.payload(i);
    expect(peer.value(i) == w.values[i].bytes, name + " decrypts to something else");
    expect((peer.payload(i) == w.payloads[i]) == (w.algorithm == Algorithm::deterministic),
           name + " encrypts to something else");
  }
  const auto fle = make_fle(theirs);
  fle->decrypt();
  for (std::size_t i = 0; i < w.values.size(); ++i)
    expect(fle->value(i) == w.values[i].bytes, name + " writes what libfle does not read");
}

std::string name_of(const Operation& op, const std::string& impl, const Lengths& lengths,
                    std::size_t batch) {
  return std::string("field/op:") + op.name + "/impl:" + impl + "/bytes:" + lengths.name +
         "/batch:" + std::to_string(batch);
}

void measure(benchmark::State& state, const Workload& w, FieldCipher& cipher, const Operation& op) {
  for (auto _ : state) {
    (cipher.*op.run)();
    benchmark::ClobberMemory();
  }
  set_time_per_item(state, w.values.size());
  state.SetLabel(cipher.label());
}

void add(const Operation& op, const Peer& peer, const Lengths& lengths, std::size_t batch) {
  if (lengths.fixed > peer.max_len) return;
  const std::string name = name_of(op, peer.name, lengths, batch) + peer.suffix;
  const auto w = workload(op.algorithm, lengths, batch);
  const std::shared_ptr<FieldCipher> cipher = peer.make(*w);
  check(name, *w, *cipher);
  benchmark::RegisterBenchmark(
      name.c_str(), [w, cipher, op](benchmark::State& state) { measure(state, *w, *cipher, op); });
}

constexpr Peer kFle{"fle", "", make_fle};
constexpr Peer kFleByOne{"fle_by_one", "", make_fle_by_one};
constexpr Peer kOneAtATime[] = {{"fle_value", "", make_fle_value},
                                {"libmongocrypt", "", make_libmongocrypt},
                                {"openssl", "", make_openssl}};

void add_size(const Operation& op, const Size& size) {
  const Lengths& lengths = size.lengths;
  for (const std::size_t batch : size.batches) add(op, kFle, lengths, batch);
  for (const Peer& peer : kOneAtATime) add(op, peer, lengths, 1);
  if (size.batches.back() < kBatch) return;
  const bool small = lengths.fixed <= kSmall && !fle_peers_without_avx512().empty();
  for (const Peer& peer : ipsec_mb_peers()) {
    const bool avx2 = std::string_view(peer.name) == "ipsec_mb_avx2";
    if (!avx2 || small) add(op, peer, lengths, kBatch);
  }
  if (!small) return;
  for (const Peer& peer : fle_peers_without_avx512()) add(op, peer, lengths, kBatch);
}

void add_distribution(const Operation& op, const Lengths& lengths) {
  for (const std::size_t batch : {kMixedBatch, kManyMixed}) {
    for (const Peer& peer : {kFle, kFleByOne}) add(op, peer, lengths, batch);
    for (const Peer& peer : ipsec_mb_peers())
      if (std::string_view(peer.name) == "ipsec_mb") add(op, peer, lengths, batch);
  }
  for (const Peer& peer : kOneAtATime) add(op, peer, lengths, kMixedBatch);
}

void add_threads(const Operation& op, const Lengths& lengths, unsigned n) {
  const auto w = workload(op.algorithm, lengths, kBatch);
  const auto ciphers =
      std::make_shared<std::vector<std::unique_ptr<FieldCipher>>>(make_fle_threads(*w, n));
  const std::string name = name_of(op, "fle", lengths, kBatch);
  for (const auto& cipher : *ciphers) check(name, *w, *cipher);
  benchmark::RegisterBenchmark(name.c_str(),
                               [w, ciphers, op](benchmark::State& state) {
                                 FieldCipher& cipher =
                                     *(*ciphers)[static_cast<std::size_t>(state.thread_index())];
                                 // Threads are new in each round: their first call makes a
                                 // generator each.
                                 (cipher.*op.run)();
                                 measure(state, *w, cipher, op);
                               })
      ->Threads(static_cast<int>(n))
      ->UseRealTime();
}

void add_all() {
  for (const Operation& op : kOperations) {
    for (const Size& size : sizes()) add_size(op, size);
    for (const Lengths& lengths : kDistributions) add_distribution(op, lengths);
    for (const unsigned n : kThreads) {
      if (n > 2 && n > std::thread::hardware_concurrency()) continue;
      for (const Lengths& lengths : kThreadSizes) add_threads(op, lengths, n);
    }
  }
  add_limit_rows();
}

}  // namespace

#ifndef FLE_BENCH_IPSEC_MB
std::span<const Peer> ipsec_mb_peers() { return {}; }
#endif

}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
