#ifndef FLE_CLIENT_SRC_CALL_REPORT_H_
#define FLE_CLIENT_SRC_CALL_REPORT_H_

#include <chrono>
#include <cstdint>
#include <functional>

#include "count_fields.h"
#include "field_batch.h"
#include "fle/report.h"

namespace fle::client {

/// What an observer is told of one call, once it has ended. Nothing happens without an observer.
class CallReport {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CallReport(Observer* observer) noexcept : observer_(observer) {
    if (observer_ != nullptr) began_ = Clock::now();
  }
  /// @param now  the clock, where it is not the system's
  CallReport(Observer* observer, const std::function<Clock::time_point()>& now)
      : observer_(observer), now_(now ? &now : nullptr) {
    if (observer_ != nullptr) began_ = time();
  }

  [[nodiscard]] bool is_wanted() const noexcept { return observer_ != nullptr; }

  /// What a batch has sealed and opened; not before it has succeeded.
  void add_fields(const FieldBatch& batch) noexcept {
    add_fields("encrypt", batch.sealed());
    add_fields("decrypt", batch.opened());
  }
  void add_field(Word operation, Algorithm algorithm, std::uint64_t bytes) noexcept {
    events_.add(Metric::fields, {operation, word_of(algorithm)}, 1);
    events_.count(Metric::field_bytes, {operation, word_of(algorithm)}, bytes);
  }
  void add_documents(Word operation, std::uint64_t n) noexcept {
    events_.count(Metric::documents, {operation}, n);
  }

  /// Tells of a batch, which has ended now.
  template <class Outcome>
  void end(Word operation, const Outcome& done) noexcept {
    if (!is_wanted()) return;
    events_.add(Metric::batch_seconds, {operation, outcome_of(done)}, took());
    events_.tell(observer_);
  }
  /// Tells of a command, likewise: see Events::add_command.
  void end_command(Word command, Word refused_by, const Done& done) noexcept {
    if (!is_wanted()) return;
    events_.add_command(command, refused_by, done, took());
    events_.tell(observer_);
  }

 private:
  void add_fields(Word operation, const FieldCounts& counts) noexcept {
    constexpr Algorithm kOf[] = {Algorithm::deterministic, Algorithm::random};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      events_.count(Metric::fields, {operation, word_of(kOf[i])}, counts[i].fields);
      events_.count(Metric::field_bytes, {operation, word_of(kOf[i])}, counts[i].bytes);
    }
  }
  [[nodiscard]] Clock::time_point time() const {
    return now_ != nullptr ? (*now_)() : Clock::now();
  }
  [[nodiscard]] std::uint64_t took() const noexcept {
    try {
      return nanoseconds(time() - began_);
    } catch (...) {  // the caller's clock
      return 0;
    }
  }

  Observer* const observer_;
  const std::function<Clock::time_point()>* now_ = nullptr;
  Clock::time_point began_{};
  Events<12> events_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_CALL_REPORT_H_
