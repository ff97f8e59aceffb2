#ifndef FLE_TESTS_SUPPORT_PATIENCE_H_
#define FLE_TESTS_SUPPORT_PATIENCE_H_

#include <chrono>

namespace fle::test {

/// How long a test waits for what must come before it takes it for a hang. Not a measure of
/// anything: far beyond what any machine needs, whatever else it has to do.
inline constexpr std::chrono::minutes kPatience{5};

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_PATIENCE_H_
