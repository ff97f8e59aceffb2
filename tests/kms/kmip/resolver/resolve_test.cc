#include "net/resolve.h"

#include <atomic>
#include <chrono>
#include <latch>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "support/patience.h"

namespace fle::kms {
namespace {

using Clock = std::chrono::steady_clock;
using fle::test::kPatience;
using namespace std::chrono_literals;

std::latch may_answer{1};
std::latch has_answered{1};
std::atomic<int> n_asked{0};  // late threads count when they begin
std::atomic<int> n_told{0};

int late(const char*, const char*, const addrinfo*, addrinfo**) {
  may_answer.wait();
  has_answered.count_down();
  return EAI_AGAIN;
}

int knows_none(const char*, const char*, const addrinfo*, addrinfo**) {
  ++n_asked;
  ++n_told;
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

std::latch may_return{1};
std::latch returns{1};

int late_in_plugin(const char*, const char*, const addrinfo*, addrinfo**) {
  may_return.wait();
  returns.count_down();
  return EAI_AGAIN;
}

TEST(Resolve, ALateThreadHasSomethingToReturnTo) {
  constexpr const char* kPlugin = FLE_UNLOADED_RESOLVER;
  void* const plugin = ::dlopen(kPlugin, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(plugin, nullptr) << ::dlerror();
  auto* const look_up =
      reinterpret_cast<bool (*)(GetAddresses)>(::dlsym(plugin, "fle_test_look_up"));
  ASSERT_NE(look_up, nullptr);
  EXPECT_FALSE(look_up(&late_in_plugin)) << "it is late";
  ::dlclose(plugin);
  EXPECT_NE(::dlopen(kPlugin, RTLD_NOW | RTLD_NOLOAD), nullptr) << "unloaded";
  may_return.count_down();
  returns.wait();
}

std::latch may_answer_many{1};

int very_late(const char*, const char*, const addrinfo*, addrinfo**) {
  ++n_asked;
  may_answer_many.wait();
  return EAI_AGAIN;
}

TEST(Resolve, LeavesNoMoreThanSoManyThreadsBehind) {
  const int before = n_asked;
  for (int i = 0; i < kMostLateResolvers; ++i)
    ASSERT_FALSE(resolve({"kmip.example.com", 5696}, Clock::now(), &very_late));
  // This one could wait, and does not.
  const auto one_more = resolve({"kmip.example.com", 5696}, Clock::now() + 24h, &very_late);
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, Errc::kms_unreachable);
  EXPECT_TRUE(one_more.error().message.starts_with("no address in time"))
      << one_more.error().message;
  EXPECT_TRUE(resolve({"127.0.0.1", 1}, Clock::now())) << "needs no resolver";
  may_answer_many.count_down();
  // Once they have answered it is asked again.
  EXPECT_TRUE(fle::test::happens([] {
    return resolve({"kmip.example.com", 5696}, Clock::now() + kPatience, &knows_none)
        .error()
        .message.starts_with("the name has no address");
  }));
  EXPECT_LE(n_asked - before, kMostLateResolvers + 1);
}

TEST(Resolve, SaysWhatTheResolverSays) {
  const int before = n_told;
  const auto found = resolve({"kmip.example.com", 5696}, Clock::now() + kPatience, &knows_none);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            std::string("the name has no address: ") + ::gai_strerror(EAI_NONAME));
  EXPECT_EQ(n_told, before + 1);
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
