#include "resolve.h"

#include <atomic>
#include <chrono>
#include <latch>

#include <gtest/gtest.h>

#include "support/patience.h"

namespace fle::kms {
namespace {

using Clock = std::chrono::steady_clock;
using fle::test::kPatience;

std::latch may_answer{1};
std::latch has_answered{1};
std::atomic<int> n_asked{0};

int late(const char*, const char*, const addrinfo*, addrinfo**) {
  may_answer.wait();
  has_answered.count_down();
  return EAI_AGAIN;
}

int knows_none(const char*, const char*, const addrinfo*, addrinfo**) {
  ++n_asked;
  return EAI_NONAME;
}

TEST(Resolve, DoesNotWaitForAResolverThatIsLate) {
  const auto found = resolve({"kmip.example.com", 5696}, Clock::now(), &late);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kms_unreachable);
  EXPECT_EQ(found.error().message, "no address in time");
  may_answer.count_down();
  has_answered.wait();  // what it was asked with is still there
}

TEST(Resolve, SaysWhatTheResolverSays) {
  const auto found = resolve({"kmip.example.com", 5696}, Clock::now() + kPatience, &knows_none);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            std::string("the name has no address: ") + ::gai_strerror(EAI_NONAME));
  EXPECT_EQ(n_asked, 1);
}

TEST(Resolve, TakesAddressesInDigitsAsTheyAre) {
  const int before = n_asked;
  for (const char* address : {"127.0.0.1", "::1"})
    EXPECT_TRUE(resolve({address, 1}, Clock::now(), &knows_none)) << address;
  EXPECT_EQ(n_asked, before);
  EXPECT_TRUE(resolve({"localhost", 1}, Clock::now() + kPatience));
}

}  // namespace
}  // namespace fle::kms
