#ifndef FLE_RANDOM_H_
#define FLE_RANDOM_H_

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/result.h"
#include "fle/types.h"

namespace fle {

/// Fills `out` with bytes that nobody can predict: IVs, cache seeds.
///
/// Each thread has its own generator, AES-256 in counter mode with fast key erasure: what was
/// handed out cannot be recovered from its state. It is seeded from getrandom(2), and again after
/// 1 MiB of output, after one second, and when the process has forked. A 16-byte IV costs
/// nanoseconds. Thread-safe.
///
/// Clones of a virtual machine that go on from one snapshot can repeat each other for at most one
/// second of running time: keys do not come from here.
///
/// @retval Errc::random_failed       the operating system gave no randomness, or the same bytes
///                                   twice; `out` is wiped
/// @retval Errc::kernel_unavailable  FLE_KERNEL names no kernel that runs here; `out` is wiped
[[nodiscard]] FLE_API Status random_bytes(MutBytes out) noexcept;

/// Fills `out` with key material, straight from getrandom(2): Linux seeds that anew when a virtual
/// machine has been cloned or restored, where the hypervisor tells it (VMGENID). Thread-safe.
///
/// @param out  any length; made for the 96 bytes of a data key or a local master key.
/// @retval Errc::random_failed  as random_bytes; `out` is wiped
[[nodiscard]] FLE_API Status random_key_material(MutBytes out) noexcept;

/// A version 4 UUID (RFC 4122 section 4.4), from random_key_material().
[[nodiscard]] FLE_API Result<KeyId> random_key_id() noexcept;

}  // namespace fle

#endif  // FLE_RANDOM_H_
