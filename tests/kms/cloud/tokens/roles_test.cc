// Credentials by role, from servers that check what STS and the services near a machine check.
#include <thread>
#include <vector>

#include "kms/cloud/cloud_support.h"

namespace fle::kms::test {
namespace {

using std::chrono::seconds;

const std::string kRole = "arn:aws:iam::111122223333:role/medco-fle";
const std::string kWebToken = "eyJhbGciOiJSUzI1NiJ9.canary-w3b-1d3nt1ty.0123456789";
const std::string kAgentToken = "canary-agent t0k3n-0123456789";

class Roles : public MachineInCloud {
 protected:
  Roles() {
    hooks.monotonic = [this] { return time; };
    more_secrets = {kWebToken, kAgentToken};
    near.configure(R"({"aws": {"accessKeyId": "none"}, "instance_role": "medco-role",
                       "container_path": "/v2/credentials/0-1", "hand_out": {"AccessKeyId": ")" +
                   kAccessKeyId + R"(", "SecretAccessKey": ")" + kSecretKey + R"(", "Token": ")" +
                   kSessionToken + "\"}}");
    configure_web_identity();
  }

  void configure_web_identity(const std::string& token = kWebToken) {
    server.configure(R"({"roles": {")" + kRole +
                     R"(": {"Action": "AssumeRoleWithWebIdentity", "host":
                        "sts.us-east-1.amazonaws.com", "RoleSessionName": "pod-7",
                        "WebIdentityToken": ")" +
                     token + "\"}}}");
  }

  void set_web_identity() {
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", kWebToken + "\n");
    variables["AWS_ROLE_ARN"] = kRole;
    variables["AWS_ROLE_SESSION_NAME"] = "pod-7";
    variables["AWS_REGION"] = "us-east-1";
  }
  void expect_refused(const std::string& text, Errc code = Errc::kms_no_credentials) {
    failure_of(on_machine()->wrap(data_key(), aws_key()), code, text);
  }
  /// How many requests went to STS, and how many to KMS, since the last call.
  std::pair<int, int> count() {
    std::pair<int, int> n;
    const auto log = server.take_log();
    for (const auto& r : log["requests"].GetArray())
      ++(r["headers"].HasMember("x-amz-target") ? n.second : n.first);
    return n;
  }

  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
};

TEST_F(Roles, AWebIdentityIsExchangedAndRenewedInTimeOrKeptAsLongAsItHolds) {
  set_web_identity();
  const auto provider = on_machine();
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(1, 2));
  time += seconds(3600 - 300 - 60);
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(0, 2));
  // The pod's token was replaced meanwhile: it is the file that counts.
  write("token", "another." + kWebToken);
  configure_web_identity("another." + kWebToken);
  time += seconds(70);
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(1, 2));

  // What still holds is kept when it cannot be renewed, and not longer.
  server.configure(R"({"roles": {}})");
  time += seconds(3600 - 200);
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(1, 2)) << "one try for two keys";
  time += seconds(31);
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(1, 2)) << "the next half a minute later";
  time += seconds(200);
  failure_of(provider->wrap(data_key(), aws_key()), Errc::kms_no_credentials, "AccessDenied");
  EXPECT_EQ(count(), std::pair(1, 0));
}

TEST_F(Roles, CredentialsThatKmsRefusesAreReplacedOnce) {
  set_web_identity();
  const auto provider = on_machine();
  expect_round_trip(*provider, aws_key());
  server.revoke_tokens();
  expect_round_trip(*provider, aws_key());
  EXPECT_EQ(count(), std::pair(2, 5));
  server.misbehave(R"([{}, {"status": 400, "body": "{\"__type\": \"ExpiredTokenException\"}"}])");
  server.revoke_tokens();
  failure_of(on_machine()->wrap(data_key(), aws_key()), Errc::kms_refused, "ExpiredTokenException");
  EXPECT_EQ(count(), std::pair(1, 1)) << "they are fresh: others would be no better";

  // Threads that miss them at once share one exchange.
  server.revoke_tokens();
  const auto other = on_machine();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { EXPECT_TRUE(other->wrap(data_key(), aws_key())); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(count(), std::pair(1, 8));
}

