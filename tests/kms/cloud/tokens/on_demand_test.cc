#include <atomic>
#include <map>

#include "cloud/roles/automatic.h"
#include "fle/kms/key_document.h"
#include "kms/cloud/cloud_support.h"

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

class Automatic : public Clouds {
 protected:
  Automatic() {
    hooks.connect_plain_to = "::127.0.0.1:" + metadata.port_text();
    hooks.monotonic = [this] { return now; };
  }
  static std::string text_of(const Outcome<WipedBuffer>& b) {
    if (!b) return b.error().to_string();
    return {reinterpret_cast<const char*>(b->bytes().data()), b->bytes().size()};
  }
  CloudServer metadata{""};
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
};

TEST_F(Automatic, AwsComesFromTheEnvironment) {
  std::map<std::string, std::string> variables;
  hooks.environment = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  const auto source = automatic_credentials_with(LockPolicy::required, hooks);
  variables["AWS_SECRET_ACCESS_KEY"] = kSecretKey;
  failure_of(source("aws"), Errc::kms_no_credentials, "AWS_ACCESS_KEY_ID is not set");
  variables = {{"AWS_ACCESS_KEY_ID", "AK"}, {"AWS_SECRET_ACCESS_KEY", ""}};
  failure_of(source("aws"), Errc::kms_no_credentials, "AWS_SECRET_ACCESS_KEY is not set");
  variables["AWS_SECRET_ACCESS_KEY"] = "a\"b";
  EXPECT_EQ(text_of(source("aws")), R"({"accessKeyId": "AK", "secretAccessKey": "a\"b"})");
  variables["AWS_SESSION_TOKEN"] = "two words";
  failure_of(source("aws"), Errc::kms_no_credentials, "is not printable ASCII without spaces");

  variables = {{"AWS_ACCESS_KEY_ID", kAccessKeyId},
               {"AWS_SECRET_ACCESS_KEY", kSecretKey},
               {"AWS_SESSION_TOKEN", kSessionToken}};
  KmsOptions kms = kms_options();
  kms.credentials = source;
  expect_round_trip(**make("aws", "{}", kms), aws_key());
}

TEST_F(Automatic, AzureAndGcpComeFromTheMetadataServiceAndAreKept) {
  for (const std::string id : {"azure", "gcp"}) {
    const auto source = automatic_credentials_with(LockPolicy::required, hooks);
    const std::string first = text_of(source(id));
    EXPECT_EQ(first, R"({"accessToken": ")" + metadata.tokens().back() + "\"}");
    now += std::chrono::seconds(3539);
    EXPECT_EQ(text_of(source(id)), first);
    now += std::chrono::seconds(2);
    EXPECT_NE(text_of(source(id)), first);
    const auto log = metadata.take_log();
    ASSERT_EQ(log["requests"].Size(), 2U);
    EXPECT_STREQ(log["requests"][0]["headers"]["host"].GetString(),
                 id == "azure" ? "169.254.169.254" : "metadata.google.internal");
  }
}

TEST_F(Automatic, SaysThatAMachineHasNoIdentity) {
  const auto source = automatic_credentials_with(LockPolicy::required, hooks);
  metadata.misbehave(R"([{"status": 400, "body": "{\"error\": \"invalid_request\", )"
                     R"(\"error_description\": \"Identity not found\"}"}])");
  failure_of(source("azure"), Errc::kms_no_credentials,
             "asking the metadata service for a token at http://169.254.169.254: HTTP status 400: "
             "invalid_request: Identity not found");
  failure_of(source("kmip"), Errc::kms_no_credentials, "for aws, azure and gcp alone");
  hooks.connect_plain_to = "::127.0.0.1:1";
  failure_of(automatic_credentials_with(LockPolicy::required, hooks)("gcp"), Errc::kms_unreachable,
             "http://metadata.google.internal");
}

}  // namespace
}  // namespace fle::kms::test
