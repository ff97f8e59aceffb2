#ifndef FLE_REPORT_H_
#define FLE_REPORT_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "fle/errc.h"
#include "fle/failure.h"
#include "fle/observe.h"
#include "fle/types.h"

// How the parts of libfle tell an Observer what they do.
namespace fle {

/// Tells an observer, if there is one. What it throws is its own.
inline void report(Observer* observer, std::span<const Event> events) noexcept {
  if (observer == nullptr || events.empty()) return;
  try {
    observer->observe(events);
  } catch (...) {
  }
}

constexpr Word word_of(Errc code) noexcept {
  switch (code) {
#define FLE_ERRC_WORD(name, number, meaning) \
  case Errc::name:                           \
    return Word(#name);
    FLE_ERRC_LIST(FLE_ERRC_WORD)
#undef FLE_ERRC_WORD
  }
  return Word("unknown");
}

constexpr Word word_of(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::deterministic ? Word("deterministic") : Word("random");
}

/// How a call has ended: "ok", or the name of its Errc.
template <class Outcome>
Word outcome_of(const Outcome& outcome) noexcept {
  return outcome ? Word("ok") : word_of(outcome.error().code);
}

/// Whether it says no to what a document or command holds, rather than that something went wrong.
constexpr bool is_refusal(Errc code) noexcept {
  const auto range = static_cast<unsigned>(code) / 100;
  return range == 1 || range == 2 || range == 5 || code == Errc::work_limit;
}

inline std::uint64_t nanoseconds(std::chrono::nanoseconds d) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0));
}

/// The events of one call, told together.
template <std::size_t kMost>
class Events {
 public:
  void add(Metric metric, std::array<Word, kMaxLabels> labels, std::uint64_t value) noexcept {
    if (n_ < kMost) events_[n_++] = {metric, labels, value};
  }
  /// Leaves out what is nothing.
  void count(Metric metric, std::array<Word, kMaxLabels> labels, std::uint64_t n) noexcept {
    if (n != 0) add(metric, labels, n);
  }
  /// A command that has ended so.
  /// @param command  its name; empty: none that is analyzed, which is told of where it is refused.
  /// @param rule     that has refused it; empty: none is named.
  template <class Outcome>
  void add_command(Word command, Word rule, const Outcome& done, std::uint64_t took) noexcept {
    if (!command.empty() || !done)
      add(Metric::command_seconds, {command.empty() ? Word("other") : command, outcome_of(done)},
          took);
    if (done || !is_refusal(done.error().code)) return;
    const Word error = word_of(done.error().code);
    add(Metric::refusals, {rule.empty() ? error : rule, error}, 1);
  }
  void tell(Observer* observer) const noexcept { report(observer, {events_.data(), n_}); }

 private:
  std::array<Event, kMost> events_{};
  std::size_t n_ = 0;
};

}  // namespace fle

#endif  // FLE_REPORT_H_
