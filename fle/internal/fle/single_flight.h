#ifndef FLE_SINGLE_FLIGHT_H_
#define FLE_SINGLE_FLIGHT_H_

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace fle {

/// Single flight: what several threads want at once is fetched by one of them, and the others wait
/// for its result. This is one such fetch; which flights are under way, and for what, is for the
/// owner to know. Thread-safe.
template <class T>
class Flight {
 public:
  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  /// Lets everybody go who waits. Once, and whatever happens: a flight that never lands is waited
  /// for without end.
  void land(T result) noexcept {
    {
      const std::lock_guard lock(mutex_);
      result_.emplace(std::move(result));
    }
    landed_.notify_all();
  }

  /// The result, once there is one; it does not change any more.
  [[nodiscard]] const T& wait() {
    std::unique_lock lock(mutex_);
    landed_.wait(lock, [this] { return result_.has_value(); });
    return *result_;
  }
  /// The same; null where there is none at `deadline`.
  template <class TimePoint>
  [[nodiscard]] const T* wait_until(const TimePoint& deadline) {
    std::unique_lock lock(mutex_);
    const bool landed = landed_.wait_until(lock, deadline, [this] { return result_.has_value(); });
    return landed ? &*result_ : nullptr;
  }

 private:
  std::mutex mutex_;
  std::condition_variable landed_;
  std::optional<T> result_;
};

}  // namespace fle

#endif  // FLE_SINGLE_FLIGHT_H_
