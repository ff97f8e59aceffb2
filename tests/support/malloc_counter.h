#ifndef FLE_TESTS_SUPPORT_MALLOC_COUNTER_H_
#define FLE_TESTS_SUPPORT_MALLOC_COUNTER_H_

// Counts every call of malloc in a test program, and the bytes that were asked for: operator new,
// libcrypto and libbson all end there.
// Defines malloc, so exactly one source file of a program includes this.
#include <atomic>
#include <cstddef>

#include "support/sanitizer.h"

namespace fle::test {
inline std::atomic<long> n_allocations{0};
inline std::atomic<long> n_allocated_bytes{0};
}  // namespace fle::test

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
extern "C" void* __libc_malloc(std::size_t n);  // NOLINT(bugprone-reserved-identifier)
extern "C" void* malloc(std::size_t n) {
  fle::test::n_allocations.fetch_add(1, std::memory_order_relaxed);
  fle::test::n_allocated_bytes.fetch_add(static_cast<long>(n), std::memory_order_relaxed);
  return __libc_malloc(n);
}
inline constexpr bool kCountsAllocations = true;
#else
inline constexpr bool kCountsAllocations = false;  // a sanitizer owns malloc
#endif

#endif  // FLE_TESTS_SUPPORT_MALLOC_COUNTER_H_
