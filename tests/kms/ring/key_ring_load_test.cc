// What a key ring does when a key is not in its cache, or not for much longer.
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_ring.h"
#include "ring_support.h"
#include "src/random_internal.h"
#include "support/sanitizer.h"

namespace fle::kms {
namespace {

using test::document;
using test::GatedVault;
using test::id_of;
using test::is_key_of;
using test::local_providers;
using test::real_document;
using namespace std::chrono_literals;

class KeyRingLoad : public ::testing::Test {
 protected:
  KeyRingLoad() { make_ring({}); }
  void make_ring(KeyRingOptions options) {
    options.now = [this] { return std::chrono::steady_clock::time_point(now_.load()); };
    ring_ = std::make_unique<KeyRing>(vault_, local_providers(), std::move(options));
  }
  void store(std::uint32_t n, std::vector<std::string> names = {}) {
    ASSERT_TRUE(vault_->insert(real_document(n, std::move(names))));
  }
  bool has(std::uint32_t n) {
    const auto key = ring_->by_id(id_of(n));
    return key && is_key_of(key->get(), n);
  }
  Errc error(std::uint32_t n) {
    const auto key = ring_->by_id(id_of(n));
    return key ? Errc{} : key.error().code;
  }

  std::atomic<std::chrono::nanoseconds> now_{1000h};
  std::shared_ptr<GatedVault> vault_ = std::make_shared<GatedVault>();
  std::unique_ptr<KeyRing> ring_;
};

struct KeyRingLoadThreads : KeyRingLoad {
  /// Starts `n` threads that ask for key 1, all while the first one's query is held up.
  template <class Ask>
  void ask_at_once(int n, Ask ask) {
    vault_->set_open(false);
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i) threads.emplace_back(ask);
    while (ring_->counters().misses < static_cast<std::uint64_t>(n)) std::this_thread::yield();
    vault_->set_open(true);
    for (auto& t : threads) t.join();
  }
};

TEST_F(KeyRingLoadThreads, OneThousandThatMissOneKeyCauseOneQueryAndOneUnwrapping) {
  store(1);
  std::atomic<int> found = 0;
  ask_at_once(1000, [&] { found += has(1) ? 1 : 0; });
  EXPECT_EQ(found, 1000);
  EXPECT_EQ(vault_->queries(), 1);
  const KeyRingCounters c = ring_->counters();
  EXPECT_EQ(c.vault.calls, 1U);
  EXPECT_EQ(c.kms.calls, 1U);
  EXPECT_EQ(c.misses, 1000U);
  EXPECT_EQ(c.coalesced, 999U);
  EXPECT_TRUE(has(1));
  EXPECT_EQ(ring_->counters().hits, 1U);
}

TEST_F(KeyRingLoadThreads, AFailureIsToldToAllWhoWaitAndNotRemembered) {
  vault_->fail_with(Failure(Errc::vault_busy, "locked"));
  std::atomic<int> busy = 0;
  ask_at_once(50, [&] { busy += error(1) == Errc::vault_busy ? 1 : 0; });
  EXPECT_EQ(busy, 50);
  EXPECT_EQ(vault_->queries(), 1);
  vault_->fail_with({});
  store(1);
  EXPECT_TRUE(has(1));
}

TEST_F(KeyRingLoadThreads, ABatchJoinsWhatIsUnderWayAndAsksOnlyForTheRest) {
  for (std::uint32_t n = 1; n <= 4; ++n) store(n);
  ASSERT_TRUE(has(4));
  vault_->set_open(false);
  std::thread first([&] { EXPECT_TRUE(has(1)); });
  vault_->wait_for_queries(2);
  std::thread batch([&] {
    const KeyId ids[] = {id_of(1), id_of(2), id_of(4), id_of(3)};
    KeyHandle keys[4];
    EXPECT_TRUE(ring_->resolve(keys, {}, ids, {}));
    EXPECT_TRUE(is_key_of(keys[0].get(), 1));
    EXPECT_TRUE(is_key_of(keys[3].get(), 3));
  });
  vault_->wait_for_queries(3);
  EXPECT_EQ(vault_->asked(), (std::vector<KeyId>{id_of(2), id_of(3)}));
  vault_->set_open(true);
  first.join();
  batch.join();
  EXPECT_EQ(vault_->queries(), 3);
}

TEST_F(KeyRingLoadThreads, WhatIsUnderWayWhenTheCacheIsClearedDoesNotAnswerLaterCalls) {
  store(1);
  vault_->set_open(false);
  std::thread before([&] { EXPECT_TRUE(has(1)); });
  vault_->wait_for_queries(1);
  ring_->clear();
  std::thread after([&] { EXPECT_TRUE(has(1)); });
  vault_->wait_for_queries(2);
  vault_->set_open(true);
  before.join();
  after.join();
  EXPECT_EQ(ring_->counters().keys, 1U);
}

TEST_F(KeyRingLoadThreads, AVaultThatThrowsLeavesNobodyWaiting) {
  vault_->on_find([] { throw std::bad_alloc(); });
  std::atomic<int> thrown = 0;
  std::atomic<int> told = 0;
  ask_at_once(20, [&] {
    try {
      told += error(1) == Errc::no_memory ? 1 : 0;
    } catch (const std::bad_alloc&) {
      ++thrown;
    }
  });
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(told, 19);
  vault_->on_find({});
  store(1);
  EXPECT_TRUE(has(1));
}

TEST_F(KeyRingLoadThreads, ReadEvictExpireAndClearAtOnce) {
  for (std::uint32_t n = 0; n < 32; ++n) store(n, {"n" + std::to_string(n)});
  KeyRingOptions options;
  options.max_keys = 20;
  options.lifetime = 5ms;
  options.refresh_ahead = 0.5;
  make_ring(options);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      KeyLease lease;
      for (std::uint32_t i = 0; i < 400; ++i) {
        now_ = now_.load() + 1us;
        const std::uint32_t n = (i * 7 + t * 3) % 32;
        const KeyId ids[] = {id_of(n), id_of((n + 1) % 32)};
        const std::string name = "n" + std::to_string((n + 2) % 32);
        const std::string_view names[] = {name};
        const ResolvedKey* by_id[2];
        const ResolvedKey* by_name[1];
        if (!ring_->lease(lease, {ids, names, by_id, by_name})) ++wrong;
        if (!is_key_of(by_id[1], (n + 1) % 32) || !is_key_of(by_name[0], (n + 2) % 32)) ++wrong;
        if (t == 0 && i % 100 == 0) ring_->clear();
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(ring_->counters().keys, 20U);
}

TEST_F(KeyRingLoad, HoldsMoreLeasesAtOnceThanThereAreReaderSlots) {
  store(1);
  ASSERT_TRUE(has(1));
  std::vector<std::unique_ptr<KeyLease>> leases;
  for (int i = 0; i < 300; ++i) {
    leases.push_back(std::make_unique<KeyLease>());
    const KeyId id = id_of(1);
    const ResolvedKey* key = nullptr;
    ASSERT_TRUE(ring_->lease(*leases.back(), {.ids = {&id, 1}, .by_id = {&key, 1}}));
    ASSERT_TRUE(is_key_of(key, 1)) << i;
  }
  ring_->clear();
  leases.clear();
  EXPECT_EQ(vault_->queries(), 1);
}

TEST_F(KeyRingLoad, ALeaseKeepsKeysThatTheCacheLetsGoOf) {
  store(1);
  ASSERT_TRUE(has(1));
  KeyLease lease;
  const KeyId id = id_of(1);
  const ResolvedKey* key = nullptr;
  ASSERT_TRUE(ring_->lease(lease, {.ids = {&id, 1}, .by_id = {&key, 1}}));
  const std::weak_ptr<const ResolvedKey> watch = *ring_->by_id(id);
  ring_->clear();
  EXPECT_FALSE(watch.expired());
  EXPECT_TRUE(is_key_of(key, 1));
  lease.release();
  EXPECT_TRUE(watch.expired()) << "wiped as soon as nobody reads it";
}

TEST_F(KeyRingLoad, ALeaseIsRefusedWhereAnAnswerHasNoPlace) {
  const KeyId ids[] = {id_of(1), id_of(2)};
  const std::string_view names[] = {"a"};
  const ResolvedKey* key = nullptr;
  KeyLease lease;
  for (const KeyQuery& query : {KeyQuery{.ids = ids, .by_id = {&key, 1}},
                                KeyQuery{.alt_names = names}, KeyQuery{.by_name = {&key, 1}}}) {
    const Done done = ring_->lease(lease, query);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::invalid_argument);
  }
  EXPECT_EQ(vault_->queries(), 0);
}

TEST_F(KeyRingLoad, ALeaseTellsOfEveryMissingKeyAfterOneQuery) {
  store(1, {"good"});
  ASSERT_TRUE(vault_->insert(real_document(2, {"wrapped elsewhere"}, /*seed=*/9)));
  auto stranger = real_document(3);
  stranger.master_key = MasterKey::local("local:stranger");
  ASSERT_TRUE(vault_->insert(stranger));
  const KeyId ids[] = {id_of(7), id_of(1), id_of(2), id_of(3)};
  const std::string_view names[] = {"nobody", "good"};
  const ResolvedKey* by_id[4];
  const ResolvedKey* by_name[2];
  KeyLease lease;
  const Done done = ring_->lease(lease, {ids, names, by_id, by_name});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::key_not_found);
  EXPECT_EQ(vault_->queries(), 1);
  EXPECT_EQ(by_id[0], nullptr);
  EXPECT_TRUE(is_key_of(by_id[1], 1));
  EXPECT_TRUE(is_key_of(by_name[1], 1));

