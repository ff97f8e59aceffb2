#ifndef FLE_SEEDED_HASH_H_
#define FLE_SEEDED_HASH_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include "fle/types.h"

namespace fle {

/// Hashes key ids and names for tables whose keys come from outside. Without the seed nobody can
/// choose keys that meet in one place of a table, so a hostile document cannot make a look-up slow.
/// Not a cryptographic hash: it protects time, not secrets.
///
/// Each step multiplies two 64-bit words to 128 bits and folds the halves; one more step at the end
/// makes the low bits depend on all of them. Thread-safe.
class SeededHash {
 public:
  /// @param a, b  random; the same for all uses of one table.
  constexpr SeededHash(std::uint64_t a, std::uint64_t b) noexcept : a_(a), b_(b) {}

  /// With a seed of the system's (getentropy). Where there is none the hash is merely a known one:
  /// look-ups may then be made slow, not wrong. What has to be secret is drawn elsewhere, and
  /// checked.
  [[nodiscard]] static SeededHash random() noexcept {
    std::array<std::uint64_t, 2> words{};
    if (::getentropy(words.data(), sizeof words) != 0) return {kOdd, kOther};
    return {words[0], words[1]};
  }

  [[nodiscard]] std::uint64_t operator()(const KeyId& id) const noexcept {
    return finish(fold(word(id.bytes.data()) ^ a_, word(id.bytes.data() + 8) ^ b_));
  }
  [[nodiscard]] std::uint64_t operator()(std::string_view s) const noexcept {
    std::uint64_t h = a_ ^ s.size();
    for (; s.size() >= 8; s.remove_prefix(8)) h = fold(h ^ word(s.data()), b_ ^ kOdd);
    std::uint64_t rest = 0;
    if (!s.empty()) std::memcpy(&rest, s.data(), s.size());
    return finish(fold(h ^ rest, b_));
  }

 private:
  static constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ULL;
  static constexpr std::uint64_t kOther = 0xc2b2ae3d27d4eb4fULL;
  /// Keys that differ in a few digits lie on a lattice after one multiplication, which under some
  /// seeds has few points below the mask of a table.
  static std::uint64_t finish(std::uint64_t h) noexcept { return fold(h, kOdd); }
  static std::uint64_t word(const void* p) noexcept {
    std::uint64_t w = 0;
    std::memcpy(&w, p, sizeof w);
    return w;
  }
  static std::uint64_t fold(std::uint64_t x, std::uint64_t y) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(x) * y;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t a_;
  std::uint64_t b_;
};

}  // namespace fle

#endif  // FLE_SEEDED_HASH_H_
