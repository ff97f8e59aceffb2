#include "fle/short_stack.h"

#include <gtest/gtest.h>

namespace fle {
namespace {

TEST(ShortStack, KeepsWhatWasPushedHoweverDeepItGets) {
  constexpr int kDeep = 100;
  ShortStack<int, 4> stack;
  for (int i = 0; i < kDeep; ++i) {
    stack.push_back(i);
    ASSERT_EQ(stack.size(), static_cast<std::size_t>(i) + 1);
    for (int k = 0; k <= i; ++k) ASSERT_EQ(stack[static_cast<std::size_t>(k)], k);
  }
  stack.back() = -1;
  EXPECT_EQ(stack.all().back(), -1);
  for (int i = kDeep - 2; i >= 0; --i) {
    stack.pop_back();
    ASSERT_EQ(stack.back(), i);
  }
  stack.pop_back();
  EXPECT_TRUE(stack.all().empty());
}

TEST(ShortStack, TakesAValueOfItsOwnWhileItGrows) {
  ShortStack<int, 1> stack;
  stack.push_back(7);
  for (int i = 0; i < 9; ++i) stack.push_back(stack[0]);
  for (const int value : stack.all()) EXPECT_EQ(value, 7);
}

}  // namespace
}  // namespace fle
