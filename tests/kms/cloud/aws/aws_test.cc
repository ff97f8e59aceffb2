#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_document.h"
#include "http/http_text.h"
#include "kms/cloud/cloud_support.h"

namespace fle::kms::test {
namespace {

using Aws = Clouds;

std::string aws_options(const std::string& secret, const std::string& session = {}) {
  const std::string token = session.empty() ? "" : R"(, "sessionToken": ")" + session + "\"";
  return R"({"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" + secret + "\"" +
         token + "}";
}

TEST_F(Aws, WrapsAndUnwrapsADataKeyUnderASignatureThatTheServerRecomputes) {
  const auto provider = aws();
  expect_round_trip(*provider, aws_key());
  const auto log = server.take_log();
  const auto& requests = log["requests"];
  ASSERT_EQ(requests.Size(), 2U);
  for (const auto& r : requests.GetArray()) {
    EXPECT_STREQ(r["line"].GetString(), "POST /");
    EXPECT_STREQ(r["sni"].GetString(), "kms.us-east-1.amazonaws.com");
    EXPECT_STREQ(r["headers"]["host"].GetString(), "kms.us-east-1.amazonaws.com");
    EXPECT_EQ(r["connection"].GetInt(), 1) << "the connection was not kept";
  }
  EXPECT_STREQ(requests[0]["headers"]["x-amz-target"].GetString(), "TrentService.Encrypt");
  EXPECT_STREQ(requests[1]["headers"]["x-amz-target"].GetString(), "TrentService.Decrypt");
  const std::string plain(WipedText().append_base64(data_key().expose()).view());
  EXPECT_EQ(requests[0]["body"].GetString(),
            "{\"Plaintext\": \"" + plain + "\", \"KeyId\": \"" + kArn + "\"}");
}

TEST_F(Aws, SignsWithoutASessionTokenToo) {
  server.configure(R"({"aws": {"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                   kSecretKey + R"(", "region": "us-east-1", "keys": [")" + kArn + "\"]}}");
  const auto provider = make("aws", aws_options(kSecretKey), kms_options());
  ASSERT_TRUE(provider);
  expect_round_trip(**provider, aws_key());
}

TEST_F(Aws, WorksThroughThePublicInterfaceWithANameAndAnEndpoint) {
  const auto providers = Providers::from_json(
      "{\"aws:prod\": " + aws_options(kSecretKey, kSessionToken) + "}", kms_options());
  ASSERT_TRUE(providers) << providers.error().to_string();
  Provider& provider = **providers->find("aws:prod");
  const std::string host = "kms.localhost:" + server.port_text();
  const auto mk = provider.prepare(MasterKey::aws(
      "us-east-1", kArn, "https://KMS.localhost:" + server.port_text() + "/a?b=c", "aws:prod"));
  ASSERT_TRUE(mk) << mk.error().to_string();
  EXPECT_EQ(mk->bson, MasterKey::aws("us-east-1", kArn, host, "aws:prod").bson);
  expect_round_trip(provider, *mk);
  const auto log = server.take_log();
  EXPECT_EQ(log["requests"][0]["headers"]["host"].GetString(), host);
}

TEST_F(Aws, FindsTheHostOfTheChinesePartition) {
  server.configure(R"({"aws": {"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                   kSecretKey + R"(", "sessionToken": ")" + kSessionToken +
                   R"(", "region": "cn-north-1", "keys": ["alias/k"]}})");
  expect_round_trip(*aws(), MasterKey::aws("cn-north-1", "alias/k"));
}

TEST_F(Aws, SaysWhoRefusedWhatAndWhy) {
  const auto wrong =
      make("aws", aws_options("canary-wrong-secret-9876", kSessionToken), kms_options());
  more_secrets.push_back("canary-wrong-secret-9876");
  const Failure f = failure_of((*wrong)->wrap(data_key(), aws_key()), Errc::kms_refused,
                               "HTTP status 403: InvalidSignatureException: The signature does "
                               "not match");
  for (const char* part :
       {"KMS provider 'aws'", "Encrypt with key '", kArn.c_str(), "at kms.us-east-1.amazonaws.com",
        "(request id 0a1b2c)", "check the credentials"})
    EXPECT_NE(f.message.find(part), std::string::npos) << part << " in " << f.message;
  failure_of(aws()->wrap(data_key(), MasterKey::aws("us-east-1", "alias/none")), Errc::kms_refused,
             "NotFoundException: Invalid keyId alias/none");
}

TEST_F(Aws, SaysThatTheClockIsWrongInTheServersWords) {
  hooks.now = [] { return std::chrono::system_clock::now() - std::chrono::hours(1); };
  failure_of(aws()->wrap(data_key(), aws_key()), Errc::kms_refused, "Signature expired");
}

