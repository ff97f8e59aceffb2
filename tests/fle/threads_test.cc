#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fle/batch.h"
#include "fle/random.h"
#include "fle/secret.h"
#include "kernels/kernel.h"
#include "src/engine.h"
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

TEST(Threads, UseEveryKernelAtTheSameTimeAndAgree) {
  // Thread t has kernel t, and keys of its own that hold the same bytes.
  const Buf plaintext(45, 9);
  std::vector<Buf> payloads(kThreads, Buf(payload_len(plaintext.size())));
  run_in_threads([&](int t) {
    const auto all = kernels::all();
    const kernels::Kernel& kernel = *all[static_cast<std::size_t>(t) % all.size()];
    if (!kernels::runs_here(kernel)) return;
    for (int i = 0; i < kRounds; ++i) {
      const auto key =
          engine::KeyUse::create_key(kernel, Buf(DataKey::kLen, 3), LockPolicy::best_effort);
      ASSERT_TRUE(key);
      seal_and_open(*key, static_cast<std::uint8_t>(t));
      const SealJob job{&*key, {},        Algorithm::deterministic,
                        5,     plaintext, payloads[static_cast<std::size_t>(t)]};
      ASSERT_TRUE(seal_batch({&job, 1}));
    }
  });
  const Buf none(payloads[0].size());
  const Buf& portable = payloads[kernels::all().size() - 1];
  ASSERT_NE(portable, none);
  for (const Buf& p : payloads) EXPECT_TRUE(p == portable || p == none);
}

TEST(Threads, AskForTheBestKernelForTheFirstTimeAtTheSameTime) {
  // ctest runs each test in a process of its own: nobody has asked before.
  std::atomic<int> ready{0};
  std::array<const kernels::Kernel*, kThreads> got{};
  run_in_threads([&](int t) {
    ++ready;
    while (ready < kThreads) std::this_thread::yield();
    got[static_cast<std::size_t>(t)] = kernels::chosen();
  });
  for (const auto* k : got) EXPECT_EQ(k, got[0]);
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

TEST(Threads, DrawRandomBytesThatNoOtherThreadDraws) {
  constexpr int kDraws = 3000;  // more than one refill each
  std::vector<std::vector<Buf>> drawn(kThreads);
  run_in_threads([&drawn](int t) {
    auto& mine = drawn[static_cast<std::size_t>(t)];
    for (int i = 0; i < kDraws; ++i) {
      mine.emplace_back(16);
      ASSERT_TRUE(random_bytes(mine.back()));
    }
  });
  std::set<Buf> distinct;
  for (const auto& d : drawn) distinct.insert(d.begin(), d.end());
  EXPECT_EQ(distinct.size(), static_cast<std::size_t>(kThreads) * kDraws);
}

}  // namespace
}  // namespace fle
