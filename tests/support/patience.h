#ifndef FLE_TESTS_SUPPORT_PATIENCE_H_
#define FLE_TESTS_SUPPORT_PATIENCE_H_

#include <chrono>
#include <thread>

namespace fle::test {

/// How long a test waits for what must come before it takes it for a hang. Not a measure of
/// anything: far beyond what any machine needs, whatever else it has to do.
inline constexpr std::chrono::minutes kPatience{5};

/// Whether `condition` comes true: for what gives no sign of its own that a test could wait for.
template <class Condition>
[[nodiscard]] bool happens(Condition condition) {
  const auto late = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > late) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_PATIENCE_H_