  const auto problems = lease.problems();
  ASSERT_EQ(problems.size(), 4U);
  const auto expect = [&](std::size_t i, bool by_name_, std::size_t index, Errc code,
                          std::vector<std::string> texts) {
    EXPECT_EQ(problems[i].by_name, by_name_);
    EXPECT_EQ(problems[i].index, index);
    EXPECT_EQ(problems[i].why.code, code);
    for (const std::string& text : texts)
      EXPECT_NE(problems[i].why.message.find(text), std::string::npos)
          << problems[i].why.message << " has no " << text;
  };
  expect(0, false, 0, Errc::key_not_found, {id_of(7).to_string(), "key vault"});
  expect(1, false, 2, Errc::key_unwrap_failed,
         {id_of(2).to_string(), "'wrapped elsewhere'", "KMS provider 'local'",
          "the master key that wrapped it"});
  EXPECT_EQ(problems[1].alt_names, (std::vector<std::string>{"wrapped elsewhere"}));
  EXPECT_EQ(problems[1].provider, "local");
  expect(2, false, 3, Errc::kms_not_configured,
         {id_of(3).to_string(), "KMS provider 'local:stranger'", "add this provider"});
  expect(3, true, 0, Errc::key_not_found, {"'nobody'"});
}

/// Refuses a query that would bring the document it cannot read.
class DamagedVault final : public KeyVault {
 public:
  explicit DamagedVault(std::shared_ptr<KeyVault> v) : inner_(std::move(v)) {}
  Done insert(const KeyDocument& key) override { return inner_->insert(key); }
  Outcome<std::vector<KeyDocument>> list() override { return inner_->list(); }
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> names) override {
    if (std::ranges::find(ids, id_of(2)) != ids.end())
      return Failure(Errc::key_document_invalid, "keyMaterial is missing");
    return inner_->find(ids, names);
  }

 private:
  std::shared_ptr<KeyVault> inner_;
};

