// Tables take a slot by the low bits of a hash: under no seed may keys of one kind pile up there.
#include "fle/seeded_hash.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fle {
namespace {

constexpr std::size_t kKeys = 1500;
constexpr int kSeeds = 300;

/// Slots looked at for a key, on average, in a table that is at most half full.
double probes(const std::vector<std::uint64_t>& hashes) {
  std::size_t size = 1;
  while (size < 2 * hashes.size()) size *= 2;
  std::vector<bool> taken(size);
  std::size_t looked = 0;
  for (const std::uint64_t hash : hashes) {
    std::size_t at = hash % size;
    for (; taken[at]; at = (at + 1) % size) ++looked;
    taken[at] = true;
    ++looked;
  }
  return static_cast<double>(looked) / static_cast<double>(hashes.size());
}

/// The worst of many seeds, the same in each run.
template <class Key>
double worst(const std::vector<Key>& keys) {
  std::mt19937_64 random(20);
  double most = 0;
  for (int i = 0; i < kSeeds; ++i) {
    const std::uint64_t a = random();
    const SeededHash hash(a, random());
    std::vector<std::uint64_t> hashes;
    hashes.reserve(keys.size());
    for (const Key& key : keys) hashes.push_back(hash(key));
    most = std::max(most, probes(hashes));
  }
  return most;
}

TEST(SeededHash, SpreadsNamesThatDifferInTheirDigits) {
  for (const std::string prefix : {"", "f", "field", "patient.", "a_long_name_of_a_"}) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kKeys; ++i) {
      const std::string digits = std::to_string(i);
      names.push_back(prefix + std::string(5 - digits.size(), '0') + digits);
    }
    EXPECT_LT(worst(names), 2) << prefix;
  }
}

TEST(SeededHash, SpreadsIdsThatCount) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{6}, std::size_t{14}}) {
    std::vector<KeyId> ids(kKeys);
    for (std::size_t i = 0; i < kKeys; ++i) {
      ids[i].bytes[at] = static_cast<std::uint8_t>(i);
      ids[i].bytes[at + 1] = static_cast<std::uint8_t>(i >> 8U);
    }
    EXPECT_LT(worst(ids), 2) << at;
  }
}

TEST(SeededHash, DrawsASeedOfItsOwnEachTime) {
  const std::string_view name = "ssn";
  EXPECT_NE(SeededHash::random()(name), SeededHash::random()(name));
}

}  // namespace
}  // namespace fle
