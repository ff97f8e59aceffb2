#ifndef FLE_TOOLS_SHARED_CRC64_H_
#define FLE_TOOLS_SHARED_CRC64_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "crc64.h"

namespace fle::tools {

/// The checksum of bytes that are looked at in parts, by several threads at once.
class SharedCrc64 {
 public:
  /// Whoever knows the order of the parts says that there is another.
  /// @return  its number, for add(), which must come.
  [[nodiscard]] std::uint64_t announce() {
    const std::lock_guard lock(mutex_);
    parts_.emplace_back();
    return n_added_ + parts_.size() - 1;
  }
  void add(std::uint64_t number, Bytes part) noexcept {
    const Crc64::Part looked_at = Crc64::part_of(part);
    const std::lock_guard lock(mutex_);
    parts_[number - n_added_] = looked_at;
    for (; !parts_.empty() && parts_.front(); parts_.pop_front(), ++n_added_)
      sum_.add(*parts_.front());
    if (parts_.empty()) all_added_.notify_all();
  }
  /// Of all parts that were announced: waits for them.
  [[nodiscard]] std::uint64_t value() {
    std::unique_lock lock(mutex_);
    all_added_.wait(lock, [this] { return parts_.empty(); });
    return sum_.value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_added_;
  Crc64 sum_;                                     // of the first n_added_ parts
  std::deque<std::optional<Crc64::Part>> parts_;  // that follow
  std::uint64_t n_added_ = 0;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_SHARED_CRC64_H_
