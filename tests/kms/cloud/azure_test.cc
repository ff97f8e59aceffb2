#include <latch>
#include <thread>

#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

using Azure = Clouds;

std::size_t count(const rapidjson::Document& log, const std::string& line) {
  std::size_t n = 0;
  for (const auto& r : log["requests"].GetArray()) n += r["line"].GetString() == line ? 1 : 0;
  return n;
}

const std::string kTokenLine = "POST /tenant-1/oauth2/v2.0/token";

TEST_F(Azure, AsksForOneTokenAndWrapsAndUnwrapsWithIt) {
  const auto provider = azure();
  expect_round_trip(*provider, azure_key());
  expect_round_trip(*provider, azure_key());
  const auto log = server.take_log();
  EXPECT_EQ(count(log, kTokenLine), 1U);
  EXPECT_EQ(count(log, "POST /keys/medco-key//wrapkey?api-version=7.1"), 2U);
  EXPECT_EQ(count(log, "POST /keys/medco-key//unwrapkey?api-version=7.1"), 2U);
  EXPECT_STREQ(log["requests"][0]["sni"].GetString(), "login.microsoftonline.com");
  EXPECT_STREQ(log["requests"][1]["sni"].GetString(), "medco.vault.azure.net");
}

TEST_F(Azure, NamesTheVersionOfTheKeyInBothDirections) {
  const std::string version = "00112233445566778899aabbccddeeff";
  const auto provider = azure();
  expect_round_trip(*provider, azure_key(version));
  const auto log = server.take_log();
  EXPECT_EQ(count(log, "POST /keys/medco-key/" + version + "/wrapkey?api-version=7.1"), 1U);
  EXPECT_EQ(count(log, "POST /keys/medco-key/" + version + "/unwrapkey?api-version=7.1"), 1U);
}

TEST_F(Azure, UsesAGivenAccessTokenAndAsksForNone) {
  const auto provider = make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms_options());
  expect_round_trip(**provider, azure_key());
  EXPECT_EQ(count(server.take_log(), kTokenLine), 0U);
}

TEST_F(Azure, TellsAboutARefusedAccessTokenWithoutTryingItAgain) {
  const auto provider = make("azure", R"({"accessToken": "expired-canary-token"})", kms_options());
  more_secrets.push_back("expired-canary-token");
  failure_of((*provider)->wrap(data_key(), azure_key()), Errc::kms_refused, "HTTP status 401");
  EXPECT_EQ(server.count_requests(), 1U);
}

TEST_F(Azure, AsksForANewTokenBeforeTheOldOneExpires) {
  auto now = std::chrono::steady_clock::now();
  hooks.monotonic = [&] { return now; };
  const auto provider = azure();
  expect_round_trip(*provider, azure_key());
  now += std::chrono::seconds(3600 - 61);
  expect_round_trip(*provider, azure_key());
  EXPECT_EQ(count(server.take_log(), kTokenLine), 1U);
  now += std::chrono::seconds(2);
  expect_round_trip(*provider, azure_key());
  EXPECT_EQ(count(server.take_log(), kTokenLine), 1U);
}

TEST_F(Azure, ReplacesATokenThatTheServerHasRevoked) {
  const auto provider = azure();
  expect_round_trip(*provider, azure_key());
  server.revoke_tokens();
  expect_round_trip(*provider, azure_key());
  EXPECT_EQ(count(server.take_log(), kTokenLine), 2U);
}

TEST_F(Azure, GivesUpWhenAFreshTokenIsRefusedToo) {
  const auto provider = azure();
  expect_round_trip(*provider, azure_key());
  static_cast<void>(server.take_log());
  server.misbehave(R"([{"status": 401, "body": "{}"}, {}, {"status": 401, "body": "{}"}])");
  failure_of(provider->wrap(data_key(), azure_key()), Errc::kms_refused, "check the credentials");
  EXPECT_EQ(server.count_requests(), 3U);
}

TEST_F(Azure, LetsThreadsShareOneRequestForAToken) {
  const auto provider = azure();
  server.misbehave(R"([{"hold": true}])");
  std::latch all_ask(16 + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      all_ask.count_down();
      expect_round_trip(*provider, azure_key());
    });
  }
  all_ask.arrive_and_wait();
  server.release();
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(count(server.take_log(), kTokenLine), 1U);
}

