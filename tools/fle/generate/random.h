#ifndef FLE_TOOLS_RANDOM_H_
#define FLE_TOOLS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace fle::tools {

/// Numbers that look random and are the same everywhere for the same seed, unlike those of
/// <random>'s distributions. Not for keys.
///
/// Source: SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  /// The generator of one item of a stream: items do not depend on each other.
  Random(std::uint64_t seed, std::uint64_t item) noexcept
      : state_(Random(Random(seed).next() ^ item).next()) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1, for n up to 2^32. The upper half times n, so that no remainder is taken; some
  /// numbers come more often by one in 2^32 / n.
  std::uint32_t below(std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }
  /// `low` to `high`, both included.
  std::int32_t between(std::int32_t low, std::int32_t high) noexcept {
    return low + static_cast<std::int32_t>(below(static_cast<std::uint32_t>(high - low + 1)));
  }
  template <class T>
  const T& one_of(std::span<const T> items) noexcept {
    return items[below(static_cast<std::uint32_t>(items.size()))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_RANDOM_H_
