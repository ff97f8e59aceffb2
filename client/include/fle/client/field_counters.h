#ifndef FLE_CLIENT_FIELD_COUNTERS_H_
#define FLE_CLIENT_FIELD_COUNTERS_H_

#include <cstdint>

#include "fle/export.h"

namespace fle::client {

/// Fields, and bytes of their plaintext.
struct FieldCount {
  std::uint64_t fields = 0;
  std::uint64_t bytes = 0;
};

/// What this process has encrypted and decrypted, in documents and as single values, by algorithm.
/// Only calls that succeeded count.
struct FieldCounters {
  FieldCount deterministic_encrypted;
  FieldCount random_encrypted;
  FieldCount deterministic_decrypted;
  FieldCount random_decrypted;
};

/// The counters now. Each is right by itself; read while other threads work they need not fit each
/// other. Thread-safe; counting costs a few nanoseconds for each call, not for each field.
[[nodiscard]] FLE_API FieldCounters field_counters() noexcept;

}  // namespace fle::client

#endif  // FLE_CLIENT_FIELD_COUNTERS_H_
