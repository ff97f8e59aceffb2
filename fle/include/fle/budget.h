#ifndef FLE_BUDGET_H_
#define FLE_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fle/work.h"

namespace fle {

/// What one call may cost, in steps of fle::Work: a part in proportion to what it was given, and a
/// floor for small inputs. A step takes 10 to 50 ns; honest input takes less than 2 a byte, and a
/// few dozen for each field and pattern of a schema, so that both parts leave much room. What takes
/// more was made to: expressions of `patternProperties` that try out very many ways to match a
/// name.
struct Budget {
  std::uint64_t floor = 50'000'000;
  std::uint64_t per_byte = 8;  ///< Of the command, the schema, or all documents of a batch.
  /// Set by another thread when nobody waits for the result: the call ends soon, with
  /// Errc::work_limit. May be null; must stay until the call returns.
  const std::atomic<bool>* abandoned = nullptr;

  /// No end.
  [[nodiscard]] static constexpr Budget unlimited() noexcept { return {UINT64_MAX, 0}; }

  /// Gives `work` this much for `bytes` of input.
  void allow(Work& work, std::size_t bytes) const noexcept {
    std::uint64_t steps = 0;
    const bool fits = !__builtin_mul_overflow(per_byte, bytes, &steps) &&
                      !__builtin_add_overflow(floor, steps, &steps);
    work.allow(fits ? steps : UINT64_MAX, abandoned);
  }
};

}  // namespace fle

#endif  // FLE_BUDGET_H_
