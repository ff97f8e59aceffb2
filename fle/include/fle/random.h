#ifndef FLE_RANDOM_H_
#define FLE_RANDOM_H_

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/result.h"
#include "fle/types.h"

namespace fle {

/// Fills `out` with bytes that nobody can predict: keys, IVs, UUIDs.
///
/// Each thread has its own generator, AES-256 in counter mode with fast key erasure: what was
/// handed out cannot be recovered from its state. It is seeded from getrandom(2), again after
/// 1 MiB of output or when the process has forked. A 16-byte IV costs nanoseconds. Thread-safe.
///
/// @retval Errc::random_failed  the operating system gave no randomness; `out` is wiped
[[nodiscard]] FLE_API Status random_bytes(MutBytes out) noexcept;

/// A version 4 UUID (RFC 4122 section 4.4).
[[nodiscard]] FLE_API Result<KeyId> random_key_id() noexcept;

}  // namespace fle

#endif  // FLE_RANDOM_H_
