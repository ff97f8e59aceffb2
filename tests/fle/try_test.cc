// FLE_TRY, FLE_CHECK and what a Result answers. Compiled with -Wshadow -Werror in the presets.
#include "fle/try.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "fle/failure.h"

namespace fle {
namespace {

Outcome<int> number(int n) { return n; }
Outcome<int> refused() { return Failure(Errc::invalid_argument, "no"); }
Done run(const auto& what) { return what(); }
template <class A, class B>
Outcome<std::map<A, B>> one_of(A a, B b) {
  return std::map<A, B>{{a, b}};
}

TEST(Try, TakesCommasOfAnyKind) {
  const auto sum = []() -> Outcome<int> {
    FLE_CHECK(one_of<int, int>(1, 2));
    FLE_TRY(const auto m, one_of<int, int>(1, 2));
    FLE_TRY((const auto [a, b]), Outcome<std::pair<int, int>>(std::pair(3, 4)));
    return m.at(1) + a + b;
  };
  EXPECT_EQ(sum().value(), 9);
}

TEST(Try, NestsAndStandsTwiceOnALine) {
  const auto all = []() -> Outcome<int> {
    FLE_CHECK(run([]() -> Done {
      FLE_CHECK(number(1));
      FLE_TRY(const int x, number(2));
      return x == 2 ? Done(ok) : Done(Failure());
    }));
    // clang-format off
    FLE_TRY(const int a, number(1)); FLE_TRY(const int b, number(2)); FLE_CHECK(number(a)); FLE_CHECK(number(b));
    // clang-format on
    FLE_TRY(const int c, ([]() -> Outcome<int> {
              FLE_TRY(const int x, number(3));
              return x;
            }()));
    return a + b + c;
  };
  EXPECT_EQ(all().value(), 6);
}

TEST(Try, ReturnsTheErrorBeforeAnythingElseIsDone) {
  int steps = 0;
  const auto checked = [&](bool first) -> Done {
    if (first)
      FLE_CHECK(refused());
    else
      ++steps;
    FLE_TRY(const int x, refused());
    steps += x;
    return ok;
  };
  EXPECT_EQ(checked(true).error().message, "no");
  EXPECT_EQ(steps, 0);
  EXPECT_EQ(checked(false).error().code, Errc::invalid_argument);
  EXPECT_EQ(steps, 1);
}

TEST(Try, MovesOutOfATemporaryAndLeavesAVariable) {
  const auto moved = []() -> Outcome<std::unique_ptr<int>> {
    FLE_TRY(auto p, Outcome<std::unique_ptr<int>>(std::make_unique<int>(5)));
    return p;
  };
  EXPECT_EQ(*moved().value(), 5);

  const auto kept = [](const Outcome<std::string>& r) -> Outcome<std::size_t> {
    FLE_CHECK(r);
    FLE_TRY(const std::string text, r);
    return text.size();
  };
  const Outcome<std::string> good(std::string(100, 'a'));
  EXPECT_EQ(kept(good).value(), 100U);
  EXPECT_EQ(good->size(), 100U);
  const Outcome<std::string> bad(Failure(Errc::invalid_argument, std::string(100, 'b')));
  EXPECT_EQ(kept(bad).error().message.size(), 100U);
  EXPECT_EQ(bad.error().message.size(), 100U);
}

TEST(Try, AssignsToWhatIsThere) {
  const auto last = []() -> Outcome<int> {
    int x = 0;
    FLE_TRY(x, number(7));
    return x;
  };
  EXPECT_EQ(*last(), 7);
}

TEST(Result, AnswersAsStdExpectedDoes) {
  Outcome<std::string> good("a");
  EXPECT_EQ(good.value(), "a");
  EXPECT_EQ(good.value_or("b"), "a");
  EXPECT_EQ(std::move(good).value(), "a");
  const Outcome<std::string> bad(Failure(Errc::invalid_argument, "no"));
  EXPECT_EQ(bad.value_or("b"), "b");
  EXPECT_EQ(Outcome<std::unique_ptr<int>>(Failure()).value_or(nullptr), nullptr);
  Failure taken = Outcome<int>(Failure(Errc::invalid_argument, "why")).error();
  EXPECT_EQ(taken.message, "why");
}

TEST(ResultDeathTest, ValueOfAnErrorEndsTheProcess) {
  const Outcome<int> bad = refused();
  EXPECT_DEATH((void)bad.value(), "");
  const Outcome<int> good = number(1);
  EXPECT_DEATH((void)good.error(), "");
}

}  // namespace
}  // namespace fle