TEST_F(KeyRingLoad, ADamagedDocumentDoesNotTakeDownTheKeysBesideIt) {
  for (std::uint32_t n = 1; n <= 3; ++n) store(n, {"n" + std::to_string(n)});
  KeyRing ring(std::make_shared<DamagedVault>(vault_), local_providers());
  const KeyId ids[] = {id_of(1), id_of(2), id_of(3)};
  const std::string_view names[] = {"n1"};
  const ResolvedKey* by_id[3];
  const ResolvedKey* by_name[1];
  KeyLease lease;
  ASSERT_FALSE(ring.lease(lease, {ids, names, by_id, by_name}));
  EXPECT_TRUE(is_key_of(by_id[0], 1));
  EXPECT_TRUE(is_key_of(by_id[2], 3));
  EXPECT_TRUE(is_key_of(by_name[0], 1));
  ASSERT_EQ(lease.problems().size(), 1U);
  EXPECT_EQ(lease.problems()[0].why.code, Errc::key_document_invalid);
  EXPECT_NE(lease.problems()[0].why.message.find(id_of(2).to_string()), std::string::npos);
}

TEST_F(KeyRingLoad, CachesTheKeysThatWereFoundBesideMissingOnes) {
  store(1);
  const KeyId ids[] = {id_of(1), id_of(2)};
  KeyHandle keys[2];
  ASSERT_FALSE(ring_->resolve(keys, {}, ids, {}));
  EXPECT_TRUE(has(1));
  EXPECT_EQ(vault_->queries(), 1);
}

TEST_F(KeyRingLoad, RefreshesAKeyAheadOfItsEndInOneCall) {
  store(1);
  KeyRingOptions options;
  options.refresh_ahead = 0.75;  // of 60 s
  make_ring(options);
  ASSERT_TRUE(has(1));
  now_ = now_.load() + 44s;
  ASSERT_TRUE(has(1));
  EXPECT_EQ(vault_->queries(), 1);
  now_ = now_.load() + 2s;
  ASSERT_TRUE(has(1));
  EXPECT_EQ(vault_->queries(), 2);
  EXPECT_EQ(ring_->counters().refreshed, 1U);
  now_ = now_.load() + 40s;  // past the end of what was loaded first
  ASSERT_TRUE(has(1));
  EXPECT_EQ(vault_->queries(), 2);
}

