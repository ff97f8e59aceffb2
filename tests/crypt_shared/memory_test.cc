// What the library takes from the heap it gives back, also when the heap has no more.
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>

#include <gtest/gtest.h>
#include <malloc.h>

#include "library.h"
#include "support/sanitizer.h"

namespace {

constexpr long kNever = std::numeric_limits<long>::max();
/// This thread's allocation that fails, counted down; and what is called instead.
thread_local long fail_after = kNever;
thread_local std::function<void()>* in_the_middle = nullptr;

bool fails() {
  if (fail_after == kNever || fail_after-- != 0) return false;
  fail_after = kNever;
  if (in_the_middle == nullptr) return true;
  (*in_the_middle)();
  return false;
}

}  // namespace

// The program's own, which the library's calls come to as well.
void* operator new(std::size_t n) {
  void* p = fails() ? nullptr : std::malloc(n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(n);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace fle::test {
namespace {

const char* const kInsert =
    R"("insert": "patients", "documents": [{"_id": 1, "ssn": 901, "bloodType": "AB+"}])";

/// Runs `attempt` with its 1st, 2nd, ... allocation failing, until it needs no more. Returns how
/// often it failed.
int with_failing_allocations(const std::function<bool()>& attempt) {
  int n = 0;
  for (bool done = false; !done; ++n) {
    fail_after = n;
    done = attempt();
    fail_after = kNever;
    if (n > 10'000) throw std::runtime_error("never succeeds");
  }
  return n - 1;
}

TEST(CryptSharedMemory, EachAllocationThatFailsGivesEnomem) {
  const Library l;
  const Status status(l);
  mongo_crypt_v1_lib* lib = nullptr;
  mongo_crypt_v1_query_analyzer* analyzer = nullptr;
  const auto out_of_memory = [&] {
    EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_ENOMEM);
    EXPECT_STREQ(l.status_get_explanation(status), "out of memory");
    return false;
  };

  EXPECT_GE(with_failing_allocations([&] {
              lib = l.lib_create(status);
              return lib != nullptr || out_of_memory();
            }),
            1);
  EXPECT_GE(with_failing_allocations([&] {
              analyzer = l.query_analyzer_create(lib, status);
              return analyzer != nullptr || out_of_memory();
            }),
            1);
  const Buf command = command_with(kInsert);
  std::uint8_t* reply = nullptr;
  EXPECT_GE(with_failing_allocations([&] {
              std::uint32_t size = 0;
              reply =
                  l.analyze_query(analyzer, command.data(), "clinic.patients", 15, &size, status);
              return reply != nullptr || out_of_memory();
            }),
            10);
  l.bson_free(reply);
  l.query_analyzer_destroy(analyzer);
  EXPECT_EQ(l.lib_destroy(lib, status), MONGO_CRYPT_V1_SUCCESS);
}

TEST(CryptSharedMemory, StatusCreateReturnsNullWithoutMemory) {
  const Library l;
  fail_after = 0;
  EXPECT_EQ(l.status_create(), nullptr);
  fail_after = kNever;
}

TEST(CryptSharedMemory, AnAnalyzerInUseIsNotUsedAgain) {
  const Library l;
  Session session(l);
  const Status second(l);
  const Buf command = command_with(kInsert);
  std::function<void()> call = [&] {
    EXPECT_TRUE(analyze(l, session.analyzer(), command, "clinic.patients", second).empty());
  };
  in_the_middle = &call;
  fail_after = 3;
  const Buf reply = session.analyze(command);
  in_the_middle = nullptr;
  EXPECT_EQ(fail_after, kNever) << "the second call was never made";
  EXPECT_EQ(second.error(), MONGO_CRYPT_V1_ERROR_REENTRANCY_NOT_ALLOWED);
  EXPECT_FALSE(reply.empty()) << "the first call goes on";
  EXPECT_FALSE(session.analyze(command).empty()) << "and the analyzer is free again";
}

TEST(CryptSharedMemory, AResultIsWipedBeforeItIsFreed) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer does not let freed memory be read";
  const Library l;
  const Session session(l);
  const Buf command = command_with(kInsert);
  std::uint32_t size = 0;
  std::uint8_t* reply =
      l.analyze_query(session.analyzer(), command.data(), "clinic.patients", 15, &size, nullptr);
  ASSERT_NE(reply, nullptr);
  const volatile std::uint8_t* bytes = reply;
  EXPECT_NE(bytes[size - 2], 0) << "the value of ok";
  l.bson_free(reply);
  bool zeros = true;
  // The block's first words are the heap's again.
  for (std::uint32_t i = 64; i < size; ++i) zeros = zeros && bytes[i] == 0;
  EXPECT_TRUE(zeros);
}

TEST(CryptSharedMemory, LoadingAndUnloadingLeavesNothingBehind) {
  constexpr std::size_t kRounds = 200;
  const Buf command = command_with(kInsert);
  const auto round = [&] {
    const Library l;
    Session session(l);
    ASSERT_FALSE(session.analyze(command).empty());
    ASSERT_TRUE(session.analyze(bson_of(R"({"insert": "patients"})")).empty());
  };
  std::size_t before = 0;
  for (std::size_t i = 0; i < 2 * kRounds; ++i) {
    round();
    ASSERT_FALSE(Library::is_loaded()) << "something keeps it in the process";
    if (i + 1 == kRounds) before = ::mallinfo2().uordblks;
  }
  // The smallest block that malloc gives has 32 bytes; the dynamic linker's own tables move a bit.
  if (!kSanitized) {
    EXPECT_LT(::mallinfo2().uordblks, before + kRounds * 16);
  }
}

}  // namespace
}  // namespace fle::test