TEST_F(Roles, AProfileAssumesARoleWithKeysWhatTheInstanceHasOrATokenFile) {
  server.configure(R"({"roles": {")" + kRole +
                   R"(": {"Action": "AssumeRole", "host": "sts.eu-central-1.amazonaws.com",
                      "region": "eu-central-1", "RoleSessionName": "clinic", "ExternalId": "canary-ext",
                      "DurationSeconds": "900"}}})");
  variables["AWS_CONFIG_FILE"] =
      write("config", "[profile clinic]\nrole_arn = " + kRole +
                          "\nsource_profile = base\nregion = eu-central-1\n"
                          "external_id=canary-ext\nrole_session_name = clinic # a comment\n"
                          "duration_seconds = 900\ns3 =\n  max_concurrent_requests = 20\n");
  variables["AWS_SHARED_CREDENTIALS_FILE"] =
      write("credentials", "# of the clinic\n[base]\naws_access_key_id = " + kAccessKeyId +
                               "\naws_secret_access_key = " + kSecretKey +
                               "\naws_session_token = " + kSessionToken + "\r\n");
  variables["AWS_PROFILE"] = "clinic";
  expect_round_trip(*on_machine(), aws_key());
  EXPECT_EQ(count(), std::pair(1, 2));
  variables["AWS_PROFILE"] = "base";
  expect_round_trip(*on_machine(), aws_key());
  EXPECT_EQ(count(), std::pair(0, 2));
  // The signature is STS's to judge, and it knows another secret.
  variables["AWS_PROFILE"] = "clinic";
  write("credentials", "[base]\naws_access_key_id = " + kAccessKeyId +
                           "\naws_secret_access_key = a-wrong-canary-secret\naws_session_token = " +
                           kSessionToken);
  more_secrets.insert(more_secrets.end(), {"a-wrong-canary-secret", "canary-ext"});
  expect_refused("AssumeRole '" + kRole +
                 "' at sts.eu-central-1.amazonaws.com: HTTP status 403: InvalidSignatureException");

  variables.clear();
  server.configure(R"({"roles": {")" + kRole +
                   R"(": {"Action": "AssumeRole", "host": "sts.amazonaws.com",
                      "region": "us-east-1", "RoleSessionName": "libfle"}}})");
  variables["AWS_CONFIG_FILE"] = write(
      "config", "[default]\nrole_arn = " + kRole + "\ncredential_source = Ec2InstanceMetadata\n");
  expect_round_trip(*on_machine(), aws_key());
  EXPECT_EQ(near.count_requests(), 3U);

  configure_web_identity();
  set_web_identity();
  variables["AWS_CONFIG_FILE"] =
      write("config", "[default]\nrole_arn=" + kRole + "\nrole_session_name=pod-7\n" +
                          "web_identity_token_file=" + variables["AWS_WEB_IDENTITY_TOKEN_FILE"]);
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  expect_round_trip(*on_machine(), aws_key());
}

TEST_F(Roles, ContainersAskTheirAgent) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/0-1";
  expect_round_trip(*on_machine(), aws_key());
  auto log = near.take_log();
  ASSERT_EQ(log["requests"].Size(), 1U);
  EXPECT_STREQ(log["requests"][0]["headers"]["host"].GetString(), "169.254.170.2");

  variables.clear();
  near.configure(R"({"container_path": "/v1/credentials", "container_token": ")" + kAgentToken +
                 "\"}");
  for (const std::string host : {"169.254.170.23", "[fd00:ec2::23]", "localhost:51678"}) {
    variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + host + "/v1/credentials";
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "of no use";
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("agent", kAgentToken + "\n");
    expect_round_trip(*on_machine(), aws_key());
    log = near.take_log();
    EXPECT_EQ(log["requests"][0]["headers"]["host"].GetString(), host);
  }
  variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  expect_refused(
      "HTTP status 403: AccessDenied: unauthorized (request id 0a1b2c); check that this task or "
      "pod");
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "two\r\nlines";
  expect_refused("expected one line of printable ASCII");
}

