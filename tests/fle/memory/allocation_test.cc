// Counts allocations and locks: what a batch costs must not grow with the number of its fields.
#include <cstdlib>
#include <ostream>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include "fle/batch.h"
#include "fle/random.h"
#include "kernels/kernel.h"
#include "src/engine.h"
#include "support/kat.h"
#include "support/sanitizer.h"

namespace {
std::size_t n_allocations = 0;
std::size_t n_locks = 0;
}  // namespace

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
constexpr bool kCounts = true;

// operator new and libcrypto end in one of these.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(std::size_t n);
void* __libc_calloc(std::size_t n, std::size_t size);
void* __libc_realloc(void* p, std::size_t n);
void* __libc_memalign(std::size_t align, std::size_t n);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t n) {
  ++n_allocations;
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  ++n_allocations;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
  ++n_allocations;
  return __libc_realloc(p, n);
}
void* aligned_alloc(std::size_t align, std::size_t n) {
  ++n_allocations;
  return __libc_memalign(align, n);
}
int posix_memalign(void** p, std::size_t align, std::size_t n) {
  ++n_allocations;
  return (*p = __libc_memalign(align, n)) != nullptr ? 0 : 12;
}

// std::mutex, std::shared_mutex and libcrypto end in one of these.
#define FLE_COUNT_LOCK(function, type)                                                        \
  int function(type* lock) noexcept {                                                         \
    ++n_locks;                                                                                \
    static const auto next = reinterpret_cast<int (*)(type*)>(::dlsym(RTLD_NEXT, #function)); \
    return next(lock);                                                                        \
  }
FLE_COUNT_LOCK(pthread_mutex_lock, pthread_mutex_t)
FLE_COUNT_LOCK(pthread_mutex_trylock, pthread_mutex_t)
FLE_COUNT_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
FLE_COUNT_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
#undef FLE_COUNT_LOCK
}
#else
constexpr bool kCounts = false;
#endif

namespace fle {
namespace kernels {
void PrintTo(const Kernel* kernel, std::ostream* os) { *os << kernel->name; }
}  // namespace kernels
namespace {

using test::Buf;

struct Counts {
  std::size_t allocations;
  std::size_t locks;
};

/// Lengths of fields; both algorithms in turn, and `keys` in turn.
Counts counts_of_a_batch(const std::vector<DataKey>& keys, const std::vector<std::size_t>& lens) {
  std::vector<Buf> plaintexts;
  std::vector<Buf> payloads;
  std::vector<Buf> outs;
  for (const std::size_t n : lens) {
    plaintexts.emplace_back(n, 1);
    payloads.emplace_back(payload_len(n));
    outs.emplace_back(open_capacity(payload_len(n)));
  }
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;
  for (std::size_t i = 0; i < lens.size(); ++i) {
    const DataKey* key = &keys[i % keys.size()];
    seal.push_back({key,
                    {},
                    i % 2 == 0 ? Algorithm::random : Algorithm::deterministic,
                    2,
                    plaintexts[i],
                    payloads[i]});
    open.push_back({key, payloads[i], outs[i]});
  }
  const Counts before{n_allocations, n_locks};
  const bool good = seal_batch(seal).has_value() && open_batch(open).has_value();
  const Counts after{n_allocations, n_locks};
  EXPECT_TRUE(good);
  return {after.allocations - before.allocations, after.locks - before.locks};
}

std::vector<std::size_t> mixed_lens(std::size_t n) {
  std::vector<std::size_t> lens;
  for (std::size_t i = 0; i < n; ++i) lens.push_back(i % 50 == 7 ? 20000 : 1 + i * 37 % 300);
  return lens;
}

class Allocation : public ::testing::TestWithParam<const kernels::Kernel*> {
 protected:
  void SetUp() override {
    if (!kCounts) GTEST_SKIP() << "a sanitizer owns malloc";
    if (!kernels::runs_here(*GetParam())) GTEST_SKIP() << "no " << GetParam()->name << " here";
    for (std::uint8_t k = 0; k < 3; ++k) {
      auto key =
          engine::KeyUse::create_key(*GetParam(), Buf(DataKey::kLen, k), LockPolicy::best_effort);
      ASSERT_TRUE(key);
      keys_.push_back(std::move(*key));
    }
    counts_of_a_batch(keys_, mixed_lens(64));  // the thread's generator, libcrypto's tables
  }
  std::vector<DataKey> keys_;
};

TEST(Counters, Count) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer owns malloc";
  const Counts before{n_allocations, n_locks};
  void* volatile escapes = std::malloc(1);  // or the compiler leaves out both calls
  std::free(escapes);
  escapes = std::calloc(1, 1);
  escapes = std::realloc(escapes, 2);
  std::free(escapes);
  EXPECT_EQ(n_allocations, before.allocations + 3);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  EXPECT_EQ(n_locks, before.locks + 1);
}

TEST_P(Allocation, AFieldAllocatesAndLocksNothing) {
  if (GetParam() == &kernels::kPortable) GTEST_SKIP() << "libcrypto does both for each batch";
  for (const std::size_t n : {1U, 2U, 3U, 9U, 64U, 65U, 300U, 1500U}) {
    for (const auto& lens : {mixed_lens(n), std::vector<std::size_t>(n, 20)}) {
      const Counts c = counts_of_a_batch(keys_, lens);
      EXPECT_EQ(c.allocations, 0U) << n << " fields";
      EXPECT_EQ(c.locks, 0U) << n << " fields";
    }
  }
}

TEST_P(Allocation, AFieldOfManyBlocksAllocatesAndLocksNothing) {
  if (GetParam() == &kernels::kPortable) GTEST_SKIP() << "libcrypto does both for each batch";
  const Counts c = counts_of_a_batch(keys_, {1 << 20, 3});
  EXPECT_EQ(c.allocations, 0U);
  EXPECT_EQ(c.locks, 0U);
}

TEST_P(Allocation, ThroughLibcryptoTheCostIsThatOfChunksNotOfFields) {
  if (GetParam() != &kernels::kPortable) GTEST_SKIP() << "not through libcrypto";
  // A cipher context for each chunk of 64, whatever is in it. One key: a new key is a new start.
  keys_.erase(keys_.begin() + 1, keys_.end());
  constexpr std::size_t kChunks = 4;
  const auto allocations = [this](std::size_t n) {
    return counts_of_a_batch(keys_, std::vector<std::size_t>(n, 20)).allocations;
  };
  EXPECT_EQ(allocations(64 * kChunks), allocations(64 * (kChunks - 1) + 1));
  EXPECT_LT(allocations(64 * kChunks), 64U * kChunks);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Allocation,
                         ::testing::ValuesIn(kernels::all().begin(), kernels::all().end()),
                         [](const auto& i) { return std::string(i.param->name); });

TEST(RandomBytes, AllocateAndLockNothing) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer owns malloc";
  if (kernels::chosen() == &kernels::kPortable) GTEST_SKIP() << "libcrypto does both";
  Buf out(1 << 12);
  ASSERT_TRUE(random_bytes(out));
  const Counts before{n_allocations, n_locks};
  // Enough for refills and for a new seed.
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(random_bytes(out));
  EXPECT_EQ(n_allocations, before.allocations);
  EXPECT_EQ(n_locks, before.locks);
}

}  // namespace
}  // namespace fle
