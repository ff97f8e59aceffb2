#ifndef FLE_TESTS_SUPPORT_GROWTH_H_
#define FLE_TESTS_SUPPORT_GROWTH_H_

// What work costs as its input grows: counted, never timed. A growth test does the work on an input
// and on one of twice the size, and expects twice the cost.
//
// Includes malloc_counter.h, so exactly one source file of a program includes either.
#include <string>

#include <gtest/gtest.h>

#include "support/malloc_counter.h"

namespace fle::test {

/// `text` n times.
inline std::string times(int n, const std::string& text) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

/// f(0), ..., f(n - 1), with commas between them.
template <class F>
std::string joined(int n, F f) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    if (i != 0) out += ", ";
    out += f(i);
  }
  return out;
}

struct Memory {
  std::size_t input = 0;  ///< Bytes given to the work.
  long allocations = 0;
  long bytes = 0;
};

/// What `work` takes for an input of `input` bytes.
template <class Work>
Memory memory_of(std::size_t input, Work work) {
  const long allocations = n_allocations.load();
  const long bytes = n_allocated_bytes.load();
  work();
  return {input, n_allocations.load() - allocations, n_allocated_bytes.load() - bytes};
}

/// Buffers grow by doubling: how full the last one is makes up to a quarter, and a small sum is
/// what any call costs.
inline void expect_in_proportion(const Memory& once, const Memory& twice, long bytes_per_byte) {
  const double growth = static_cast<double>(twice.input) / static_cast<double>(once.input);
  SCOPED_TRACE(std::to_string(once.input) + " bytes: " + std::to_string(once.allocations) +
               " allocations of " + std::to_string(once.bytes) + "; " +
               std::to_string(twice.input) + " bytes: " + std::to_string(twice.allocations) +
               " allocations of " + std::to_string(twice.bytes));
  EXPECT_GT(once.bytes, 0);
  EXPECT_LE(static_cast<double>(twice.bytes),
            1.25 * growth * static_cast<double>(once.bytes) + 1000);
  EXPECT_LE(static_cast<double>(twice.allocations),
            1.1 * growth * static_cast<double>(once.allocations) + 20);
  EXPECT_LE(once.bytes, bytes_per_byte * static_cast<long>(once.input) + 10'000);
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_GROWTH_H_