TEST_F(KeyRingLoad, ARefreshThatFailsLeavesTheKeyUntilItsEndAndIsTriedAgain) {
  store(1);
  KeyRingOptions options;
  options.refresh_ahead = 0.5;
  make_ring(options);
  ASSERT_TRUE(has(1));
  vault_->fail_with(Failure(Errc::vault_busy, "locked"));
  now_ = now_.load() + 31s;
  ASSERT_TRUE(has(1));
  ASSERT_TRUE(has(1)) << "not each call tries";
  EXPECT_EQ(vault_->queries(), 2);
  now_ = now_.load() + 10s;
  ASSERT_TRUE(has(1));
  EXPECT_EQ(vault_->queries(), 3);
  now_ = now_.load() + 20s;
  EXPECT_EQ(error(1), Errc::vault_busy);
}

TEST_F(KeyRingLoad, ARefreshTakesAKeyAwayThatTheVaultHasNoLonger) {
  store(1);
  KeyRingOptions options;
  options.refresh_ahead = 0.5;
  make_ring(options);
  ASSERT_TRUE(has(1));
  vault_->remove(id_of(1));
  now_ = now_.load() + 31s;
  ASSERT_TRUE(has(1)) << "the call that refreshes has its key already";
  EXPECT_EQ(error(1), Errc::key_not_found);
}

TEST_F(KeyRingLoad, ServesStaleKeysOnlyWhenAskedToOnlyOnTroubleAndOnlySoLong) {
  store(1, {"a"});
  const Failure busy(Errc::vault_busy, "locked");
  ASSERT_TRUE(has(1));
  vault_->fail_with(busy);
  now_ = now_.load() + 61s;
  EXPECT_EQ(error(1), Errc::vault_busy) << "not asked to";

  KeyRingOptions options;
  options.stale_if_error = 120s;
  make_ring(options);
  vault_->fail_with({});
  ASSERT_TRUE(has(1));
  vault_->fail_with(busy);
  now_ = now_.load() + 61s;
  EXPECT_TRUE(has(1));
  EXPECT_TRUE(ring_->by_alt_name("a"));
  EXPECT_EQ(ring_->counters().served_stale, 2U);
  now_ = now_.load() + 119s;  // 180 s since it was loaded
  EXPECT_TRUE(has(1));
  now_ = now_.load() + 1ns;
  EXPECT_EQ(error(1), Errc::vault_busy);
}

TEST_F(KeyRingLoad, ServesNoStaleKeyAfterAnAnswerTookItAway) {
  store(1);
  KeyRingOptions options;
  options.stale_if_error = 600s;
  make_ring(options);
  ASSERT_TRUE(has(1));
  vault_->remove(id_of(1));
  now_ = now_.load() + 61s;
  EXPECT_EQ(error(1), Errc::key_not_found);
  vault_->fail_with(Failure(Errc::vault_failed, "gone"));
  EXPECT_EQ(error(1), Errc::vault_failed);
}

TEST_F(KeyRingLoad, LetsKeysGoThatWereNotUsedLatelyWhenItIsFull) {
  for (std::uint32_t n = 0; n < 10; ++n) store(n);
  KeyRingOptions options;
  options.max_keys = 4;
  make_ring(options);
  for (std::uint32_t n = 0; n < 10; ++n) {
    ASSERT_TRUE(has(n));
    ASSERT_TRUE(has(0)) << "in use all the time";
  }
  EXPECT_EQ(vault_->queries(), 10);
  const KeyRingCounters c = ring_->counters();
  EXPECT_EQ(c.keys, 4U);
  EXPECT_EQ(c.evicted, 6U);
  // A batch that is larger than the cache has all its keys all the same.
  std::vector<KeyId> ids;
  for (std::uint32_t n = 0; n < 10; ++n) ids.push_back(id_of(n));
  std::vector<KeyHandle> keys(10);
  ASSERT_TRUE(ring_->resolve(keys, {}, ids, {}));
  for (std::uint32_t n = 0; n < 10; ++n) EXPECT_TRUE(is_key_of(keys[n].get(), n));
}

