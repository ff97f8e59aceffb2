// Hostile payloads, and every kernel against the others. One input is used three ways: as a
// payload, as the body of a payload whose tag is right (so that padding and lengths are reached),
// and as a plaintext.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fle/batch.h"
#include "kernels/kernel.h"
#include "src/engine.h"

namespace {

using Buf = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) std::abort();
}

const std::vector<fle::DataKey>& keys() {
  static const std::vector<fle::DataKey> all = [] {
    std::vector<fle::DataKey> v;
    Buf bytes(fle::DataKey::kLen);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(3 * i);
    for (const auto* k : fle::kernels::all()) {
      if (!fle::kernels::runs_here(*k)) continue;
      auto key = fle::engine::KeyUse::create_key(*k, bytes, fle::LockPolicy::best_effort);
      require(key.has_value());
      v.push_back(std::move(*key));
    }
    return v;
  }();
  return all;
}

struct Opened {
  bool good;
  Buf plaintext;
  friend bool operator==(const Opened&, const Opened&) = default;
};

Opened open(const fle::DataKey& key, const Buf& payload) {
  Buf out(fle::open_capacity(payload.size()) + 1, 0xee);
  fle::OpenJob job{&key, payload, fle::MutBytes(out).first(out.size() - 1)};
  const bool good = fle::open_batch({&job, 1}).has_value();
  require(good == job.opened);
  require(out.back() == 0xee);
  require(job.plaintext_len < out.size());
  out.pop_back();
  if (!good) {
    require(job.plaintext_len == 0);
    require(std::all_of(out.begin(), out.end(), [](std::uint8_t b) { return b == 0; }));
  }
  out.resize(job.plaintext_len);
  return {good, out};
}

Opened open_with_all(const Buf& payload) {
  const Opened first = open(keys().front(), payload);
  for (const auto& key : keys()) require(open(key, payload) == first);
  return first;
}

/// Header || data || the right tag.
Buf with_tag(const Buf& data) {
  Buf p(fle::kPayloadHeaderLen);
  p[0] = 2;
  p.insert(p.end(), data.begin(), data.end());
  const std::uint8_t al[8] = {0, 0, 0, 0, 0, 0, 0, 8 * fle::kPayloadHeaderLen};
  Buf tag(fle::kTagLen);
  const fle::kernels::MacJob job{&fle::engine::use(keys().back()).state->mac,
                                 nullptr,
                                 p.data(),
                                 al,
                                 0,
                                 p.size(),
                                 sizeof al,
                                 tag.data(),
                                 tag.size()};
  require(fle::kernels::kPortable.mac(&job, 1));
  p.insert(p.end(), tag.begin(), tag.end());
  return p;
}

void seal_with_all(const Buf& plaintext) {
  Buf first;
  for (const auto& key : keys()) {
    Buf out(fle::payload_len(plaintext.size()));
    const fle::SealJob job{&key, {}, fle::Algorithm::deterministic, 5, plaintext, out};
    require(fle::seal_batch({&job, 1}).has_value());
    if (first.empty()) first = out;
    require(out == first);
  }
  require(open_with_all(first) == Opened{true, plaintext});
  first[plaintext[0] % first.size()] ^= static_cast<std::uint8_t>(1U << (plaintext[0] % 8));
  require(!open_with_all(first).good);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Buf input(data, data + size);
  open_with_all(input);
  const Opened forged = open_with_all(with_tag(input));
  require(!forged.good || (size >= 32 && size % 16 == 0 && forged.plaintext.size() <= size - 17));
  if (!input.empty()) seal_with_all(input);
  return 0;
}
