#include "fle/kms/exchange.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/support.h"

namespace fle::kms::test {
namespace {

using State = Exchange::State;

TEST(Exchange, OfALocalProviderIsDoneAtOnce) {
  const auto providers = local_providers();
  Provider& provider = **providers->find("local");
  const Buf key = master_key_bytes(9);
  const auto wrap = provider.begin_wrap(*SecretBytes::copy_of(key), MasterKey::local());
  ASSERT_EQ(wrap->state(), State::done);
  EXPECT_TRUE(wrap->message().bytes.empty());
  EXPECT_EQ(wrap->bytes_needed(), 0U);
  const auto material = wrap->take_wrapped();
  ASSERT_TRUE(material) << material.error().to_string();
  EXPECT_EQ(wrap->take_wrapped().error().code, Errc::invalid_argument) << "taken twice";
  EXPECT_EQ(wrap->take_key().error().code, Errc::invalid_argument);

  const auto prepare = provider.begin_prepare(MasterKey::local());
  ASSERT_EQ(prepare->state(), State::done);
  EXPECT_EQ(prepare->take_master_key()->bson, MasterKey::local().bson);
  EXPECT_EQ(prepare->take_master_key().error().code, Errc::invalid_argument);

  const auto unwrap = provider.begin_unwrap(*material, MasterKey::local());
  ASSERT_EQ(unwrap->state(), State::done);
  const auto opened = unwrap->take_key();
  ASSERT_TRUE(opened);
  EXPECT_TRUE(std::ranges::equal(opened->expose(), key));
}

TEST(Exchange, ThatFailedStaysFailedWhateverIsCalled) {
  const auto providers = local_providers();
  const auto exchange = (*providers->find("local"))->begin_unwrap(Buf(160), MasterKey::local());
  exchange->sent();
  exchange->feed(Buf(10));
  exchange->closed();
  exchange->lost("gone");
  exchange->resume();
  ASSERT_EQ(exchange->state(), State::failed);
  EXPECT_EQ(exchange->failure().code, Errc::key_unwrap_failed);
  EXPECT_EQ(exchange->take_key().error().to_string(), exchange->failure().to_string());
}

TEST(Exchange, IsNotCarriedIntoAForkedChild) {
  // The keys in it read as zeros there, and would pass for a data key.
  const auto providers = local_providers();
  Provider& provider = **providers->find("local");
  const auto material =
      provider.begin_wrap(*SecretBytes::copy_of(master_key_bytes(9)), MasterKey::local())
          ->take_wrapped();
  const auto unwrap = provider.begin_unwrap(*material, MasterKey::local());
  ASSERT_EQ(unwrap->state(), State::done);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto key = unwrap->take_key();
    const bool refused =
        !key && key.error().code == Errc::key_not_inherited && unwrap->state() == State::failed;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(unwrap->take_key());
}

}  // namespace
}  // namespace fle::kms::test
