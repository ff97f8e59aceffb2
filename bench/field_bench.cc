// Encrypting and decrypting single fields and batches of fields of one length, beside the peers.
//
//   field/op:det_encrypt|rand_encrypt|decrypt/impl:NAME/bytes:N/batch:B
//
// `bytes` is the length of the bare BSON value. Every peer must give what libfle gives before
// anything is timed.
#include <map>
#include <random>

#include "bench_main.h"
#include "field_cipher.h"

namespace fle::bench {
namespace {

using Make = std::unique_ptr<FieldCipher> (*)(const Workload&);

struct Peer {
  const char* name;
  Make make;
  bool batches;          // takes many fields in one call
  std::size_t max_size;  // of a field
};
constexpr std::size_t kAnySize = SIZE_MAX;
constexpr Peer kPeers[] = {
    {"fle", make_fle, true, kAnySize},
    {"fle_value", make_fle_value, false, kAnySize},
    {"libmongocrypt", make_libmongocrypt, false, kAnySize},
    {"openssl", make_openssl, false, kAnySize},
#ifdef FLE_BENCH_IPSEC_MB
    {"ipsec_mb", make_ipsec_mb, true, 65000},
#endif
};

constexpr std::size_t kSizes[] = {4, 16, 64, 256, 1024, 16384, 1048576};
constexpr std::size_t kBatch = 64;
/// A batch of long fields would measure the memory bus.
constexpr std::size_t kLargestInBatch = 16384;

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

Workload make_workload(Algorithm algorithm, std::size_t size, std::size_t batch) {
  std::mt19937_64 rng(size);
  Workload w;
  w.algorithm = algorithm;
  for (auto& b : w.key_id.bytes) b = static_cast<std::uint8_t>(rng());
  for (int i = 0; i < 96; ++i) w.key.push_back(static_cast<std::uint8_t>(rng()));
  const auto type = size == 4 ? bson::Type::int_ : bson::Type::string;
  for (std::size_t i = 0; i < batch; ++i) {
    w.values.push_back(test::make_value(type, size, rng));
    if (w.values.back().bytes.size() != size) throw std::runtime_error("not the size asked for");
  }
  const auto fle = make_fle(w);
  fle->encrypt();
  for (std::size_t i = 0; i < batch; ++i) w.payloads.push_back(fle->payload(i));
  return w;
}

void expect(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(what);
}

/// Encrypts and decrypts once: deterministic payloads are libfle's, random ones open in libfle.
void check(const std::string& name, const Workload& w, FieldCipher& peer) {
  peer.encrypt();
  peer.decrypt();
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

void add(const Operation& op, const Peer& peer, std::size_t size, std::size_t batch) {
  const std::string name = std::string("field/op:") + op.name + "/impl:" + peer.name +
                           "/bytes:" + std::to_string(size) + "/batch:" + std::to_string(batch);
  const auto w = std::make_shared<const Workload>(make_workload(op.algorithm, size, batch));
  const std::shared_ptr<FieldCipher> cipher = peer.make(*w);
  check(name, *w, *cipher);
  benchmark::RegisterBenchmark(name.c_str(), [w, cipher, op](benchmark::State& state) {
    for (auto _ : state) {
      (cipher.get()->*op.run)();
      benchmark::ClobberMemory();
    }
    set_time_per_item(state, w->values.size());
    state.SetBytesProcessed(state.items_processed() *
                            static_cast<std::int64_t>(w->values[0].bytes.size()));
    state.SetLabel(cipher->label());
  });
}

void add_all() {
  for (const std::size_t size : kSizes) {
    for (const Operation& op : kOperations) {
      for (const Peer& peer : kPeers) {
        if (size > peer.max_size) continue;
        add(op, peer, size, 1);
        if (peer.batches && size <= kLargestInBatch) add(op, peer, size, kBatch);
      }
    }
  }
}

}  // namespace
}  // namespace fle::bench

int main(int argc, char** argv) { return fle::bench::run(argc, argv, fle::bench::add_all); }
