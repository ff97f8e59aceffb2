#include "fle/client/field_counters.h"

#include <array>
#include <atomic>

#include "count_fields.h"

namespace fle::client {
namespace {

struct Total {
  std::atomic<std::uint64_t> fields{0};
  std::atomic<std::uint64_t> bytes{0};
};

/// Totals of one thread or a few, which share no cache line with the others.
struct alignas(64) Shard {
  std::array<Total, 2> sealed;  // deterministic, random
  std::array<Total, 2> opened;
};
// The first threads have a shard each, for good, and need not lock it to add to it.
constexpr std::size_t kExclusive = 64;
constexpr std::size_t kShared = 64;
constinit std::array<Shard, kExclusive + kShared> shards;

struct Place {
  Shard& shard;
  bool own;
};
Place place_of_this_thread() noexcept {
  static std::atomic<std::size_t> n_threads{0};
  thread_local const std::size_t mine = n_threads.fetch_add(1, std::memory_order_relaxed);
  if (mine < kExclusive) return {shards[mine], true};
  return {shards[kExclusive + mine % kShared], false};
}

void add(std::atomic<std::uint64_t>& total, std::uint64_t n, bool own) noexcept {
  if (own)
    total.store(total.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  else
    total.fetch_add(n, std::memory_order_relaxed);
}

std::size_t index_of(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::deterministic ? 0 : 1;
}

void add(std::array<Total, 2>& totals, const FieldCounts& counts, bool own) noexcept {
  for (std::size_t i = 0; i < 2; ++i) {
    if (counts[i].fields == 0) continue;
    add(totals[i].fields, counts[i].fields, own);
    add(totals[i].bytes, counts[i].bytes, own);
  }
}

void read(FieldCount& count, const Total& total) noexcept {
  count.fields += total.fields.load(std::memory_order_relaxed);
  count.bytes += total.bytes.load(std::memory_order_relaxed);
}

}  // namespace

FieldCounts counts_of(std::span<const SealJob> jobs) noexcept {
  FieldCounts counts{};
  for (const SealJob& j : jobs) {
    FieldCount& count = counts[index_of(j.algorithm)];
    ++count.fields;
    count.bytes += j.plaintext.size();
  }
  return counts;
}

FieldCounts counts_of(std::span<const OpenJob> jobs) noexcept {
  FieldCounts counts{};
  for (const OpenJob& j : jobs) {
    FieldCount& count = counts[index_of(static_cast<Algorithm>(j.payload[0]))];
    ++count.fields;
    count.bytes += j.plaintext_len;
  }
  return counts;
}

void count_sealed(std::span<const SealJob> jobs) noexcept {
  const FieldCounts counts = counts_of(jobs);
  const Place mine = place_of_this_thread();
  add(mine.shard.sealed, counts, mine.own);
}

void count_opened(std::span<const OpenJob> jobs) noexcept {
  const FieldCounts counts = counts_of(jobs);
  const Place mine = place_of_this_thread();
  add(mine.shard.opened, counts, mine.own);
}

FieldCounters field_counters() noexcept {
  FieldCounters c;
  for (const Shard& shard : shards) {
    read(c.deterministic_encrypted, shard.sealed[0]);
    read(c.random_encrypted, shard.sealed[1]);
    read(c.deterministic_decrypted, shard.opened[0]);
    read(c.random_decrypted, shard.opened[1]);
  }
  return c;
}

}  // namespace fle::client