TEST_F(Roles, InstancesAskTheirMetadataService) {
  expect_round_trip(*on_machine(), aws_key());
  auto log = near.take_log();
  ASSERT_EQ(log["requests"].Size(), 3U);
  EXPECT_STREQ(log["requests"][0]["line"].GetString(), "PUT /latest/api/token");
  EXPECT_STREQ(log["requests"][2]["line"].GetString(),
               "GET /latest/meta-data/iam/security-credentials/medco-role");
  EXPECT_STREQ(log["requests"][0]["headers"]["host"].GetString(), "169.254.169.254");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338/";
  expect_round_trip(*on_machine(), aws_key());
  log = near.take_log();
  EXPECT_STREQ(log["requests"][2]["headers"]["host"].GetString(), "127.0.0.1:1338");

  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  expect_refused("no credentials are set on this machine");
  EXPECT_EQ(near.count_requests(), 0U);
  variables.clear();
  near.misbehave(R"([{}, {"status": 404, "body": "<html>"}])");
  expect_refused("role at http://169.254.169.254: HTTP status 404");
  near.misbehave(R"([{}, {"rewrite": "../../user-data"}])");
  expect_refused("the answer has no name of a role");
  near.misbehave(R"([{}, {}, {"rewrite": "{\"Code\": \"AssumeRoleUnauthorizedAccess\"}"}])");
  expect_refused("the service says 'AssumeRoleUnauthorizedAccess'");
  near.misbehave(R"([{"status": 403}])");
  expect_refused(
      "asking the metadata service for a session token at http://169.254.169.254: "
      "HTTP status 403");
  hooks.connect_plain_to = "::127.0.0.1:1";
  expect_refused("no other credentials are set on this machine", Errc::kms_unreachable);
}

TEST_F(Roles, WhatStsSaysIsToldAndWhatItLeavesOutIsMissed) {
  set_web_identity();
  server.configure(R"({"expired": [")" + kWebToken + "\"]}");
  expect_refused("HTTP status 400: ExpiredTokenException: Token expired");
  server.configure(R"({"expired": []})");
  const auto answer = [&](const std::string& credentials) {
    std::string all = R"({"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult":
                          {"Credentials": )" +
                      credentials + "}}}";
    std::string quoted;
    for (const char c : all) quoted += c == '"' ? "\\\"" : c == '\n' ? " " : std::string(1, c);
    server.misbehave(R"([{"rewrite": ")" + quoted + "\"}]");
  };
  const std::string keys = R"("AccessKeyId": "A", "SecretAccessKey": "canary-in-answer", )";
  more_secrets.emplace_back("canary-in-answer");
  const std::pair<std::string, std::string> kCases[] = {
      {R"({"SecretAccessKey": "canary-in-answer", "SessionToken": "t", "Expiration": 9e9})",
       "AccessKeyId"},
      {R"({"AccessKeyId": "A", "SessionToken": "t", "Expiration": 9e9})", "SecretAccessKey"},
      {"{" + keys + R"("Expiration": 9e9})", "SessionToken"},
      {"{" + keys + R"("SessionToken": "two words", "Expiration": 9e9})", "SessionToken"},
      {"{" + keys + R"("SessionToken": "t", "Expiration": "tomorrow"})", "Expiration"},
      {"{" + keys + R"("SessionToken": "t", "Expiration": -1})", "Expiration"},
      {"{" + keys + R"("SessionToken": "t", "Expiration": 1e300})", "Expiration"}};
  for (const auto& [credentials, missed] : kCases) {
    answer(credentials);
    expect_refused("the answer has no usable " + missed);
  }
  for (const std::string end : {"1.5e9", R"("2020-02-29T12:00:00Z")"}) {
    answer("{" + keys + R"("SessionToken": "t", "Expiration": )" + end + "}");
    expect_refused("the credentials in the answer have expired");
  }
  server.misbehave(R"([{"rewrite": "{\"AssumeRole"}])");
  expect_refused("is not a JSON object");
  server.misbehave(R"([{"status": 302, "headers": "Location: http://127.0.0.1/\r\n"}])");
  expect_refused("redirects are not followed");
  EXPECT_EQ(count().second, 0) << "no key is sent without credentials";
}

