#include "ring/tick_clock.h"

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

using std::chrono::steady_clock;

/// More than a tick and any lateness of one; less than clocks of another kind differ by.
constexpr std::chrono::seconds kNear{10};

TEST(TickClock, IsNearSteadyClockAndNeverRunsBack) {
  steady_clock::time_point last{};
  for (int i = 0; i < 10000; ++i) {
    const auto before = steady_clock::now();
    const auto t = now_or_next_tick();
    const auto after = steady_clock::now();
    ASSERT_GT(t, before - kNear);
    ASSERT_LT(t, after + kNear);
    ASSERT_GE(t, last);
    last = t;
  }
}

}  // namespace
}  // namespace fle::kms
