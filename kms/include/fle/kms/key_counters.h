#ifndef FLE_KMS_KEY_COUNTERS_H_
#define FLE_KMS_KEY_COUNTERS_H_

#include <array>
#include <cstdint>

#include "fle/duration.h"

namespace fle::kms {

/// Calls of one kind since a KeyRing was made, and how long they took.
struct CallCounters {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;  ///< Of these calls.
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds longest{0};
  /// calls[0]: below 1 us; calls[i]: from 2^(i-1) us to below 2^i us; the last one: that and more.
  static constexpr std::size_t kBuckets = 32;
  std::array<std::uint64_t, kBuckets> by_microseconds{};
};

/// What a KeyRing has done since it was made. Each number is right by itself; numbers read while
/// other threads work need not fit each other.
struct KeyRingCounters {
  std::uint64_t hits = 0;    ///< Keys that were found in the cache without a lock.
  std::uint64_t misses = 0;  ///< Keys that were not, or were too old.
  /// Misses that waited for a load of the same key that was under way.
  std::uint64_t coalesced = 0;
  std::uint64_t loaded = 0;        ///< Keys that went into the cache.
  std::uint64_t evicted = 0;       ///< Keys that had to make room: more keys are in use than fit.
  std::uint64_t refreshed = 0;     ///< Keys loaded anew ahead of their end.
  std::uint64_t served_stale = 0;  ///< Uses past the lifetime: KeyRingOptions::stale_if_error.
  std::uint64_t keys = 0;          ///< Keys in the cache now.
  CallCounters vault;              ///< Queries to the key vault.
  CallCounters kms;                ///< Unwrappings: a KMS call each, but for a local provider.
};

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_COUNTERS_H_
