// The hash table behind Plan::child: names of one kind, which differ in their last digits alone,
// may not pile up behind each other.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plan_data.h"

namespace fle::schema {
namespace {

/// Slots looked at to find a name, on average, in a table of the size that the compiler gives it.
double probes(const std::vector<std::string>& names) {
  std::size_t size = 1;
  while (size < 2 * names.size()) size *= 2;
  std::vector<bool> taken(size);
  std::size_t looked = 0;
  for (const std::string& name : names) {
    std::size_t at = Plan::Data::hash(name) % size;
    for (; taken[at]; at = (at + 1) % size) ++looked;
    taken[at] = true;
    ++looked;
  }
  return static_cast<double>(looked) / static_cast<double>(names.size());
}

TEST(PlanHash, SpreadsNamesThatDifferInTheirLastDigits) {
  for (const std::string prefix :
       {"", "f", "key", "field", "plainfield", "patient.", "a_long_name_of_a_"}) {
    std::vector<std::string> plain;
    std::vector<std::string> padded;
    for (int i = 0; i < 1500; ++i) {
      const std::string digits = std::to_string(i);
      plain.push_back(prefix + digits);
      padded.push_back(prefix + std::string(5 - digits.size(), '0') + digits);
    }
    EXPECT_LT(probes(plain), 2) << prefix;
    EXPECT_LT(probes(padded), 2) << prefix;
  }
}

}  // namespace
}  // namespace fle::schema
