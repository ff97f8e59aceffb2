#include "fle/result.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/secret.h"
#include "fle/version.h"

namespace fle {
namespace {

using Text = Outcome<std::string>;
using Owner = Outcome<std::unique_ptr<int>>;

// As std::expected (C++23, 22.8.6.6), but that the wrong side ends the process.
template <class R, class Value>
constexpr bool observes_as_expected() {
  return std::is_same_v<decltype(std::declval<R&>().value()), Value&> &&
         std::is_same_v<decltype(std::declval<const R&>().value()), const Value&> &&
         std::is_same_v<decltype(std::declval<R&&>().value()), Value&&> &&
         std::is_same_v<decltype(std::declval<const R&&>().value()), const Value&&> &&
         std::is_same_v<decltype(*std::declval<R&>()), Value&> &&
         std::is_same_v<decltype(*std::declval<const R&>()), const Value&> &&
         std::is_same_v<decltype(*std::declval<R&&>()), Value&&> &&
         std::is_same_v<decltype(*std::declval<const R&&>()), const Value&&> &&
         std::is_same_v<decltype(std::declval<R&>().error()), Failure&> &&
         std::is_same_v<decltype(std::declval<const R&>().error()), const Failure&> &&
         std::is_same_v<decltype(std::declval<R&&>().error()), Failure&&> &&
         std::is_same_v<decltype(std::declval<const R&&>().error()), const Failure&&> &&
         std::is_same_v<decltype(std::declval<R&>().operator->()), Value*> &&
         std::is_same_v<decltype(std::declval<const R&>().operator->()), const Value*> &&
         std::is_same_v<decltype(std::declval<const R&>().value_or({})), Value> &&
         std::is_same_v<decltype(std::declval<R&&>().value_or({})), Value> &&
         std::is_same_v<decltype(std::declval<const R&>().error_or({})), Failure> &&
         std::is_same_v<typename R::value_type, Value> &&
         std::is_same_v<typename R::error_type, Failure>;
}
static_assert(observes_as_expected<Text, std::string>());
static_assert(observes_as_expected<Outcome<std::vector<int>>, std::vector<int>>());
static_assert(!std::is_convertible_v<Text, bool>, "explicit only");

constexpr Result<int> constant(bool good) {
  if (good) return 7;
  return Error{Errc::invalid_argument, "constant"};
}
constexpr Result<int> kGood = constant(true);
constexpr Result<int> kBad = constant(false);
static_assert(*kGood == 7 && kGood.value_or(3) == 7 && kBad.value_or(3) == 3);
static_assert(kBad.error().code == Errc::invalid_argument);
static_assert(kGood.error_or(Error{Errc::no_memory, ""}).code == Errc::no_memory);

TEST(Result, GivesTheValueOrAnother) {
  const Text text = std::string("a");
  const Text none = Failure(Errc::io_failed, "why");
  EXPECT_EQ(text.value_or("b"), "a");
  EXPECT_EQ(none.value_or("b"), "b");
  EXPECT_EQ(none.value_or({}), "");
  EXPECT_EQ(none.error_or(Failure(Errc::io_busy, "other")).code, Errc::io_failed);
  EXPECT_EQ(text.error_or(Failure(Errc::io_busy, "other")).code, Errc::io_busy);
}

TEST(Result, MovesWhatOnlyMoves) {
  Owner owner = std::make_unique<int>(5);
  std::unique_ptr<int> taken = std::move(owner).value();
  EXPECT_EQ(*taken, 5);
  EXPECT_EQ(*Owner(Failure()).value_or(std::move(taken)), 5);
  EXPECT_EQ(Text(Failure(Errc::io_failed, "why")).error().message, "why");
}

TEST(ResultDeathTest, ReadingTheWrongSideEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(Text(Failure()).value()), "");
  EXPECT_DEATH(static_cast<void>(*Text(Failure())), "");
  EXPECT_DEATH(static_cast<void>(Text(std::string()).error()), "");
}

// What a function keeps cannot be a temporary.
using Vector = std::vector<std::uint8_t>;
static_assert(std::is_convertible_v<Vector&, BorrowedBytes>);
static_assert(std::is_convertible_v<const Vector&, BorrowedBytes>);
static_assert(std::is_convertible_v<Bytes, BorrowedBytes>);
static_assert(std::is_convertible_v<MutBytes, BorrowedBytes>);
static_assert(std::is_convertible_v<const std::uint8_t (&)[4], BorrowedBytes>);
static_assert(!std::is_convertible_v<Vector, BorrowedBytes>);
static_assert(!std::is_convertible_v<const Vector, BorrowedBytes>);
static_assert(!std::is_convertible_v<std::array<std::uint8_t, 4>, BorrowedBytes>);
static_assert(std::is_trivially_copyable_v<BorrowedBytes>);
static_assert(sizeof(BorrowedBytes) == sizeof(Bytes));

TEST(BorrowedBytes, AreThoseOfTheCaller) {
  const Vector v = {1, 2, 3};
  const BorrowedBytes b = v;
  EXPECT_EQ(b.data(), v.data());
  EXPECT_EQ(b.size(), 3U);
  EXPECT_EQ(BorrowedBytes(Bytes(v).subspan(1)).front(), 2);
  EXPECT_TRUE(BorrowedBytes().empty());
}

TEST(WipedBuffer, CopiesWhatACallbackHasRead) {
  const auto text = WipedBuffer::copy_of(std::string_view("{}"));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->bytes().size(), 2U);
  EXPECT_EQ(text->bytes().back(), '}');
  EXPECT_EQ(WipedBuffer::copy_of(Bytes())->bytes().size(), 0U);
}

TEST(Version, IsThatOfTheHeaders) {
  EXPECT_STREQ(version(), FLE_VERSION_STRING);
  EXPECT_EQ(version_number(), FLE_VERSION);
  EXPECT_EQ(std::to_string(FLE_VERSION_MAJOR) + "." + std::to_string(FLE_VERSION_MINOR) + "." +
                std::to_string(FLE_VERSION_PATCH),
            version());
}
#if FLE_VERSION < FLE_MAKE_VERSION(0, 1, 0) || FLE_VERSION >= FLE_MAKE_VERSION(1000, 0, 0)
#error versions do not compare
#endif

}  // namespace
}  // namespace fle
