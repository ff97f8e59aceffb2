#include "late/late_library.h"

#include <cmath>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

// Libraries that are loaded when they are needed: the C library's own stand for them.
namespace fle::kms {
namespace {

struct Rounding {
  explicit Rounding(LateLibrary& m) : rounded_down(m.function<double(double)>("floor")) {}
  double (*rounded_down)(double);
};

struct NoSuchFunction {
  explicit NoSuchFunction(LateLibrary& m)
      : missing(m.function<double(double)>("no_such_function")),
        also_missing(m.function<double(double)>("neither_is_this")) {}
  double (*missing)(double);
  double (*also_missing)(double);
};

TEST(LateFunctions, AreThoseOfTheLibraryForAllThreads) {
  static LateFunctions<Rounding> late("libm.so.6");
  std::vector<const Rounding*> seen(8);
  {
    std::vector<std::jthread> threads;
    for (const Rounding*& mine : seen) threads.emplace_back([&mine] { mine = *late.load(); });
  }
  for (const Rounding* const one : seen) EXPECT_EQ(one, seen.front());
  EXPECT_EQ((*late).rounded_down(2.5), 2);
}

TEST(LateFunctions, OfALibraryThatIsNotThereNameIt) {
  static LateFunctions<Rounding> late("libno-such.so.9");
  for (int attempt = 0; attempt < 2; ++attempt) {  // looked for again: it may have come meanwhile
    const auto loaded = late.load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("libno-such.so.9"), std::string::npos) << loaded.error();
    EXPECT_EQ(loaded.error().find('\n'), std::string::npos) << loaded.error();
  }
}

TEST(LateFunctions, ThatALibraryDoesNotHaveAreNamed) {
  static LateFunctions<NoSuchFunction> late("libm.so.6");
  const auto loaded = late.load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().find("no_such_function"), std::string::npos) << loaded.error();
}

}  // namespace
}  // namespace fle::kms
