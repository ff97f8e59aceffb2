#include "fle/single_flight.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/patience.h"

namespace fle {
namespace {

using Clock = std::chrono::steady_clock;

TEST(FlightThreads, EverybodyWhoWaitsHasTheOneResult) {
  constexpr int kThreads = 8;
  Flight<std::unique_ptr<int>> flight;
  std::atomic<int> arrived{0};
  std::vector<const int*> seen(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      ++arrived;
      seen[i] = i % 2 == 0 ? flight.wait().get()
                           : flight.wait_until(Clock::now() + test::kPatience)->get();
    });
  while (arrived != kThreads) std::this_thread::yield();
  auto result = std::make_unique<int>(7);
  const int* const there = result.get();
  flight.land(std::move(result));
  for (std::thread& t : threads) t.join();
  for (const int* p : seen) EXPECT_EQ(p, there);
}

TEST(Flight, ThatHasLandedIsWaitedForByNobody) {
  Flight<int> flight;
  flight.land(3);
  EXPECT_EQ(flight.wait(), 3);
  const int* const late = flight.wait_until(Clock::time_point::min());
  ASSERT_NE(late, nullptr) << "there is a result, however late one comes";
  EXPECT_EQ(late, &flight.wait()) << "and it stays where it is";
}

TEST(Flight, IsWaitedForUntilTheDeadlineAndLandsAllTheSame) {
  Flight<int> flight;
  EXPECT_EQ(flight.wait_until(Clock::now()), nullptr);
  EXPECT_EQ(flight.wait_until(Clock::time_point::min()), nullptr);
  flight.land(4);
  EXPECT_EQ(flight.wait(), 4);
}

TEST(FlightThreads, MayBeLeftByItsOwnerWhileItIsWaitedFor) {
  auto flight = std::make_shared<Flight<std::string>>();
  std::atomic<bool> arrived{false};
  std::thread waiting([&arrived, flight] {
    arrived = true;
    EXPECT_EQ(flight->wait(), "landed");
  });
  while (!arrived) std::this_thread::yield();
  flight->land("landed");
  flight.reset();
  waiting.join();
}

}  // namespace
}  // namespace fle
