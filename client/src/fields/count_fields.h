#ifndef FLE_CLIENT_SRC_COUNT_FIELDS_H_
#define FLE_CLIENT_SRC_COUNT_FIELDS_H_

#include <array>
#include <span>

#include "fle/batch.h"
#include "fle/client/field_counters.h"

namespace fle::client {

/// What is in a batch: deterministic, random.
using FieldCounts = std::array<FieldCount, 2>;
[[nodiscard]] FieldCounts counts_of(std::span<const SealJob> jobs) noexcept;
[[nodiscard]] FieldCounts counts_of(std::span<const OpenJob> jobs) noexcept;

void add_counts(FieldCounts& to, const FieldCounts& counts) noexcept;

/// Counts what a batch has done: once, when it has succeeded.
void count_sealed(const FieldCounts& counts) noexcept;
void count_opened(const FieldCounts& counts) noexcept;

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_COUNT_FIELDS_H_
