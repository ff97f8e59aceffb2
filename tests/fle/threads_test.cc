#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fle/batch.h"
#include "fle/random.h"
#include "fle/secret.h"
#include "support/kat.h"

namespace fle {
namespace {

using test::Buf;

constexpr int kThreads = 8;
constexpr int kRounds = 50;
constexpr std::size_t kFields = 100;

void seal_and_open(const DataKey& key, std::uint8_t fill) {
  std::vector<Buf> plaintexts;
  std::vector<Buf> payloads;
  std::vector<Buf> outs;
  for (std::size_t i = 0; i < kFields; ++i) {
    plaintexts.emplace_back(1 + i, fill);
    payloads.emplace_back(payload_len(1 + i));
    outs.emplace_back(open_capacity(payloads.back().size()));
  }
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;
  for (std::size_t i = 0; i < kFields; ++i) {
    seal.push_back({&key,
                    {},
                    i % 2 == 0 ? Algorithm::random : Algorithm::deterministic,
                    5,
                    plaintexts[i],
                    payloads[i]});
    open.push_back({&key, payloads[i], outs[i]});
  }
  ASSERT_TRUE(seal_batch(seal));
  ASSERT_TRUE(open_batch(open));
  for (std::size_t i = 0; i < kFields; ++i) {
    outs[i].resize(open[i].plaintext_len);
    ASSERT_EQ(outs[i], plaintexts[i]);
  }
}

template <class F>
void run_in_threads(F f) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(f, t);
  for (auto& t : threads) t.join();
}

TEST(Threads, ShareOneKey) {
  const auto key = DataKey::create(Buf(DataKey::kLen, 3), LockPolicy::best_effort);
  ASSERT_TRUE(key);
  run_in_threads([&key](int t) {
    for (int i = 0; i < kRounds; ++i) seal_and_open(*key, static_cast<std::uint8_t>(t));
  });
}

TEST(Threads, CreateAndDestroySecretsAtTheSameTime) {
  run_in_threads([](int t) {
    std::vector<SecretBytes> live;
    for (int i = 0; i < 2000; ++i) {
      auto s =
          SecretBytes::create(1 + static_cast<std::size_t>(i * 37 % 900), LockPolicy::best_effort);
      ASSERT_TRUE(s);
      for (const std::uint8_t b : s->expose()) ASSERT_EQ(b, 0);
      std::fill(s->expose_mut().begin(), s->expose_mut().end(), static_cast<std::uint8_t>(t + 1));
      live.push_back(std::move(*s));
      if (live.size() == 20) {
        for (const auto& l : live) {
          for (const std::uint8_t b : l.expose()) ASSERT_EQ(b, t + 1);
        }
        live.clear();
      }
    }
  });
}

TEST(Threads, DrawRandomBytesAtTheSameTime) {
  run_in_threads([](int) {
    Buf last;
    for (int i = 0; i < 1000; ++i) {
      Buf b(16);
      ASSERT_TRUE(random_bytes(b));
      ASSERT_NE(b, last);
      last = b;
    }
  });
}

}  // namespace
}  // namespace fle
