#ifndef FLE_TESTS_SUPPORT_LOCK_COUNTER_H_
#define FLE_TESTS_SUPPORT_LOCK_COUNTER_H_

// Counts every lock that a test program takes: std::mutex, std::shared_mutex and what C libraries
// use end in these functions. Defines them, so exactly one source file of a program includes this.
#include <atomic>

#include <dlfcn.h>
#include <pthread.h>

#include "support/sanitizer.h"

namespace fle::test {
inline std::atomic<long> n_locks{0};

/// Counts, and calls the function of that name that this program's one stands in front of.
template <class Lock>
int count_lock(const char* name, std::atomic<void*>& real, Lock* lock) noexcept {
  n_locks.fetch_add(1, std::memory_order_relaxed);
  if (real.load() == nullptr) real.store(::dlsym(RTLD_NEXT, name));
  return reinterpret_cast<int (*)(Lock*)>(real.load())(lock);
}
}  // namespace fle::test

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
#define FLE_COUNT_LOCK(function, type)                   \
  extern "C" int function(type* lock) noexcept {         \
    static std::atomic<void*> real{nullptr};             \
    return fle::test::count_lock(#function, real, lock); \
  }
FLE_COUNT_LOCK(pthread_mutex_lock, pthread_mutex_t)
FLE_COUNT_LOCK(pthread_mutex_trylock, pthread_mutex_t)
FLE_COUNT_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
FLE_COUNT_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
#undef FLE_COUNT_LOCK
inline constexpr bool kCountsLocks = true;
#else
inline constexpr bool kCountsLocks = false;  // a sanitizer watches locks itself
#endif

#endif  // FLE_TESTS_SUPPORT_LOCK_COUNTER_H_
