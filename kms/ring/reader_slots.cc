#include "reader_slots.h"

#include <algorithm>

namespace fle::kms {
namespace {

/// Spreads threads over the slots, so that each usually finds its own one free and in its cache.
std::size_t home_of_this_thread() noexcept {
  static std::atomic<std::size_t> n_threads{0};
  thread_local const std::size_t home = n_threads.fetch_add(1, std::memory_order_relaxed);
  return home;
}

}  // namespace

ReaderSlot* ReaderSlots::pin() noexcept {
  const std::size_t home = home_of_this_thread();
  for (std::size_t i = 0; i < kSlots; ++i) {
    ReaderSlot& slot = slots_[(home + i) % kSlots];
    std::uint64_t free = 0;
    if (slot.epoch.load(std::memory_order_relaxed) == 0 &&
        slot.epoch.compare_exchange_strong(free, epoch_.load()))
      return &slot;
  }
  return nullptr;
}

void ReaderSlots::unpin(ReaderSlot& slot) noexcept {
  const std::uint64_t since = slot.epoch.load(std::memory_order_relaxed);
  slot.epoch.store(0);
  // A writer sets newest_retired_ before it looks at the slots: it sees this slot free, or this
  // reader sees that something was retired, which it may have been the last to hold.
  if (since < newest_retired_.load()) free_unused();
}

void ReaderSlots::retire(Objects unlinked) noexcept {
  if (unlinked.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t epoch = epoch_.fetch_add(1) + 1;
    for (Object& object : unlinked) object.epoch = epoch;
    retired_.splice(retired_.end(), unlinked);
    newest_retired_.store(epoch);
  }
  free_unused();
}

void ReaderSlots::free_unused() noexcept {
  Objects unused;  // destroyed after the lock is let go
  const std::lock_guard lock(mutex_);
  std::uint64_t oldest = UINT64_MAX;  // epoch that a reader is in
  for (const ReaderSlot& slot : slots_)
    if (const std::uint64_t epoch = slot.epoch.load(); epoch != 0) oldest = std::min(oldest, epoch);
  const auto in_use = std::ranges::find_if(
      retired_, [oldest](const Object& object) { return object.epoch > oldest; });
  unused.splice(unused.end(), retired_, retired_.begin(), in_use);
  if (retired_.empty()) newest_retired_.store(0);
}

std::uint64_t ReaderSlots::hits() const noexcept {
  std::uint64_t n = 0;
  for (const ReaderSlot& slot : slots_) n += slot.hits.load(std::memory_order_relaxed);
  return n;
}

}  // namespace fle::kms
