#include "cloud/token_cache.h"

#include <atomic>
#include <latch>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "provider/kms_call.h"

namespace fle::kms {
namespace {

TokenCache::Fetched token(std::uint8_t byte) {
  return {*SecretBytes::copy_of(std::vector<std::uint8_t>{byte}), std::chrono::seconds(3600)};
}

TEST(TokenCacheTest, TheEndOfAnothersTimeIsNotOnes) {
  for (const bool in_time : {false, true}) {
    std::atomic<int> n_looks{0};
    // Looked at under the cache's lock, by whoever finds a token there.
    TokenCache cache([&] { return TokenCache::Time(std::chrono::hours(n_looks++)); });
    ASSERT_TRUE(cache.get("scope", [] { return Outcome<TokenCache::Fetched>(token(1)); }));
    std::latch asking{1};
    std::latch may_fail{1};
    std::thread first([&] {
      KmsCall call(in_time ? KmsCall::Clock::time_point::max() : KmsCall::Clock::now());
      const KmsCall::Scope scope(call);
      EXPECT_FALSE(cache.get("scope", [&]() -> Outcome<TokenCache::Fetched> {
        asking.count_down();
        may_fail.wait();
        return Failure(Errc::kms_unreachable, "of the first");
      }));
    });
    asking.wait();
    const int before = n_looks;
    std::thread second([&] {
      const auto got = cache.get("scope", [] { return Outcome<TokenCache::Fetched>(token(2)); });
      EXPECT_EQ(got.has_value(), !in_time) << "what the server says is shared, the time is not";
      if (got) {
        EXPECT_EQ((*got)->expose()[0], 2);
      }
    });
    while (n_looks == before) std::this_thread::yield();
    // The second has looked, and holds the lock until it has joined the first.
    may_fail.count_down();
    first.join();
    second.join();
  }
}

/// Threads that miss one token at once: `lead` is what the first of them does about it, while the
/// others wait for it.
class TokenCacheThreads : public ::testing::Test {
 protected:
  static constexpr int kThreads = 8;

  /// What each thread got that did not throw.
  std::vector<Outcome<TokenCache::Token>> ask_at_once(const TokenCache::Fetch& lead) {
    EXPECT_TRUE(cache_.get("scope", [] { return Outcome<TokenCache::Fetched>(token(1)); }));
    hour_ = 10;
    n_looks_ = 0;
    std::mutex mutex;
    std::vector<Outcome<TokenCache::Token>> got;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        try {
          auto result = cache_.get("scope", [&] {
            ++n_fetches_;
            // Each has looked, and joined us before it let go of the lock.
            while (n_looks_ != kThreads) std::this_thread::yield();
            return lead();
          });
          const std::lock_guard lock(mutex);
          got.push_back(std::move(result));
        } catch (const std::bad_alloc&) {
          ++n_thrown_;
        }
      });
    for (std::thread& t : threads) t.join();
    return got;
  }

  std::atomic<int> hour_{0};
  std::atomic<int> n_looks_{0};  // at the clock: by who finds a token there, under the lock
  std::atomic<int> n_fetches_{0};
  std::atomic<int> n_thrown_{0};
  TokenCache cache_{[this] {
    ++n_looks_;
    return TokenCache::Time(std::chrono::hours(hour_));
  }};
};

TEST_F(TokenCacheThreads, ShareOneTokenThatOneOfThemFetched) {
  const auto got = ask_at_once([] { return Outcome<TokenCache::Fetched>(token(2)); });
  EXPECT_EQ(n_fetches_, 1);
  ASSERT_EQ(got.size(), std::size_t{kThreads});
  for (const auto& g : got) {
    ASSERT_TRUE(g);
    EXPECT_EQ(*g, *got.front()) << "the very same";
  }
}

TEST_F(TokenCacheThreads, ShareAFailureAndTheNextOneAsksAgain) {
  const auto got = ask_at_once([]() -> Outcome<TokenCache::Fetched> {
    return Failure(Errc::kms_no_credentials, "the safe is locked");
  });
  EXPECT_EQ(n_fetches_, 1);
  ASSERT_EQ(got.size(), std::size_t{kThreads});
  for (const auto& g : got) EXPECT_EQ(g.error().message, "the safe is locked");
  EXPECT_TRUE(cache_.get("scope", [] { return Outcome<TokenCache::Fetched>(token(3)); }));
}

TEST_F(TokenCacheThreads, AreLetGoWhenTheOneThatAsksThrows) {
  const auto got = ask_at_once([]() -> Outcome<TokenCache::Fetched> { throw std::bad_alloc(); });
  EXPECT_EQ(n_fetches_, 1);
  EXPECT_EQ(n_thrown_, 1);
  ASSERT_EQ(got.size(), std::size_t{kThreads - 1});
  for (const auto& g : got) EXPECT_EQ(g.error().code, Errc::no_memory);
  EXPECT_TRUE(cache_.get("scope", [] { return Outcome<TokenCache::Fetched>(token(3)); }));
}

TEST_F(TokenCacheThreads, WaitNoLongerThanTheirCallHasTime) {
  std::latch asking{1};
  std::latch may_end{1};
  std::thread first([&] {
    EXPECT_TRUE(cache_.get("scope", [&] {
      asking.count_down();
      may_end.wait();
      return Outcome<TokenCache::Fetched>(token(2));
    }));
  });
  asking.wait();
  KmsCall call(KmsCall::Clock::now());
  const KmsCall::Scope scope(call);
  const auto late = cache_.get("scope", [] { return Outcome<TokenCache::Fetched>(token(3)); });
  EXPECT_EQ(late.error().message, "no access token in time") << "the first still asks";
  may_end.count_down();
  first.join();
}

}  // namespace
}  // namespace fle::kms