TEST_F(Roles, AWorkloadOfAzureExchangesTheTokenOfItsCluster) {
  server.configure(R"({"azure": {"clientId": "client&1", "assertion": ")" + kWebToken +
                   R"(", "scope": "https://vault.azure.net/.default", "keyName": "medco-key",
                       "currentVersion": "0123456789abcdef0123456789abcdef"}})");
  variables = {{"AZURE_FEDERATED_TOKEN_FILE", write("token", kWebToken + "\n")},
               {"AZURE_CLIENT_ID", "client&1"},
               {"AZURE_TENANT_ID", "tenant-1"},
               {"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"}};
  const auto provider = on_machine("azure");
  expect_round_trip(*provider, azure_key());
  EXPECT_EQ(server.count_requests(), 3U);
  EXPECT_EQ(near.count_requests(), 0U);
  server.revoke_tokens();
  expect_round_trip(*provider, azure_key());
  write("token", "an old one");
  server.revoke_tokens();
  failure_of(
      provider->wrap(data_key(), azure_key()), Errc::kms_no_credentials,
      "exchanging the workload's token for an access token at login.microsoftonline.com: HTTP "
      "status 401: invalid_client");
  variables.erase("AZURE_TENANT_ID");
  failure_of(on_machine("azure")->wrap(data_key(), azure_key()), Errc::kms_no_credentials,
             "AZURE_CLIENT_ID or AZURE_TENANT_ID is not");
}

TEST_F(Roles, AWorkloadFederatedWithGcpExchangesTheTokenThatItHas) {
  const std::string audience =
      "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
  const auto federate = [&](const std::string& kind, const std::string& scope) {
    server.configure(R"({"gcp": {"scope": "https://www.googleapis.com/auth/cloudkms", "key":
                         "projects/medco-1/locations/global/keyRings/ring/cryptoKeys/key"},
                         "federation": {"account": "fle@medco.example", "audience": ")" +
                     audience + R"(", "subject_token_type": "urn:)" + kind +
                     R"(", "subject_token": ")" + kWebToken +
                     R"(", "scope": "https://www.googleapis.com/auth/)" + scope + "\"}}");
  };
  const auto account = [&](const std::string& kind, const std::string& source,
                           const std::string& more = {}) {
    variables["GOOGLE_APPLICATION_CREDENTIALS"] =
        write("account.json", R"({"type": "external_account", "audience": ")" + audience +
                                  R"(", "subject_token_type": "urn:)" + kind +
                                  R"(", "token_url": "https://sts.googleapis.com/v1/token",
                                     "credential_source": )" +
                                  source + more + "}");
  };
  federate("jwt", "cloudkms");
  account("jwt", R"({"file": ")" + write("token", kWebToken + "\n") + "\"}");
  expect_round_trip(*on_machine("gcp"), gcp_key());
  EXPECT_EQ(server.count_requests(), 3U);
  write("token", "an old one");
  failure_of(on_machine("gcp")->wrap(data_key(), gcp_key()), Errc::kms_no_credentials,
             "at sts.googleapis.com: HTTP status 400: invalid_grant");

  // From a URL near by, in JSON, and for a service account.
  federate("jwt", "cloud-platform");
  near.configure(R"({"subject": ")" + kWebToken + "\"}");
  account("jwt",
          R"({"url": "http://169.254.169.254/metadata/subject", "headers": {"Metadata": "True"},
              "format": {"type": "json", "subject_token_field_name": "subject"}})",
          R"(, "service_account_impersonation": {"token_lifetime_seconds": 600},
             "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/fle@medco.example:generateAccessToken")");
  expect_round_trip(*on_machine("gcp"), gcp_key());
  near.misbehave(R"([{"rewrite": "{}"}])");
  failure_of(on_machine("gcp")->wrap(data_key(), gcp_key()), Errc::kms_no_credentials,
             "not in its field");

  // On AWS the token is a request that the machine's credentials have signed.
  federate("aws4_request", "cloudkms");
  account("aws4_request", R"({"environment_id": "aws1", "url": "http://169.254.169.254/latest"})");
  variables["AWS_REGION"] = "us-east-1";
  expect_round_trip(*on_machine("gcp"), gcp_key());
  EXPECT_EQ(near.count_requests(), 5U) << "two for the subject, three for the role of the instance";
  variables.erase("AWS_REGION");
  failure_of(on_machine("gcp")->wrap(data_key(), gcp_key()), Errc::kms_no_credentials,
             "needs AWS_REGION");
}

}  // namespace
}  // namespace fle::kms::test