TEST_F(Azure, ReportsWrongClientSecretsAsMissingCredentials) {
  const auto provider =
      make("azure",
           R"({"tenantId": "tenant-1", "clientId": "client&1", "clientSecret": "canary-wrong-12"})",
           kms_options());
  more_secrets.push_back("canary-wrong-12");
  const Failure f = failure_of((*provider)->wrap(data_key(), azure_key()), Errc::kms_no_credentials,
                               "HTTP status 401: invalid_client: AADSTS7000215");
  EXPECT_NE(f.message.find("asking for an access token at login.microsoftonline.com"),
            std::string::npos);
  EXPECT_NE(f.message.find("check tenantId, clientId and clientSecret"), std::string::npos);
}

TEST_F(Azure, RefusesAnswersThatHoldNoUsableToken) {
  const auto provider = azure();
  for (const char* answer :
       {"{}", R"({\"access_token\": \"t\"})", R"({\"expires_in\": 3599})",
        R"({\"access_token\": 1, \"expires_in\": 3599})",
        R"({\"access_token\": \"a\\r\\nX: y\", \"expires_in\": 3599})",
        R"({\"access_token\": \"\", \"expires_in\": 3599})",
        R"({\"access_token\": \"t\", \"expires_in\": -1})",
        R"({\"access_token\": \"t\", \"expires_in\": \"soon\"})",
        R"({\"access_token\": \"t\", \"access_token\": \"u\", \"expires_in\": 3599})", "[]"}) {
    server.misbehave(R"([{"rewrite": ")" + std::string(answer) + "\"}]");
    failure_of(provider->wrap(data_key(), azure_key()), Errc::kms_no_credentials);
  }
}

TEST_F(Azure, AsksAnotherIdentityPlatformForAnotherScope) {
  server.configure(R"({"azure": {"clientId": "c", "clientSecret": ")" + kClientSecret +
                   R"(", "scope": "https://localhost/.default", "keyName": "medco-key",
                       "currentVersion": "0123456789abcdef0123456789abcdef"}})");
  const std::string port = server.port_text();
  const auto providers = Providers::from_json(
      R"({"azure": {"tenantId": "tenant-1", "clientId": "c", "clientSecret": ")" + kClientSecret +
          R"(", "identityPlatformEndpoint": "login.localhost:)" + port + "\"}}",
      kms_options());
  ASSERT_TRUE(providers) << providers.error().to_string();
  expect_round_trip(**providers->find("azure"),
                    MasterKey::azure("vault.localhost:" + port, "medco-key"));
}

TEST_F(Azure, NamesAKeyThatIsNotThere) {
  const auto provider = azure();
  failure_of(provider->wrap(data_key(), MasterKey::azure("medco.vault.azure.net", "other")),
             Errc::kms_refused, "HTTP status 404: KeyNotFound: A key with (name/id) other");
}

TEST_F(Azure, SendsNoTokenToAVaultThatAKeyDocumentMakesUp) {
  const auto provider = azure();
  for (const char* host :
       {"vault.evil.example", "vault.azure.net.evil.example", "evilvault.azure.net",
        "vault.azure.net", "medco.blob.core.windows.net", "medco.vault.azure.net:8443"})
    failure_of(provider->unwrap(std::vector<std::uint8_t>(256), MasterKey::azure(host, "k")),
               Errc::kms_config_invalid, "is not a KMS of this cloud");
  for (const char* name : {"", ".", "..", "a/b", "a?b", "a b", "a%2fb"})
    failure_of(provider->unwrap(std::vector<std::uint8_t>(256),
                                MasterKey::azure("medco.vault.azure.net", "k", name)),
               *name == '\0' ? Errc::kms_refused : Errc::kms_config_invalid);
}

TEST_F(Azure, RefusesOptionsThatBreakARule) {
  const auto refused = [&](const std::string& options, const std::string& why) {
    failure_of(make("azure", options, kms_options()), Errc::kms_config_invalid, why);
  };
  refused(R"({"tenantId": "t", "clientId": "c"})", "'clientSecret' is missing");
  refused(R"({"tenantId": "t/../x", "clientId": "c", "clientSecret": "s"})", "'tenantId'");
  refused(R"({"accessToken": "t", "tenantId": "t"})", "unexpected field");
  refused(R"({"accessToken": "t\n"})", "visible ASCII");
  refused(R"({"tenantId": "t", "clientId": "c", "clientSecret": "s",
              "identityPlatformEndpoint": "nodot"})",
          "identityPlatformEndpoint: expected dot separator");
}

}  // namespace
}  // namespace fle::kms::test
