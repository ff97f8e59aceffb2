#ifndef FLE_WORK_H_
#define FLE_WORK_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fle {

/// Counts what one call does, in steps that depend on its input alone, never on the machine: so a
/// test can tell that twice the input takes twice the work, without a clock. One object goes
/// through all that a call does: reading elements, walking documents, looking up names and paths,
/// searching patterns, building texts. Whoever writes a loop counts in that loop, so that no caller
/// can hide how often it runs. Not for concurrent use.
///
/// It can have an end: see allow(). Whoever could be made to do much more than the input is long
/// asks spent() on the way and stops, and whoever began the call refuses it then (fle/budget.h).
class Work {
 public:
  /// One element read, one name looked up, one row or variable looked at.
  void step(std::uint64_t n = 1) noexcept { steps_ += n; }
  /// `n` bytes copied, compared or searched beside that. They come in runs, and a run of less than
  /// kBytesInStep is part of the step that it belongs to.
  void bytes(std::size_t n) noexcept { steps_ += n / kBytesInStep; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  /// Forgets all, the end too.
  void clear() noexcept {
    steps_ = 0;
    end_limit();
    most_ = 0;
    most_of_size_ = 0;
  }

  /// Ends after `steps` more, or once `abandoned` is set, by any thread; it may be null, and must
  /// stay until allow() or clear() is called again. Once it was seen to be set, the work is over
  /// for good, whoever takes the flag back: what was left undone must not look done. Without this
  /// there is no end.
  void allow(std::uint64_t steps, const std::atomic<bool>* abandoned = nullptr) noexcept {
    limit_ = steps < UINT64_MAX - steps_ ? steps_ + steps : UINT64_MAX;
    abandoned_ = abandoned;
    was_abandoned_ = false;
  }
  /// No end any more, as before allow(): at the end of the call that began it.
  void end_limit() noexcept { allow(UINT64_MAX); }
  [[nodiscard]] bool spent() const noexcept { return steps_ > limit_ || is_abandoned(); }
  [[nodiscard]] bool is_abandoned() const noexcept {
    if (abandoned_ != nullptr && abandoned_->load(std::memory_order_relaxed)) was_abandoned_ = true;
    return was_abandoned_;
  }
  /// Steps that are allowed, those already done among them.
  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

  /// Notes what took so many steps at once: the one that took the most is named in a refusal, by
  /// as much of `what` as there is room for.
  void took(std::uint64_t steps, std::string_view what) noexcept {
    if (steps <= most_) return;
    most_ = steps;
    most_of_size_ = what.copy(most_of_.data(), most_of_.size());
  }
  [[nodiscard]] std::uint64_t most() const noexcept { return most_; }
  [[nodiscard]] std::string_view most_of() const noexcept {
    return {most_of_.data(), most_of_size_};
  }

  static constexpr std::size_t kBytesInStep = 64;

 private:
  std::uint64_t steps_ = 0;
  std::uint64_t limit_ = UINT64_MAX;
  const std::atomic<bool>* abandoned_ = nullptr;
  mutable bool was_abandoned_ = false;
  std::uint64_t most_ = 0;
  std::size_t most_of_size_ = 0;
  std::array<char, 96> most_of_;  // uninitialized on purpose: only [0, most_of_size_) is read
};

}  // namespace fle

#endif  // FLE_WORK_H_
