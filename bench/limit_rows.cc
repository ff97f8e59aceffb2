#include "limit_rows.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench_main.h"
#include "field_cipher.h"
#include "fle/random.h"
#include "kernels/kernel.h"

namespace fle::bench {
namespace {

using kernels::CbcDecryptJob;
using kernels::CbcEncryptJob;
using kernels::MacJob;

constexpr std::size_t kLanes[] = {1, 2, 4, 5, 8, 16};
constexpr std::size_t kIvsAtOnce = 64;  // as a batch of 64 fields draws them
// Long enough that what surrounds a call (cutting, wiping) vanishes in it, short enough for the
// nearest cache. All lanes read one message; each has a place of its own to write to.
constexpr std::size_t kCompressions = 64;  // of an inner hash; the outer one comes on top
constexpr std::size_t kBlocks = 64;        // of AES
constexpr std::size_t kShaBlock = 128;
constexpr std::size_t kShaPadding = 17;  // FIPS 180-4 section 5.1.2

/// Jobs for every lane there may be.
struct Subject {
  Subject() : kernel(*kernels::chosen()), state(std::make_unique<kernels::KeyState>()) {
    const Buf key(96, 0x21);
    if (!kernel.expand(*state, key.data())) throw std::runtime_error("no key");
    for (std::size_t l = 0; l < std::size(macs); ++l) {
      MacJob mac{};
      mac.key = &state->mac;
      mac.body = text.data();
      mac.body_len = text.size();
      mac.out = out[l].data();
      mac.out_len = 64;
      macs[l] = mac;
      encrypts[l] = {state.get(), iv.data(), text.data(), kBlocks * kBlockLen - 1, out[l].data()};
      decrypts[l] = {state.get(), iv.data(), text.data(), kBlocks, out[l].data()};
    }
  }

  const kernels::Kernel& kernel;
  std::unique_ptr<kernels::KeyState> state;
  Buf text = Buf(kCompressions * kShaBlock - kShaPadding, 7);
  Buf iv = Buf(kIvLen, 9);
  std::vector<Buf> out = std::vector<Buf>(16, Buf(kBlocks* kBlockLen));
  MacJob macs[16];
  CbcEncryptJob encrypts[16];
  CbcDecryptJob decrypts[16];
};

using Work = bool (*)(Subject& s, std::size_t lanes);
struct Row {
  const char* op;
  std::size_t units;  ///< of work in each lane
  Work work;
};
constexpr Row kRows[] = {
    {"sha512", kCompressions + 1,
     [](Subject& s, std::size_t lanes) { return s.kernel.mac(s.macs, lanes); }},
    {"cbc_encrypt", kBlocks,
     [](Subject& s, std::size_t lanes) { return s.kernel.cbc_encrypt(s.encrypts, lanes); }},
    {"cbc_decrypt", kBlocks,
     [](Subject& s, std::size_t lanes) { return s.kernel.cbc_decrypt(s.decrypts, lanes); }},
};
constexpr Row kIv{"iv", 1, [](Subject& s, std::size_t lanes) {
                    return random_bytes(MutBytes(s.out[0]).first(lanes * kIvLen)).has_value();
                  }};

void add(const std::shared_ptr<Subject>& s, const Row& row, std::size_t lanes) {
  const std::string name =
      std::string("limit/op:") + row.op + "/impl:fle/lanes:" + std::to_string(lanes);
  benchmark::RegisterBenchmark(name.c_str(), [s, row, lanes](benchmark::State& state) {
    for (auto _ : state) {
      if (!row.work(*s, lanes)) state.SkipWithError("the kernel failed");
      benchmark::ClobberMemory();
    }
    set_time_per_item(state, lanes * row.units);
    state.SetLabel(s->kernel.name);
  });
}

}  // namespace

void add_limit_rows() {
  const auto s = std::make_shared<Subject>();
  for (const Row& row : kRows)
    for (const std::size_t lanes : kLanes) add(s, row, lanes);
  add(s, kIv, kIvsAtOnce);
}

}  // namespace fle::bench
