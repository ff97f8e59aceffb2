// Encrypting and decrypting single fields and batches of fields, beside the peers.
//
//   field/op:det_encrypt|rand_encrypt|decrypt/impl:NAME/bytes:N|mixed/batch:B[/api:A][/threads:T]
//
// `bytes` is the length of the bare BSON value. Every peer must give what libfle gives before
// anything is timed. With `threads`, each thread has its own batch, all have one key, and what
// counts is wall time.
#include <random>
#include <thread>

#include "bench_main.h"
#include "field_cipher.h"

namespace fle::bench {
namespace {

constexpr std::size_t kBatch = 64;        // of peers that take many fields at once
constexpr std::size_t kMixedBatch = 256;  // enough for the few long ones to show
constexpr std::size_t kMixed = 0;         // as a size: lengths from mixed_len()

/// Sizes, and how many of them libfle gets at once. Longer batches of long fields would measure
/// the memory bus.
struct Size {
  std::size_t len;
  std::vector<std::size_t> batches;
};
const std::vector<Size>& sizes() {
  static const std::vector<std::size_t> kAll = {1, 2, 4, 8, 16, kBatch, 1500};
  static const std::vector<Size> kSizes = {{4, kAll},
                                           {16, kAll},
                                           {64, kAll},
                                           {256, kAll},
                                           {1024, {1, 2, 4, 8, 16, kBatch}},
                                           {16384, {1, kBatch}},
                                           {1048576, {1}}};
  return kSizes;
}
constexpr std::size_t kSmall = 64;  // up to here the AVX2 tiers are compared
constexpr std::size_t kThreadSizes[] = {4, 64};
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

/// Lengths as in records of people: 80 % names, dates and numbers of 5 to 32 bytes (a BSON string
/// has 5 at least), 18 % addresses and notes of 64 to 256 bytes, 2 % reports and images of 1 to
/// 16 KiB, the logarithm uniform.
std::size_t mixed_len(std::mt19937_64& rng) {
  const auto between = [&rng](std::size_t low, std::size_t high) {
    return low + rng() % (high - low + 1);
  };
  const auto percent = rng() % 100;
  if (percent < 80) return between(5, 32);
  if (percent < 98) return between(64, 256);
  const std::size_t octave = std::size_t{1024} << (rng() % 4);
  return between(octave, 2 * octave);
}

Workload make_workload(Algorithm algorithm, std::size_t size, std::size_t batch) {
  std::mt19937_64 rng(size);
  Workload w;
  w.algorithm = algorithm;
  for (auto& b : w.key_id.bytes) b = static_cast<std::uint8_t>(rng());
  for (int i = 0; i < 96; ++i) w.key.push_back(static_cast<std::uint8_t>(rng()));
  const auto type = size == 4 ? bson::Type::int_ : bson::Type::string;
  for (std::size_t i = 0; i < batch; ++i) {
    const std::size_t len = size == kMixed ? mixed_len(rng) : size;
    w.values.push_back(test::make_value(type, len, rng));
    if (w.values.back().bytes.size() != len) throw std::runtime_error("not the size asked for");
  }
  const auto fle = make_fle(w);
  fle->encrypt();
  for (std::size_t i = 0; i < batch; ++i) w.payloads.push_back(fle->payload(i));
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

std::string name_of(const Operation& op, const std::string& impl, std::size_t size,
                    std::size_t batch) {
  return std::string("field/op:") + op.name + "/impl:" + impl +
         "/bytes:" + (size == kMixed ? "mixed" : std::to_string(size)) +
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

void add(const Operation& op, const Peer& peer, std::size_t size, std::size_t batch) {
  if (size > peer.max_len) return;
  const std::string name = name_of(op, peer.name, size, batch) + peer.suffix;
  const auto w = std::make_shared<const Workload>(make_workload(op.algorithm, size, batch));
  const std::shared_ptr<FieldCipher> cipher = peer.make(*w);
  check(name, *w, *cipher);
  benchmark::RegisterBenchmark(
      name.c_str(), [w, cipher, op](benchmark::State& state) { measure(state, *w, *cipher, op); });
}

constexpr Peer kFle{"fle", "", make_fle};
constexpr Peer kFleAvx2{"fle_avx2", "", make_fle_avx2};
constexpr Peer kOneAtATime[] = {{"fle_value", "", make_fle_value},
                                {"libmongocrypt", "", make_libmongocrypt},
                                {"openssl", "", make_openssl}};

void add_peers(const Operation& op, std::size_t size, std::size_t one, std::size_t many) {
  for (const Peer& peer : kOneAtATime) add(op, peer, size, one);
  const bool small = size <= kSmall && size != kMixed;
  for (const Peer& peer : ipsec_mb_peers()) {
    const bool avx2 = std::string_view(peer.name) == "ipsec_mb_avx2";
    if (many > 1 && (!avx2 || (small && has_avx2()))) add(op, peer, size, many);
  }
  if (small && has_avx2()) add(op, kFleAvx2, size, many);
}

void add_threads(const Operation& op, std::size_t size, unsigned n) {
  const auto w = std::make_shared<const Workload>(make_workload(op.algorithm, size, kBatch));
  const auto ciphers =
      std::make_shared<std::vector<std::unique_ptr<FieldCipher>>>(make_fle_threads(*w, n));
  for (const auto& cipher : *ciphers) check(name_of(op, "fle", size, kBatch), *w, *cipher);
  benchmark::RegisterBenchmark(
      name_of(op, "fle", size, kBatch).c_str(),
      [w, ciphers, op](benchmark::State& state) {
        measure(state, *w, *(*ciphers)[static_cast<std::size_t>(state.thread_index())], op);
      })
      ->Threads(static_cast<int>(n))
      ->UseRealTime();
}

void add_all() {
  for (const Operation& op : kOperations) {
    for (const Size& size : sizes()) {
      for (const std::size_t batch : size.batches) add(op, kFle, size.len, batch);
      add_peers(op, size.len, 1, std::min(kBatch, size.batches.back()));
    }
    add(op, kFle, kMixed, kMixedBatch);
    add_peers(op, kMixed, kMixedBatch, kMixedBatch);
    for (const unsigned n : kThreads) {
      if (n > 2 && n > std::thread::hardware_concurrency()) continue;
      for (const std::size_t size : kThreadSizes) add_threads(op, size, n);
    }
  }
}

}  // namespace

#ifndef FLE_BENCH_IPSEC_MB
std::span<const Peer> ipsec_mb_peers() { return {}; }
#endif

}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
