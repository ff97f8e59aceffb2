#include "life/work_on_all.h"

#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fle/kms/rewrap.h"

namespace fle::kms {
namespace {

using std::chrono::milliseconds;

/// What was called and waited for, without a clock.
struct WorkOnAll : ::testing::Test {
  WorkOptions options(std::size_t threads, std::uint32_t retries, bool keep_going) {
    return {threads, retries, keep_going, [this](milliseconds t) { waits.push_back(t); }};
  }
  std::vector<milliseconds> waits;
};

std::vector<std::size_t> items_of(const std::vector<Undone>& undone) {
  std::vector<std::size_t> items;
  for (const Undone& u : undone) items.push_back(u.item);
  return items;
}

TEST_F(WorkOnAll, CallsEachItemOnceInOrderOnOneThread) {
  std::vector<std::size_t> seen;
  const auto undone = work_on_all(5, options(1, 3, false), [&](std::size_t i) -> Done {
    seen.push_back(i);
    return ok;
  });
  EXPECT_TRUE(undone.empty());
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(waits.empty());
  EXPECT_TRUE(work_on_all(0, options(4, 3, false), [](std::size_t) -> Done {
                return Failure(Errc::io_failed, "never called");
              }).empty());
}

TEST_F(WorkOnAll, ThrowsWhatTheWorkThrowsOnWhateverThread) {
  for (const std::size_t n_threads : {1U, 4U}) {
    for (const bool keep_going : {false, true}) {
      std::atomic<int> n{0};
      EXPECT_THROW((void)work_on_all(1000, options(n_threads, 3, keep_going),
                                     [&](std::size_t i) -> Done {
                                       ++n;
                                       if (i % 4 == 3) throw std::runtime_error("broken");
                                       return ok;
                                     }),
                   std::runtime_error);
      EXPECT_LT(n, 1000);
      EXPECT_TRUE(waits.empty());
    }
  }
}

TEST_F(WorkOnAll, SeveralThreadsAreAtWorkAtOnce) {
  constexpr std::size_t kThreads = 4;
  std::barrier all_there(kThreads);  // passed only if as many items are begun before one ends
  std::atomic<int> n{0};
  const auto undone =
      work_on_all(8 * kThreads, options(kThreads, 0, false), [&](std::size_t) -> Done {
        all_there.arrive_and_wait();
        ++n;
        return ok;
      });
  EXPECT_TRUE(undone.empty());
  EXPECT_EQ(n, 8 * static_cast<int>(kThreads));
}

TEST_F(WorkOnAll, OnlyWhatMaySucceedLaterIsTriedAgain) {
  std::vector<int> calls(4);
  const auto undone = work_on_all(4, options(1, 3, true), [&](std::size_t i) -> Done {
    ++calls[i];
    if (i == 1 && calls[i] < 3) return Failure(Errc::kms_unreachable, "for now");
    if (i == 2) return Failure(Errc::key_unwrap_failed, "for good");
    return ok;
  });
  EXPECT_EQ(items_of(undone), std::vector<std::size_t>{2});
  EXPECT_EQ(undone.front().failure.code, Errc::key_unwrap_failed);
  EXPECT_EQ(calls, (std::vector<int>{1, 3, 1, 1}));
  ASSERT_EQ(waits.size(), 2U) << "before each round but the first";
  EXPECT_LE(waits[0], milliseconds(200));
  EXPECT_LE(waits[1], milliseconds(400));
  EXPECT_GT(waits[0], milliseconds(0));
}

TEST_F(WorkOnAll, TheFirstFaultForGoodEndsItUnlessToldToKeepGoing) {
  const auto work = [](std::size_t i) -> Done {
    return i == 1 || i == 3 ? Done(Failure(Errc::kms_refused, "no")) : Done(ok);
  };
  EXPECT_EQ(items_of(work_on_all(5, options(1, 3, false), work)), std::vector<std::size_t>{1});
  EXPECT_EQ(items_of(work_on_all(5, options(1, 3, true), work)), (std::vector<std::size_t>{1, 3}));
  EXPECT_TRUE(waits.empty());
}

TEST_F(WorkOnAll, AServerThatIsDownIsNotAskedForEachOfManyItems) {
  constexpr std::size_t kItems = 10'000;
  std::size_t calls = 0;
  const auto undone = work_on_all(kItems, options(1, 2, true), [&](std::size_t) -> Done {
    ++calls;
    return Failure(Errc::kms_unreachable, "down");
  });
  EXPECT_EQ(undone.size(), kItems) << "what was not begun is not done, either";
  EXPECT_EQ(undone.back().item, kItems - 1);
  EXPECT_EQ(undone.back().failure.code, Errc::kms_unreachable);
  EXPECT_LE(calls, 3U * 8U);
  EXPECT_EQ(waits.size(), 2U);
}

TEST_F(WorkOnAll, ItComesBackWhenTheServerDoes) {
  constexpr std::size_t kItems = 1'000;
  std::multiset<std::size_t> done;
  bool up = true;
  bool was_down = false;
  WorkOptions o = options(1, 2, true);
  o.wait = [&](milliseconds) { up = true; };
  const auto undone = work_on_all(kItems, o, [&](std::size_t i) -> Done {
    if (i == 500 && !std::exchange(was_down, true)) up = false;
    if (!up) return Failure(Errc::kms_unreachable, "down");
    done.insert(i);
    return ok;
  });
  EXPECT_TRUE(undone.empty());
  EXPECT_EQ(done.size(), kItems);
  EXPECT_EQ(std::set<std::size_t>(done.begin(), done.end()).size(), kItems) << "none twice";
}

TEST_F(WorkOnAll, OfManyThreadsThatFailThereIsOneAnswer) {
  std::mutex mutex;
  std::size_t calls = 0;
  const auto undone = work_on_all(1'000, options(8, 3, false), [&](std::size_t) -> Done {
    const std::lock_guard lock(mutex);
    ++calls;
    return Failure(Errc::key_unwrap_failed, "no");
  });
  EXPECT_EQ(undone.size(), 1U);
  EXPECT_LE(calls, 8U);
}

}  // namespace
}  // namespace fle::kms
