#include "frequencies.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace fle::tools {
namespace {

constexpr std::size_t kTop = 10;

/// Bits of a value that choose one of `registers`.
unsigned index_bits(std::size_t registers) noexcept {
  return static_cast<unsigned>(std::bit_width(registers)) - 1;
}

}  // namespace

void Frequencies::add(std::uint64_t value, std::uint64_t n) {
  values_ += n;
  count(value, n);
  if (!registers_.empty()) note(value);
}

void Frequencies::count(std::uint64_t value, std::uint64_t n) {
  if (slots_.empty()) slots_.resize(16);
  std::size_t i = place_of(value);
  if (slots_[i] != 0) {
    entries_[slots_[i] - 1U].count += n;
    return;
  }
  if (entries_.size() == most()) {
    if (registers_.empty()) start_estimating();
    thin_out();
    i = place_of(value);
  }
  entries_.push_back({value, n});
  slots_[i] = static_cast<std::uint16_t>(entries_.size());
  if (2 * entries_.size() > slots_.size()) index(2 * slots_.size());
}

/// The slot that a value has, or would have.
std::size_t Frequencies::place_of(std::uint64_t value) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = value & mask;
  while (slots_[i] != 0 && entries_[slots_[i] - 1U].value != value) i = (i + 1) & mask;
  return i;
}

/// Gives every entry a slot.
void Frequencies::index(std::size_t n_slots) {
  slots_.assign(n_slots, 0);
  for (std::size_t n = 0; n < entries_.size(); ++n)
    slots_[place_of(entries_[n].value)] = static_cast<std::uint16_t>(n + 1);
}

/// Takes the median count from all: half of the table becomes free.
void Frequencies::thin_out() {
  const std::uint64_t median = median_count();
  taken_ += median;
  std::size_t left = 0;
  for (const Entry e : entries_) {
    // Without a branch, which nobody could foretell.
    entries_[left] = {e.value, e.count - median};
    left += e.count > median ? 1 : 0;
  }
  entries_.resize(left);
  index(slots_.size());
}

/// Of counts in order, the one in the middle; most are 1.
std::uint64_t Frequencies::median_count() const {
  const std::size_t middle = entries_.size() / 2;
  std::size_t ones = 0;
  for (const Entry& e : entries_) ones += e.count == 1 ? 1 : 0;
  if (middle < ones) return 1;
  std::array<std::uint64_t, kMost> counts;
  std::ranges::transform(entries_, counts.begin(), &Entry::count);
  std::ranges::nth_element(counts.begin(), counts.begin() + middle,
                           counts.begin() + entries_.size());
  return counts[middle];
}

void Frequencies::start_estimating() {
  registers_.resize(is_large_ ? kRegisters : kFewRegisters);
  for (const Entry& e : entries_) note(e.value);
}

void Frequencies::note(std::uint64_t value) noexcept {
  const unsigned bits = index_bits(registers_.size());
  const std::size_t index = value >> (64 - bits);
  // The bit below the rest ends the count of zeros.
  const std::uint64_t rest = (value << bits) | (std::uint64_t{1} << (bits - 1));
  const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

/// Makes of its registers what a small one would have of the same values.
void Frequencies::coarsen() {
  constexpr std::size_t kEach = kRegisters / kFewRegisters;
  const unsigned bits = index_bits(kEach);
  std::vector<std::uint8_t> few(kFewRegisters);
  for (std::size_t i = 0; i < registers_.size(); ++i) {
    if (registers_[i] == 0) continue;
    // What was of the index is the beginning of the rest now.
    const auto begin = static_cast<unsigned>(i % kEach);
    const unsigned rank =
        begin == 0 ? bits + registers_[i] : bits - static_cast<unsigned>(std::bit_width(begin)) + 1;
    few[i / kEach] = std::max(few[i / kEach], static_cast<std::uint8_t>(rank));
  }
  registers_.swap(few);
}

void Frequencies::merge(const Frequencies& other) {
  is_large_ |= other.is_large_;
  if (!other.registers_.empty() && registers_.empty()) start_estimating();
  values_ += other.values_;
  taken_ += other.taken_;
  for (const Entry& e : other.entries_) {
    count(e.value, e.count);
    if (!registers_.empty()) note(e.value);
  }
  if (other.registers_.empty()) return;
  if (registers_.size() > other.registers_.size()) coarsen();
  Frequencies coarse;
  const std::vector<std::uint8_t>* theirs = &other.registers_;
  if (theirs->size() > registers_.size()) {
    coarse.registers_ = *theirs;
    coarse.coarsen();
    theirs = &coarse.registers_;
  }
  for (std::size_t i = 0; i < theirs->size(); ++i)
    registers_[i] = std::max(registers_[i], (*theirs)[i]);
}

double Frequencies::distinct_estimate() const {
  const auto m = static_cast<double>(registers_.size());
  double sum = 0;
  std::size_t zeros = 0;
  for (const std::uint8_t r : registers_) {
    sum += std::ldexp(1.0, -static_cast<int>(r));
    zeros += r == 0 ? 1 : 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  if (raw <= 2.5 * m && zeros != 0) return m * std::log(m / static_cast<double>(zeros));
  return raw;
}

Frequency Frequencies::frequency() const {
  Frequency f;
  f.values = values_;
  std::vector<std::uint64_t> counts;
  for (const Entry& e : entries_) counts.push_back(e.count);
  std::ranges::sort(counts, std::greater<>());
  f.commonest_least = counts.empty() ? std::min<std::uint64_t>(values_, 1) : counts.front();
  f.commonest_most = std::min(values_, f.commonest_least + taken_);
  if (registers_.empty()) {
    f.distinct = entries_.size();
    counts.resize(std::min(counts.size(), kTop));
    f.counts = std::move(counts);
    return f;
  }
  f.distinct = std::min(values_, static_cast<std::uint64_t>(std::llround(distinct_estimate())));
  // Of 95 in 100: twice the standard error.
  f.distinct_error = 2 * 1.04 / std::sqrt(static_cast<double>(registers_.size()));
  return f;
}

}  // namespace fle::tools
