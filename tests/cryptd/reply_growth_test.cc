// Memory for a reply is in proportion to what it says.
#include "protocol/reply.h"
#include "support/growth.h"

namespace fle::cryptd {
namespace {

using test::expect_in_proportion;
using test::Memory;
using test::memory_of;

TEST(Growth, OfARefusalIsThatOfItsText) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const std::string text(100'000, 'x');
  const auto cost_of = [&text](std::size_t n) {
    std::size_t size = 0;
    Memory memory = memory_of(0, [&] {
      size = error_reply({1, "InternalError", std::string_view(text).substr(0, n)}).size();
    });
    memory.input = size;
    return memory;
  };
  expect_in_proportion(cost_of(50'000), cost_of(100'000), 30);
}

}  // namespace
}  // namespace fle::cryptd
