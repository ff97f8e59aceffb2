#include <atomic>

#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

class OnDemand : public Clouds {
 protected:
  /// A provider with {} for options, and a callback that says `answer`.
  std::unique_ptr<Provider> make_asking(const std::string& id, std::string& answer) {
    KmsOptions kms = kms_options();
    kms.credentials = [&answer, this, id](std::string_view asked) -> Outcome<WipedBuffer> {
      EXPECT_EQ(asked, id);
      ++calls;
      if (answer.empty()) return Failure(Errc::io_failed, "the vault of secrets is closed");
      WipedBuffer out;
      FLE_CHECK(out.reset(answer.size()));
      std::ranges::copy(answer, out.bytes().begin());
      return out;
    };
    return std::move(*make(id, "{}", kms));
  }
  std::atomic<int> calls = 0;
  const std::string account = R"({"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                              kSecretKey + R"(", "sessionToken": ")" + kSessionToken + "\"}";
};

TEST_F(OnDemand, AwsAsksEachTimeAndNeverAhead) {
  std::string answer = account;
  const auto provider = make_asking("aws", answer);
  EXPECT_EQ(calls, 0);
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(calls, 2);
  answer = R"({"accessKeyId": "AKOTHER", "secretAccessKey": "another-canary-secret"})";
  more_secrets.emplace_back("another-canary-secret");
  failure_of(provider->wrap(data_key(), aws_key()), Errc::kms_refused,
             "UnrecognizedClientException");
}

TEST_F(OnDemand, TakesAccessTokensAndKeepsNone) {
  std::string answer = R"({"accessToken": ")" + kAccessToken + "\"}";
  expect_round_trip(*make_asking("azure", answer), azure_key());
  static_cast<void>(gcp());
  expect_round_trip(*make_asking("gcp", answer), gcp_key());
  EXPECT_EQ(calls, 4);
}

TEST_F(OnDemand, KeepsATokenThatWasGotWithTheCredentials) {
  std::string answer =
      R"({"tenantId": "t", "clientId": "client&1", "clientSecret": ")" + kClientSecret + "\"}";
  const auto provider = make_asking("azure", answer);
  expect_round_trip(*provider, azure_key());
  expect_round_trip(*provider, azure_key());
  EXPECT_EQ(calls, 1);
}

TEST_F(OnDemand, SaysWhyThereAreNone) {
  std::string answer;
  const auto provider = make_asking("aws", answer);
  failure_of(provider->wrap(data_key(), aws_key()), Errc::kms_no_credentials,
             "KMS provider 'aws': no credentials from KmsOptions::credentials: the vault of "
             "secrets is closed");
  for (const std::string& bad :
       {std::string("[]"), std::string("{"), std::string("{}"), std::string("\xff"),
        std::string(1, '\0'), std::string(100'000, '['), account.substr(0, account.size() - 1),
        R"({"accessKeyId": "a", "secretAccessKey": ")" + kSecretKey + R"(", "x": 1})"}) {
    answer = bad;
    failure_of(provider->wrap(data_key(), aws_key()), Errc::kms_no_credentials);
  }
  EXPECT_EQ(server.count_requests(), 0U);
  answer = account;
  expect_round_trip(*provider, aws_key());
}

TEST_F(OnDemand, NeedsACallbackAndAProviderWithoutAName) {
  failure_of(make("aws", "{}", kms_options()), Errc::kms_config_invalid,
             "set KmsOptions::credentials");
  KmsOptions kms = kms_options();
  kms.credentials = [](std::string_view) -> Outcome<WipedBuffer> { return WipedBuffer(); };
  const auto named = Providers::from_json(R"({"aws:prod": {}})", kms);
  failure_of(named, Errc::kms_config_invalid,
             "on-demand credentials are not supported for named KMS providers");
}

}  // namespace
}  // namespace fle::kms::test
