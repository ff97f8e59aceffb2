#ifndef FLE_KMS_RING_TICK_CLOCK_H_
#define FLE_KMS_RING_TICK_CLOCK_H_

#include <chrono>

#include <time.h>

namespace fle::kms {

/// steady_clock as of the last tick of the system's clock, plus a tick (as a rule 4 ms): not before
/// steady_clock where ticks are on time, and read in a fifth of its time.
inline std::chrono::steady_clock::time_point now_or_next_tick() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE  // Linux, where steady_clock is CLOCK_MONOTONIC
  const auto read = [](auto clock) {
    timespec t{};
    clock(CLOCK_MONOTONIC_COARSE, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  static const std::chrono::nanoseconds tick = read(::clock_getres);
  return std::chrono::steady_clock::time_point(read(::clock_gettime) + tick);
#else
  return std::chrono::steady_clock::now();
#endif
}

}  // namespace fle::kms

#endif  // FLE_KMS_RING_TICK_CLOCK_H_
