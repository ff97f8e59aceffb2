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

/// Counts jobs in registers: a total of two in memory, of which the job says the one, is read again
/// before its last sum has reached it.
/// @param algorithm, bytes  of a job
template <class Job, class AlgorithmOf, class BytesOf>
FieldCounts count(std::span<const Job> jobs, AlgorithmOf algorithm, BytesOf bytes) noexcept {
  FieldCount all{jobs.size(), 0};
  FieldCount random;
  for (const Job& j : jobs) {
    const std::uint64_t is_random = algorithm(j) == Algorithm::random ? 1 : 0;
    const std::uint64_t n = bytes(j);
    all.bytes += n;
    random.fields += is_random;
    random.bytes += is_random * n;
  }
  return {FieldCount{all.fields - random.fields, all.bytes - random.bytes}, random};
}

}  // namespace

FieldCounts counts_of(std::span<const SealJob> jobs) noexcept {
  return count(
      jobs, [](const SealJob& j) { return j.algorithm; },
      [](const SealJob& j) { return j.plaintext.size(); });
}

FieldCounts counts_of(std::span<const OpenJob> jobs) noexcept {
  return count(
      jobs, [](const OpenJob& j) { return static_cast<Algorithm>(j.payload[0]); },
      [](const OpenJob& j) { return j.plaintext_len; });
}

void add_counts(FieldCounts& to, const FieldCounts& counts) noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i].fields += counts[i].fields;
    to[i].bytes += counts[i].bytes;
  }
}

void count_sealed(const FieldCounts& counts) noexcept {
  const Place mine = place_of_this_thread();
  add(mine.shard.sealed, counts, mine.own);
}

void count_opened(const FieldCounts& counts) noexcept {
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
