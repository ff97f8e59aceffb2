#ifndef FLE_SRC_RANDOM_INTERNAL_H_
#define FLE_SRC_RANDOM_INTERNAL_H_

#include <cstdint>

#include "fle/bytes.h"

namespace fle::internal {

using EntropySource = bool (*)(MutBytes out) noexcept;

/// Replaces getrandom(2) in this process, for tests of its failure; nullptr puts it back.
void set_entropy_source(EntropySource source) noexcept;

using Clock = std::int64_t (*)() noexcept;

/// Replaces the clock that limits the age of a seed, in milliseconds; nullptr puts it back.
void set_clock(Clock now) noexcept;

}  // namespace fle::internal

#endif  // FLE_SRC_RANDOM_INTERNAL_H_
