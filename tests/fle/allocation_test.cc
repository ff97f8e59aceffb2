// Counts calls of malloc: what a batch costs must not grow with the number of its fields.
#include <cstdlib>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>

#include "fle/batch.h"
#include "kernels/kernel.h"
#include "support/kat.h"
#include "support/sanitizer.h"

namespace {
std::size_t n_allocations = 0;
}

#if !defined(FLE_SANITIZED) && defined(__GLIBC__)
// operator new and libcrypto both end here.
extern "C" void* __libc_malloc(std::size_t n);  // NOLINT(bugprone-reserved-identifier)
extern "C" void* malloc(std::size_t n) {
  ++n_allocations;
  return __libc_malloc(n);
}
constexpr bool kCounts = true;
#else
constexpr bool kCounts = false;
#endif

namespace fle {
namespace kernels {
void PrintTo(const Kernel* kernel, std::ostream* os) { *os << kernel->name; }
}  // namespace kernels
namespace {

using test::Buf;

class Allocation : public ::testing::TestWithParam<const kernels::Kernel*> {};

std::size_t allocations_of_a_batch(const DataKey& key, std::size_t n) {
  const Buf plaintext(20, 1);
  std::vector<Buf> payloads(n, Buf(payload_len(20)));
  std::vector<Buf> outs(n, Buf(open_capacity(payload_len(20))));
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;
  for (std::size_t i = 0; i < n; ++i) {
    seal.push_back({&key,
                    {},
                    i % 2 == 0 ? Algorithm::random : Algorithm::deterministic,
                    2,
                    plaintext,
                    payloads[i]});
    open.push_back({&key, payloads[i], outs[i]});
  }
  const std::size_t before = n_allocations;
  const bool good = seal_batch(seal).has_value() && open_batch(open).has_value();
  const std::size_t after = n_allocations;
  EXPECT_TRUE(good);
  return after - before;
}

TEST_P(Allocation, AFieldAllocatesNothing) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer owns malloc";
  if (!kernels::runs_here(*GetParam())) GTEST_SKIP() << "no " << GetParam()->name << " here";
  const auto key = DataKey::create_for(*GetParam(), Buf(DataKey::kLen), LockPolicy::best_effort);
  ASSERT_TRUE(key);
  const std::size_t before = n_allocations;
  void* volatile escapes = std::malloc(1);  // or the compiler leaves out both calls
  std::free(escapes);
  ASSERT_EQ(n_allocations, before + 1) << "the counter does not count";

  allocations_of_a_batch(*key, 64);  // warm-up: the thread's generator, libcrypto's tables
  constexpr std::size_t kChunks = 4;
  const std::size_t n = allocations_of_a_batch(*key, 64 * kChunks);
  if (GetParam() == &kernels::kPortable) {
    // libcrypto wants a cipher context: one for each chunk of 64, whatever is in it.
    EXPECT_EQ(n, allocations_of_a_batch(*key, 64 * (kChunks - 1) + 1));
    EXPECT_LT(n, 64U * kChunks);
  } else {
    EXPECT_EQ(n, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Allocation,
                         ::testing::ValuesIn(kernels::all().begin(), kernels::all().end()),
                         [](const auto& i) { return std::string(i.param->name); });

}  // namespace
}  // namespace fle
