// Memory for a reply is in proportion to what it says.
#include "reply.h"
#include "support/growth.h"

namespace fle::cryptd {
namespace {

using test::expect_in_proportion;
using test::Memory;
using test::memory_of;

template <class Build>
void grows_evenly(Build build) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const auto cost_of = [&build](std::size_t n) {
    std::size_t size = 0;
    Memory memory = memory_of(0, [&] { size = build(n); });
    memory.input = size;
    return memory;
  };
  expect_in_proportion(cost_of(5000), cost_of(10'000), 30);
}

TEST(Growth, OfALongTextIsThatOfTheReply) {
  const std::string text(100'000, 'x');
  grows_evenly([&](std::size_t n) {
    return Reply().text("t", std::string_view(text).substr(0, 10 * n)).ok().size();
  });
}

TEST(Growth, OfARefusalIsThatOfItsText) {
  const std::string text(100'000, 'x');
  grows_evenly([&](std::size_t n) {
    return error_reply({1, "InternalError", std::string_view(text).substr(0, 10 * n)}).size();
  });
}

TEST(Growth, OfManyFieldsIsThatOfTheReply) {
  grows_evenly([](std::size_t n) {
    Reply reply;
    for (std::size_t i = 0; i < n; ++i) reply.number("n", 1);
    return reply.ok().size();
  });
}

TEST(Growth, OfListsIsThatOfTheReply) {
  grows_evenly([](std::size_t n) {
    return Reply().numbers("n", std::vector<std::int64_t>(n, 1)).ok().size();
  });
  grows_evenly([](std::size_t n) {
    return Reply().texts("t", std::vector<std::string>(n, "text")).ok().size();
  });
}

}  // namespace
}  // namespace fle::cryptd
