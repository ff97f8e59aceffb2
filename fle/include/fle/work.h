#ifndef FLE_WORK_H_
#define FLE_WORK_H_

#include <cstddef>
#include <cstdint>

namespace fle {

/// Counts what one call does, in steps that depend on its input alone, never on the machine: so a
/// test can tell that twice the input takes twice the work, without a clock. One object goes
/// through all that a call does: reading elements, walking documents, looking up names and paths,
/// searching patterns, building texts. Whoever writes a loop counts in that loop, so that no caller
/// can hide how often it runs. Not for concurrent use.
class Work {
 public:
  /// One element read, one name looked up, one row or variable looked at.
  void step(std::uint64_t n = 1) noexcept { steps_ += n; }
  /// `n` bytes copied, compared or searched beside that. They come in runs, and a run of less than
  /// kBytesInStep is part of the step that it belongs to.
  void bytes(std::size_t n) noexcept { steps_ += n / kBytesInStep; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  void clear() noexcept { steps_ = 0; }

  static constexpr std::size_t kBytesInStep = 64;

 private:
  std::uint64_t steps_ = 0;
};

}  // namespace fle

#endif  // FLE_WORK_H_
