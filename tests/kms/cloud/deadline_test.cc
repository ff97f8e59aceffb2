// KmsOptions::call_timeout: one limit for a call, and one try for a server.
#include <algorithm>
#include <atomic>

#include "cloud_support.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "net/side_by_side.h"
#include "provider/kms_call.h"
#include "support/patience.h"

namespace fle::kms::test {
namespace {

constexpr std::size_t kKeys = 20;

class Deadlines : public Clouds {
 protected:
  void SetUp() override {
    server.configure(R"({"aws": {"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                     kSecretKey + R"(", "region": "us-east-1", "keys": [")" + kArn + "\"]}}");
    const auto all = providers(kms_options());
    for (std::size_t i = 0; i < kKeys; ++i) {
      SecretBytes another = data_key();  // one under two ids would be refused
      another.expose_mut()[0] = static_cast<std::uint8_t>(i);
      const auto wrapped = (*all->find("aws"))->wrap(another, key());
      ASSERT_TRUE(wrapped) << wrapped.error().to_string();
      KeyDocument doc;
      doc.id.bytes[0] = static_cast<std::uint8_t>(i + 1);
      doc.key_material = *wrapped;
      doc.creation_date = doc.update_date =
          std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(1));
      doc.master_key = key();
      ASSERT_TRUE(vault_->insert(doc));
      ids_.push_back(doc.id);
    }
    (void)server.count_requests();
  }
  [[nodiscard]] MasterKey key() {
    return MasterKey::aws("us-east-1", kArn, "kms.localhost:" + server.port_text());
  }
  [[nodiscard]] static std::shared_ptr<const Providers> providers(const KmsOptions& kms) {
    auto out = Providers::from_json(R"({"aws": {"accessKeyId": ")" + kAccessKeyId +
                                        R"(", "secretAccessKey": ")" + kSecretKey + "\"}}",
                                    kms);
    EXPECT_TRUE(out) << out.error().to_string();
    return std::make_shared<const Providers>(std::move(*out));
  }
  /// All keys in one call.
  [[nodiscard]] std::vector<KeyProblem> load(const KmsOptions& kms) {
    KeyRing ring(vault_, providers(kms));
    return ring.prewarm(ids_);
  }
  std::shared_ptr<KeyVault> vault_ = make_memory_vault();
  std::vector<KeyId> ids_;
};

std::string always(const std::string& fault) {
  std::string all;
  for (std::size_t i = 0; i < 4 * kKeys; ++i) all += (all.empty() ? "" : ", ") + fault;
  return "[" + all + "]";
}

TEST_F(Deadlines, KeysOfOneCallAreAskedForSideBySide) {
  EXPECT_TRUE(load(kms_options()).empty());
  EXPECT_EQ(server.count_requests(), kKeys);
}

TEST_F(Deadlines, AServerThatRefusesForNowIsAskedOnce) {
  KmsOptions kms = kms_options();
  kms.max_retries = 0;
  server.misbehave(always(R"({"status": 429})"));
  const auto problems = load(kms);
  EXPECT_EQ(problems.size(), kKeys);
  EXPECT_EQ(server.count_requests(), 1U);
  std::size_t n_asked = 0;
  for (const KeyProblem& p : problems) {
    const bool asked = p.why.code == Errc::kms_busy;
    n_asked += asked ? 1 : 0;
    EXPECT_NE(p.why.message.find(asked ? "HTTP status 429" : "not asked again in this call"),
              std::string::npos)
        << p.why.message;
  }
  EXPECT_EQ(n_asked, 1U);
}

TEST_F(Deadlines, ARefusalOfOneKeyIsNoneOfTheServer) {
  server.misbehave(R"([{"status": 400}])");
  EXPECT_EQ(load(kms_options()).size(), 1U);
  EXPECT_EQ(server.count_requests(), kKeys);
}

TEST_F(Deadlines, ASilentServerTakesTheTimeOfOneCall) {
  KmsOptions kms = kms_options();
  kms.call_timeout = std::chrono::milliseconds(200);
  server.misbehave(always(R"({"hold": true})"));
  EXPECT_EQ(load(kms).size(), kKeys);
  server.release();
  EXPECT_LE(server.count_requests(), 1U);
}

TEST_F(Deadlines, NothingIsSentOnceTheTimeIsOver) {
  KmsCall over{KmsCall::Clock::now()};
  const auto provider = aws();
  {
    const KmsCall::Scope scope(over);
    failure_of(provider->unwrap(std::vector<std::uint8_t>(200), aws_key()), Errc::kms_unreachable,
               "the time of this call is over");
  }
  EXPECT_EQ(server.count_requests(), 0U);
}

TEST_F(Deadlines, ARetryIsNotWaitedForThatWouldBeTooLate) {
  const auto provider = aws();
  server.misbehave(always(R"({"status": 503})"));
  KmsCall call{KmsCall::Clock::now() + fle::test::kPatience};
  const KmsCall::Scope scope(call);
  failure_of(provider->unwrap(std::vector<std::uint8_t>(200), aws_key()), Errc::kms_busy, "503");
  EXPECT_EQ(sleeps.size(), 3U);
  EXPECT_EQ(server.count_requests(), 4U);
  failure_of(provider->unwrap(std::vector<std::uint8_t>(200), aws_key()), Errc::kms_unreachable,
             "not asked again in this call");
  EXPECT_EQ(server.count_requests(), 0U);
}

TEST(SideBySide, DoesEachOnceAndThrowsWhatWasThrown) {
  std::vector<std::atomic<int>> done(100);
  side_by_side(done.size(), 8, [&](std::size_t i) { ++done[i]; });
  EXPECT_TRUE(std::ranges::all_of(done, [](const auto& n) { return n == 1; }));
  side_by_side(0, 8, [](std::size_t) { FAIL(); });
  const auto fails = [](std::size_t i) {
    if (i == 7) throw std::bad_alloc();
  };
  EXPECT_THROW(side_by_side(100, 8, fails), std::bad_alloc);
}

}  // namespace
}  // namespace fle::kms::test