TEST_F(Aws, ReportsChangedKeyMaterialAsAWrongKey) {
  const auto provider = aws();
  auto wrapped = *provider->wrap(data_key(), aws_key());
  wrapped.back() ^= 1;
  failure_of(provider->unwrap(wrapped, aws_key()), Errc::key_unwrap_failed,
             "InvalidCiphertextException");
}

TEST_F(Aws, SendsNothingToAnEndpointThatAKeyDocumentMakesUp) {
  const auto provider = aws();
  const auto refused = [&](const std::string& endpoint, const std::string& why) {
    failure_of(provider->unwrap(std::vector<std::uint8_t>(200), aws_key(endpoint)),
               Errc::kms_config_invalid, why);
    failure_of(provider->prepare(aws_key(endpoint)), Errc::kms_config_invalid, why);
  };
  refused("kms.evil.example", "is not a KMS of this cloud in region 'us-east-1'");
  refused("amazonaws.com.evil.example", "KmsOptions::allowed_endpoints");
  refused("xamazonaws.com", "is not a KMS of this cloud");
  refused("a1b2.execute-api.us-east-1.amazonaws.com", "is not a KMS of this cloud");
  refused("kms.us-west-2.amazonaws.com", "is not a KMS of this cloud");
  refused("kms.us-east-1.amazonaws.com:8443", "is not a KMS of this cloud");
  refused("http://kms.localhost", "expected https or no scheme");
  refused("localhost", "expected dot separator in host");
  refused("kms.localhost:0", "expected a port");
  refused("kms.localhost:65536", "expected a port");
  refused("user@kms.localhost", "not a host name");
  refused("kms..localhost", "not a host name");
  failure_of(provider->wrap(data_key(), MasterKey::aws("us-east-1.evil.example/", kArn)),
             Errc::kms_config_invalid, "masterKey.region");
  failure_of(provider->wrap(data_key(), MasterKey::aws("a.execute-api.us-east-1", kArn)),
             Errc::kms_config_invalid, "masterKey.region");
  for (const char* bad : {"alias/\"odd\\ name", "a b", "key?x=y", "k\n"})
    failure_of(provider->wrap(data_key(), MasterKey::aws("us-east-1", bad)),
               Errc::kms_config_invalid, "masterKey.key: expected an id, an alias or an ARN");
  EXPECT_EQ(server.count_requests(), 0U);
}

TEST_F(Aws, RefusesAMasterKeyOfAnotherProviderAndADataKeyOfAnotherLength) {
  const auto provider = aws();
  failure_of(provider->wrap(data_key(), MasterKey::local()), Errc::invalid_argument, "'local'");
  failure_of(provider->wrap(*SecretBytes::create(95), aws_key()), Errc::invalid_argument,
             "96 bytes");
  EXPECT_EQ(server.count_requests(), 0U);
}

TEST_F(Aws, RefusesOptionsThatBreakARule) {
  const auto refused = [&](const std::string& options, const std::string& why) {
    failure_of(make("aws", options, kms_options()), Errc::kms_config_invalid, why);
  };
  refused(R"({"accessKeyId": "AK"})", "'secretAccessKey' is missing");
  refused(R"({"secretAccessKey": ")" + kSecretKey + "\"}", "'accessKeyId' is missing");
  refused(R"({"accessKeyId": "", "secretAccessKey": "s"})", "'accessKeyId' is empty");
  refused(R"({"accessKeyId": 1, "secretAccessKey": "s"})", "expected UTF-8 for 'accessKeyId'");
  refused(R"({"accessKeyId": "a\r\nX: y", "secretAccessKey": "s"})", "visible ASCII");
  refused(R"({"accessKeyId": "a", "secretAccessKey": "s", "sessionToken": "a b"})",
          "visible ASCII");
  refused(aws_options(kSecretKey).substr(0, 30) + R"(", "secretAccessKey": "s", "wJalr": 1})",
          "unexpected field");
}

TEST_F(Aws, DoesNotTakeCredentialsIntoAForkedChild) {
  const auto provider = aws();
  expect_round_trip(*provider, aws_key());
  const pid_t child = ::fork();
  if (child == 0) {
    const auto wrapped = provider->wrap(data_key(), aws_key());
    ::_exit(!wrapped && wrapped.error().code == Errc::key_not_inherited ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  expect_round_trip(*provider, aws_key());
}

TEST_F(Aws, LeavesTheParentsConnectionAloneWhenAChildDropsTheProvider) {
  auto provider = aws();
  expect_round_trip(*provider, aws_key());
  const pid_t child = ::fork();
  if (child == 0) {
    provider.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  expect_round_trip(*provider, aws_key());
  const auto log = server.take_log();
  ASSERT_EQ(log["requests"].Size(), 4U);
  EXPECT_EQ(log["requests"][3]["connection"].GetInt(), 1);
}

}  // namespace
}  // namespace fle::kms::test
