// The hash table behind Plan::child: names of one kind, which differ in their last digits alone,
// may not pile up behind each other.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plan/plan_data.h"

namespace fle::schema {
namespace {

/// Slots looked at to find a name, on average, in a table of the size that the compiler gives it.
double probes(const std::vector<std::string>& names) {
  const PlanData data;  // with a seed of its own
  std::size_t size = 1;
  while (size < 2 * names.size()) size *= 2;
  std::vector<bool> taken(size);
  std::size_t looked = 0;
  for (const std::string& name : names) {
    std::size_t at = data.hash(name) % size;
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

// The highest bit of a word goes through a multiplication by any odd number alone, so that a hash
// that multiplies and shifts can be led to one value by the words after: whatever its seed.
TEST(PlanHash, SpreadsNamesThatWereChosenToMeet) {
  std::vector<std::string> names(1, "12345678");
  for (int i = 0; i < 10; ++i) {
    std::vector<std::string> longer;
    for (const std::string& name : names) {
      longer.push_back(name + "abcdefghabcdefgh");
      longer.push_back(name + "abcdefg\xe8" + "abc\xe4" + "efg\xe8");
    }
    names = std::move(longer);
  }
  for (std::string& name : names) name += "12345678";
  EXPECT_LT(probes(names), 2);
}

TEST(PlanHash, IsAnotherForEachPlan) {
  const PlanData a;
  const PlanData b;
  int equal = 0;
  for (int i = 0; i < 100; ++i)
    equal += a.hash("name" + std::to_string(i)) == b.hash("name" + std::to_string(i)) ? 1 : 0;
  EXPECT_LT(equal, 5);
}

}  // namespace
}  // namespace fle::schema
