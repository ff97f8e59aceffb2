#include "late/late_library.h"

#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

// Libraries that are loaded when they are needed: the C library's own stand for them.
namespace fle::kms {
namespace {

struct Numbers : LateTable {
  using LateTable::LateTable;
  FLE_LATE_FUNCTION(number, atoi);
};

struct NoSuchFunction : LateTable {
  using LateTable::LateTable;
  int (*missing)(int) = library().function<int(int)>("no_such_function");
  int (*also_missing)(int) = library().function<int(int)>("neither_is_this");
};

TEST(LateFunctions, AreThoseOfTheLibraryForAllThreads) {
  static LateFunctions<Numbers> late("libc.so.6");
  std::vector<const Numbers*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (const Numbers*& mine : seen) threads.emplace_back([&mine] { mine = *late.load(); });
  }
  for (const Numbers* const one : seen) EXPECT_EQ(one, seen.front());
  EXPECT_EQ((*late).number("27"), 27);
}

TEST(LateFunctions, OfALibraryThatIsNotThereNameIt) {
  static LateFunctions<Numbers> late("libno-such.so.9");
  for (int attempt = 0; attempt < 2; ++attempt) {  // looked for again: it may have come meanwhile
    const auto loaded = late.load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("libno-such.so.9"), std::string::npos) << loaded.error();
    EXPECT_EQ(loaded.error().find('\n'), std::string::npos) << loaded.error();
  }
}

TEST(LateFunctions, ThatALibraryDoesNotHaveAreNamed) {
  static LateFunctions<NoSuchFunction> late("libc.so.6");
  const auto loaded = late.load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find("no_such_function"), std::string::npos) << loaded.error();
}

}  // namespace
}  // namespace fle::kms