TEST_F(KeyRingLoad, PrewarmsTheKeysOrAllOfThem) {
  for (std::uint32_t n = 0; n < 2500; ++n) ASSERT_TRUE(vault_->insert(document(n + 10'000)));
  for (std::uint32_t n = 0; n < 5; ++n) store(n);
  const std::vector<KeyId> ids = {id_of(0), id_of(1), id_of(77), id_of(2)};
  const auto problems = ring_->prewarm(ids);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].index, 2U);
  EXPECT_EQ(problems[0].why.code, Errc::key_not_found);
  EXPECT_EQ(vault_->queries(), 1);

  const auto all = ring_->prewarm_all();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2500U) << "documents whose material opens under no key";
  EXPECT_EQ((*all)[0].why.code, Errc::key_unwrap_failed);
  for (std::uint32_t n = 0; n < 5; ++n) EXPECT_TRUE(has(n));
  EXPECT_EQ(vault_->queries(), 1);
  EXPECT_EQ(ring_->counters().loaded, 5U);

  std::vector<KeyId> many;
  for (std::uint32_t n = 0; n < 2500; ++n) many.push_back(id_of(n + 10'000));
  const auto failed = ring_->prewarm(many);
  ASSERT_EQ(failed.size(), 2500U);
  EXPECT_EQ(failed[2400].index, 2400U);
  EXPECT_EQ(vault_->queries(), 4) << "three queries of at most 1,000";
}

TEST_F(KeyRingLoad, PrewarmingStopsWhenTheCacheIsFull) {
  for (std::uint32_t n = 0; n < 9; ++n) store(n);
  KeyRingOptions options;
  options.max_keys = 5;
  make_ring(options);
  const auto all = ring_->prewarm_all();
  ASSERT_TRUE(all && all->empty());
  EXPECT_EQ(ring_->counters().keys, 5U);
  EXPECT_EQ(ring_->counters().evicted, 0U);
}

TEST_F(KeyRingLoad, CountsCallsFailuresAndHowLongTheyTook) {
  store(1);
  vault_->on_find([this] { now_ = now_.load() + 3ms; });
  ASSERT_TRUE(has(1));
  ASSERT_TRUE(has(1));
  vault_->fail_with(Failure(Errc::vault_failed, "no"));
  EXPECT_EQ(error(2), Errc::vault_failed);
  const KeyRingCounters c = ring_->counters();
  EXPECT_EQ(c.hits, 1U);
  EXPECT_EQ(c.misses, 2U);
  EXPECT_EQ(c.loaded, 1U);
  EXPECT_EQ(c.keys, 1U);
  EXPECT_EQ(c.vault.calls, 2U);
  EXPECT_EQ(c.vault.failures, 1U);
  EXPECT_EQ(c.vault.longest, 3ms);
  EXPECT_EQ(c.vault.total, 6ms);
  EXPECT_EQ(c.vault.by_microseconds[12], 2U) << "3 ms: from 2^11 us to below 2^12";
  EXPECT_EQ(c.kms.calls, 1U);
  EXPECT_EQ(c.kms.failures, 0U);
  EXPECT_EQ(c.kms.total, 0ns);
}

TEST_F(KeyRingLoad, TakesTheLimitOnLockedMemoryForItsCap) {
  if (fle::test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  constexpr int kNoLimit = 77;
  for (std::uint32_t n = 0; n < 1500; ++n) store(n);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (::geteuid() == 0 && ::seteuid(65534) != 0))
      ::_exit(kNoLimit);
    // What is inherited is not locked: providers and ring are made anew.
    KeyRing ring(vault_, local_providers());
    int missing = 0;
    for (std::uint32_t n = 0; n < 1500; ++n) missing += ring.by_id(id_of(n)) ? 0 : 1;
    ::_exit(missing != 0 ? 1 : ring.counters().evicted > 200 ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoLimit)
    GTEST_SKIP() << "cannot give up CAP_IPC_LOCK here";
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Tags of data keys must not be made under a key that others can know.
TEST(KeyRingWithoutRandomness, LoadsNoKeys) {
  const auto vault = std::make_shared<GatedVault>();
  ASSERT_TRUE(vault->insert(real_document(1)));
  // A generator that was seeded before would have some left: each thread has its own.
  std::thread([&] {
    fle::internal::set_entropy_source([](MutBytes) noexcept { return false; });
    KeyRing ring(vault, local_providers());
    fle::internal::set_entropy_source(nullptr);
    const auto key = ring.by_id(id_of(1));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::random_failed) << key.error().to_string();
    EXPECT_TRUE(KeyRing(vault, local_providers()).by_id(id_of(1)));
  }).join();
}

}  // namespace
}  // namespace fle::kms
