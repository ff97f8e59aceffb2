#ifndef FLE_OBSERVE_TRACE_H_
#define FLE_OBSERVE_TRACE_H_

#include <memory>
#include <string_view>

#include "fle/duration.h"
#include "fle/export.h"
#include "fle/function.h"
#include "fle/observe.h"

namespace fle {

/// Writes a line for each event, as it happens:
///
///   fle 0.001532 fle_kms_seconds operation=unwrap provider=aws outcome=ok 0.001204
///
/// that is: seconds since the trace was made, the metric, its labels, its value. Nothing is left
/// out or blacked out, for there is nothing to leave out: see Event. Thread-safe.
class FLE_API Trace final : public Observer {
 public:
  /// @param write  gets each line, with its end; one at a time. What it throws is dropped.
  /// @param now    for tests: the clock. Null: the system's.
  explicit Trace(std::function<void(std::string_view line)> write,
                 std::function<std::chrono::steady_clock::time_point()> now = {});
  ~Trace() override;

  void observe(std::span<const Event> events) override;

  /// One that writes to a file descriptor, each line by one write(2), which may fail.
  [[nodiscard]] static std::shared_ptr<Trace> to_descriptor(int fd);

 private:
  struct State;
  std::unique_ptr<State> s_;
};

}  // namespace fle

#endif  // FLE_OBSERVE_TRACE_H_
