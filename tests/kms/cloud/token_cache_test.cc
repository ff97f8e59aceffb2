#include "http/token_cache.h"

#include <atomic>
#include <latch>
#include <thread>

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
    // The second has looked, and holds the lock until it waits for the first.
    may_fail.count_down();
    first.join();
    second.join();
  }
}

}  // namespace
}  // namespace fle::kms
