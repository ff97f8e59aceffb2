// Credentials by role over a network of the caller's: every byte that goes out and comes in is in
// this file. And what is read on the way: profiles, URLs, times.
#include <algorithm>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "cloud/aws/aws_provider.h"
#include "cloud/azure/azure_provider.h"
#include "cloud/gcp/gcp_provider.h"
#include "cloud/roles/automatic.h"
#include "cloud/roles/aws_profiles.h"
#include "fle/kms/exchange.h"
#include "kms/support.h"
#include "kms/temp_dir.h"
#include "provider/provider_options.h"

namespace fle::kms::test {
namespace {

Bytes text_bytes(std::string_view s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

class RoleExchanges : public ::testing::Test {
 protected:
  using State = Exchange::State;
  RoleExchanges() {
    hooks.now = [] {
      return std::chrono::system_clock::time_point(std::chrono::seconds(1440938160));
    };
    hooks.monotonic = [this] { return time; };
    hooks.environment = [this](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    };
  }

  std::unique_ptr<Provider> make(Outcome<std::unique_ptr<Provider>> (*factory)(
                                     std::string_view, const rapidjson::Value&, const KmsOptions&,
                                     const HttpHooks&) = make_aws_provider,
                                 const std::string& id = "aws") {
    KmsOptions kms;
    kms.credentials = automatic_credentials_with(LockPolicy::best_effort, hooks);
    std::unique_ptr<Provider> out;
    const Done made = with_options(text_bytes("{}"), [&](const rapidjson::Value& options) -> Done {
      FLE_TRY(out, factory(id, options, kms, hooks));
      return ok;
    });
    EXPECT_TRUE(made) << made.error().to_string();
    return out;
  }
  static std::unique_ptr<Exchange> unwrap(Provider& provider) {
    return provider.begin_unwrap(Buf(5, 7), MasterKey::aws("us-east-1", "alias/a"));
  }
  /// What `exchange` sends to `to`: "https://host" or "http://host:port".
  static std::string sent_to(Exchange& exchange, const std::string& to) {
    EXPECT_EQ(exchange.state(), State::send) << exchange.failure().to_string();
    const Exchange::Message m = exchange.message();
    const std::uint16_t usual = m.tls ? 443 : 80;
    EXPECT_EQ((m.tls ? "https://" : "http://") + std::string(m.host) +
                  (m.port == usual ? "" : ":" + std::to_string(m.port)),
              to);
    std::string out(m.bytes.begin(), m.bytes.end());
    exchange.sent();
    return out;
  }
  static void answered(Exchange& exchange, int status, const std::string& body) {
    const std::string whole = "HTTP/1.1 " + std::to_string(status) +
                              " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                              body;
    for (std::string_view left = whole; !left.empty();) {
      const std::size_t n = std::min(left.size(), exchange.bytes_needed());
      ASSERT_NE(n, 0U);
      exchange.feed(text_bytes(left.substr(0, n)));
      left.remove_prefix(n);
    }
  }
  void expect_failure(const std::string& text) {
    const auto provider = make();
    const auto exchange = unwrap(*provider);
    ASSERT_EQ(exchange->state(), State::failed) << "something is sent";
    const std::string said = exchange->failure().to_string();
    EXPECT_NE(said.find(text), std::string::npos) << said;
    EXPECT_EQ(said.find("canary"), std::string::npos) << said;
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(dir.file(name), std::ios::trunc) << text;
    return dir.file(name);
  }

  TempDir dir;
  HttpHooks hooks;
  std::map<std::string, std::string> variables;
  TokenCache::Time time{};
};

constexpr const char* kInstance = "http://169.254.169.254";
constexpr const char* kKms = "https://kms.us-east-1.amazonaws.com";

TEST_F(RoleExchanges, AnInstanceIsAskedByMessagesWithoutTlsThenKms) {
  const auto provider = make();
  const auto exchange = unwrap(*provider);
  EXPECT_EQ(sent_to(*exchange, kInstance),
            "PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\n"
            "X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n");
  answered(*exchange, 200, "a-session");
  EXPECT_EQ(sent_to(*exchange, kInstance),
            "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\nHost: 169.254.169.254\r\n"
            "X-aws-ec2-metadata-token: a-session\r\nConnection: close\r\n\r\n");
  answered(*exchange, 503, "");
  ASSERT_EQ(exchange->state(), State::wait);
  exchange->resume();
  sent_to(*exchange, kInstance);
  answered(*exchange, 200, "medco\n");
  EXPECT_TRUE(
      sent_to(*exchange, kInstance)
          .starts_with("GET /latest/meta-data/iam/security-credentials/medco HTTP/1.1\r\n"));
  const std::string credentials =
      R"({"Code": "Success", "AccessKeyId": "ASIA1", "SecretAccessKey": "secret",
          "Token": "session-token", "Expiration": "2015-08-30T13:36:00Z"})";
  answered(*exchange, 200, credentials);
  const std::string request = sent_to(*exchange, kKms);
  EXPECT_NE(request.find("Credential=ASIA1/20150830/us-east-1/kms/"), std::string::npos) << request;
  EXPECT_NE(request.find("\r\nX-Amz-Security-Token: session-token\r\n"), std::string::npos);

  // They are kept, and asked for anew when KMS does not take them.
  time += std::chrono::seconds(3299);
  const auto again = unwrap(*provider);
  sent_to(*again, kKms);
  answered(*again, 400, R"({"__type": "ExpiredTokenException"})");
  sent_to(*again, kInstance);
  // In the last minutes of their life they are renewed; if that fails they still hold.
  const auto old = make();
  const auto first = unwrap(*old);
  for (const std::string& body : {std::string("s"), std::string("r"), credentials}) {
    sent_to(*first, kInstance);
    answered(*first, 200, body);
  }
  time += std::chrono::seconds(3301);
  const auto late = unwrap(*old);
  sent_to(*late, kInstance);
  answered(*late, 403, "");
  sent_to(*late, kKms);
  EXPECT_EQ(unwrap(*old)->message().tls, true) << "not asked for at each use";
  time += std::chrono::seconds(295);
  const auto too_late = unwrap(*old);
  sent_to(*too_late, kInstance);
  answered(*too_late, 403, "");
  EXPECT_EQ(too_late->failure().code, Errc::kms_no_credentials);
}

TEST_F(RoleExchanges, StsIsAskedWithAFormAndAnswersInJson) {
  variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", write("token", "a.b+c/d\n")},
               {"AWS_ROLE_ARN", "arn:aws-cn:iam::1:role/r"}};
  expect_failure("the role is not in the partition 'aws': set AWS_REGION");
  variables["AWS_DEFAULT_REGION"] = "cn-north-1";
  const auto provider = make();
  const auto exchange = unwrap(*provider);
  const std::string form =
      "Version=2011-06-15&Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws-cn%3Aiam%3A%3A1%3A"
      "role%2Fr&RoleSessionName=libfle&WebIdentityToken=a.b%2Bc%2Fd";
  EXPECT_EQ(sent_to(*exchange, "https://sts.cn-north-1.amazonaws.com.cn"),
            "POST / HTTP/1.1\r\nHost: sts.cn-north-1.amazonaws.com.cn\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                std::to_string(form.size()) +
                "\r\nAccept: application/json\r\nConnection: close\r\n\r\n" + form);
  answered(*exchange, 403, R"({"Error": {"Code": "AccessDenied", "Message": "no: a.b+c/d"}})");
  const std::string said = exchange->failure().to_string();
  EXPECT_NE(said.find("HTTP status 403: AccessDenied: (the server's text is left out"),
            std::string::npos)
      << said;
}

TEST_F(RoleExchanges, NothingIsSentWhereTheSettingsAreWrong) {
  for (const std::string bad :
       {"http://example.com/c", "http://169.254.169.254/c", "http://127.example.com/c",
        "http://10.0.0.1/c", "http://user:canary@127.0.0.1/c", "ftp://127.0.0.1/c", "127.0.0.1/c",
        "http://127.0.0.1:0/c", "http://127.0.0.1/a b", "http://127.0.0.1/#c", "http://[::1/c",
        "http://[::2]/c", "http://[127.0.0.1]/c", "http://localhost.example.com/c", "http:///c"}) {
    variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", bad}};
    expect_failure("AWS_CONTAINER_CREDENTIALS_FULL_URI: ");
  }
  variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://agent.example:8443?a=b"}};
  {
    const auto provider = make();
    const auto exchange = unwrap(*provider);
    EXPECT_TRUE(sent_to(*exchange, "https://agent.example:8443").starts_with("GET /?a=b HTTP/1.1"));
  }
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = dir.file("nowhere");
  expect_failure("(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) is not there");
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("empty", "\n");
  expect_failure("is empty, or not one line of printable ASCII");
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("large", std::string(300'000, 'x'));
  expect_failure("(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE): File too large");
  variables = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "v2/credentials"}};
  expect_failure("expected a path that begins with '/'");
  variables = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://metadata.example.com"}};
  expect_failure("AWS_EC2_METADATA_SERVICE_ENDPOINT: http is for this machine");
  variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "token"}};
  expect_failure("AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
}

TEST_F(RoleExchanges, ProfilesThatLeadNowhereAreRefused) {
  const std::string role = "role_arn = arn:aws:iam::1:role/r\n";
  const std::pair<std::string, std::string> kCases[] = {
      {"", "profile 'a' is in none of AWS's files"},
      {"[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n",
       "profile 'a' is its own source, by way of others"},
      {"[profile a]\n" + role + "source_profile = a\n",
       "profile 'a' has neither role_arn nor aws_access_key_id"},
      {"[profile a]\n" + role + "source_profile = c\n", "profile 'c' is in none"},
      {"[profile a]\n" + role, "needs one of source_profile, credential_source and"},
      {"[profile a]\n" + role + "source_profile = a\ncredential_source = Environment\n",
       "needs one of"},
      {"[profile a]\n" + role + "credential_source = Environment\n",
       "credential_source Environment, which has nothing to give here"},
      {"[profile a]\n" + role + "credential_source = Moon\n",
       "an unknown credential_source: 'Moon'"},
      {"[profile a]\n" + role + "source_profile = a\nmfa_serial = m\n", "has mfa_serial"},
      {"[profile a]\nsso_session = s\n", "has sso_session, which libfle does not use"},
      {"[profile a]\naws_access_key_id = AK\n", "has no aws_secret_access_key"},
      {"[profile a]\naws_access_key_id = AK\naws_secret_access_key = canary\ncanary\n",
       "(AWS_CONFIG_FILE), line 4: expected [profile] or name = value"}};
  for (const auto& [config, why] : kCases) {
    variables = {{"AWS_PROFILE", "a"}, {"AWS_CONFIG_FILE", write("config", config)}};
    expect_failure(why);
  }
  // Its own source is what else it has; and a profile without credentials says nothing of them.
  variables["AWS_CONFIG_FILE"] = write("config", "[profile a]\n" + role + "source_profile = a\n" +
                                                     "aws_access_key_id = AK\n"
                                                     "aws_secret_access_key = secret\n");
  {
    const auto provider = make();
    const auto exchange = unwrap(*provider);
    const std::string asked = sent_to(*exchange, "https://sts.amazonaws.com");
    EXPECT_NE(asked.find("Credential=AK/20150830/us-east-1/sts/"), std::string::npos);
    EXPECT_TRUE(
        asked.ends_with("&Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
                        "RoleSessionName=libfle"))
        << asked;
  }
  variables["AWS_CONFIG_FILE"] = write("config", "[profile a]\nregion = us-east-1\n");
  const auto provider = make();
  const auto exchange = unwrap(*provider);
  sent_to(*exchange, kInstance);
}

TEST_F(RoleExchanges, WorkloadsOfOtherCloudsAreRefusedBeforeAnythingIsSent) {
  const auto refused = [&](auto factory, const std::string& id, const MasterKey& key,
                           const std::string& why) {
    const auto provider = make(factory, id);
    const auto exchange = provider->begin_unwrap(Buf(5, 7), key);
    ASSERT_EQ(exchange->state(), State::failed) << why;
    const std::string said = exchange->failure().to_string();
    EXPECT_NE(said.find(why), std::string::npos) << said;
    EXPECT_EQ(said.find("canary"), std::string::npos) << said;
  };
  const MasterKey azure = MasterKey::azure("medco.vault.azure.net", "k");
  variables = {{"AZURE_FEDERATED_TOKEN_FILE", write("token", "canary")},
               {"AZURE_CLIENT_ID", "client"},
               {"AZURE_TENANT_ID", "a/b"}};
  refused(make_azure_provider, "azure", azure, "AZURE_TENANT_ID: expected letters");
  variables["AZURE_TENANT_ID"] = "t";
  variables["AZURE_AUTHORITY_HOST"] = "http://login.example";
  refused(make_azure_provider, "azure", azure, "AZURE_AUTHORITY_HOST: http is for this machine");
  variables["AZURE_AUTHORITY_HOST"] = "https://login.microsoftonline.us";
  {
    const auto provider = make(make_azure_provider, "azure");
    const auto exchange = provider->begin_unwrap(Buf(5, 7), azure);
    const std::string asked = sent_to(*exchange, "https://login.microsoftonline.us");
    EXPECT_TRUE(asked.starts_with("POST /t/oauth2/v2.0/token HTTP/1.1\r\n")) << asked;
    EXPECT_TRUE(asked.ends_with(
        "client_id=client&scope=https%3A%2F%2Fvault.usgovcloudapi.net%2F.default&"
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
        "client_assertion=canary&grant_type=client_credentials"))
        << asked;
  }
  const MasterKey gcp = MasterKey::gcp(
      {.project_id = "medco-1", .location = "global", .key_ring = "ring", .key_name = "key"});
  const std::string start = R"({"type": "external_account", "audience": "a",
                               "subject_token_type": "t", "credential_source": )";
  const std::string file = R"({"file": ")" + dir.file("token") + "\"}";
  const std::string url = R"(, "token_url": "https://sts.googleapis.com/v1/token"})";
  const std::pair<std::string, std::string> kCases[] = {
      {"{\"canary", "the file is not a JSON object"},
      {R"({"type": "service_account", "private_key": "canary"})", "of the type external_account"},
      {start + "{}" + url, "credential_source has neither file nor url"},
      {start + R"({"environment_id": "moon1"})" + url, "an unknown environment_id"},
      {start + R"({"executable": {"command": "canary"}})" + url, "has neither file nor url"},
      {start + R"({"url": "http://example.com/canary"})" + url, "http is for this machine"},
      {start + R"({"url": "https://a.example/", "headers": {"A": "canary\r\n"}})" + url,
       "what is no header"},
      {start + R"({"url": "https://a.example/", "headers": {"A": 1}})" + url, "more than texts"},
      {start + file + "}", "token_url: expected a URL"},
      {start + file + R"(, "token_url": "http://sts.example/"})", "http is for this machine"},
      {R"({"type": "external_account", "credential_source": )" + file + url, "audience is missing"},
      {start + R"({"file": ")" + dir.file("token") +
           R"(", "format": {"type": "json", "subject_token_field_name": "f"}})" + url,
       "not in JSON, or not in its field"},
      {start + R"({"file": ")" + dir.file("token") + R"(", "format": {"type": "xml"}})" + url,
       "an unknown format"},
      {start + R"({"file": ")" + dir.file("nowhere") + "\"}" + url, "is not there"}};
  for (const auto& [text, why] : kCases) {
    variables = {{"GOOGLE_APPLICATION_CREDENTIALS", write("account.json", text)}};
    refused(make_gcp_provider, "gcp", gcp, why);
  }
}

// One that ends at this very second does not hold any more.
TEST_F(RoleExchanges, CredentialsThatHaveEndedAreNotUsed) {
  constexpr const char* kNow = "2015-08-30T12:36:00Z";
  const auto provider = make();
  const auto exchange = unwrap(*provider);
  for (const std::string& body :
       {std::string("s"), std::string("r"),
        std::string(R"({"AccessKeyId": "ASIA1", "SecretAccessKey": "canary", "Token": "canary",
                        "Expiration": ")") +
            kNow + "\"}"}) {
    sent_to(*exchange, kInstance);
    answered(*exchange, 200, body);
  }
  ASSERT_EQ(exchange->state(), State::failed);
  EXPECT_EQ(exchange->failure().code, Errc::kms_no_credentials);
  std::string said = exchange->failure().to_string();
  EXPECT_NE(said.find("have expired"), std::string::npos) << said;
  EXPECT_EQ(said.find("canary"), std::string::npos) << said;

  variables = {{"GOOGLE_APPLICATION_CREDENTIALS",
                write("account.json", R"({"type": "external_account", "audience": "a",
                      "subject_token_type": "t", "token_url": "https://sts.googleapis.com/v1/token",
                      "service_account_impersonation_url": "https://iam.example/v1/x",
                      "credential_source": {"file": ")" +
                                          write("token", "subject") + "\"}}")}};
  const auto google = make(make_gcp_provider, "gcp");
  const auto impersonates = google->begin_unwrap(
      Buf(5, 7),
      MasterKey::gcp(
          {.project_id = "medco-1", .location = "global", .key_ring = "ring", .key_name = "key"}));
  sent_to(*impersonates, "https://sts.googleapis.com");
  answered(*impersonates, 200, R"({"access_token": "pool", "expires_in": 60})");
  sent_to(*impersonates, "https://iam.example");
  answered(*impersonates, 200,
           std::string(R"({"accessToken": "canary", "expireTime": ")") + kNow + "\"}");
  ASSERT_EQ(impersonates->state(), State::failed);
  said = impersonates->failure().to_string();
  EXPECT_NE(said.find("has expired"), std::string::npos) << said;
  EXPECT_EQ(said.find("canary"), std::string::npos) << said;
}

TEST(AwsProfiles, FilesAreReadAsAwsToolsReadThem) {
  struct Case {
    std::string text;
    ProfileFile file;
    std::string read;  // "profile:name=value;" each
  };
  constexpr ProfileFile kConfig = ProfileFile::config;
  constexpr ProfileFile kCredentials = ProfileFile::credentials;
  const Case kCases[] = {
      {"", kConfig, ""},
      {"# x\n ; y\n\n[default]\nA=1\r\n", kConfig, "default:=;default:A=1;"},
      {"[ default ] # why\nb = a=b # c\nc=d#e\nf = ;\n", kConfig,
       "default:=;default:b=a=b;default:c=d#e;default:f=;"},
      {"[profile  \"a b\"]\nx=1\n[profilez]\ny=1\n[sso-session s]\nz=1", kConfig, "a b:=;a b:x=1;"},
      {"[a]\nx=1", kConfig, ""},
      {"[a]\nx=1\n  y = 2\n[b]\n", kCredentials, "a:=;a:x=1;b:=;"},
      {"x=1\n", kConfig, "line 1"},
      {"[a]\n\n[a\n", kCredentials, "line 3"},
      {"[a] b\n", kCredentials, "line 1"},
      {"[]\n", kCredentials, "line 1"},
      {"[a]\n  x = 1\n", kCredentials, "line 2"},
      {"[a]\nx\n", kCredentials, "line 2"},
      {"[a]\n= 1\n", kCredentials, "line 2"},
      {"[a]\nx = a\x01\n", kCredentials, "line 2"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto parsed = parse_profiles(c.text, c.file);
    std::string read;
    if (!parsed) read = "line " + std::to_string(parsed.error().number);
    if (parsed)
      for (const ProfileSetting& s : *parsed)
        read.append(s.profile).append(":").append(s.name).append("=").append(s.value).append(";");
    EXPECT_EQ(read, c.read);
  }
}

TEST(UtcTime, IsRfc3339WithAZ) {
  const auto seconds_of = [](std::string_view text) -> std::int64_t {
    const auto t = parse_utc(text);
    return t ? std::chrono::duration_cast<std::chrono::seconds>(t->time_since_epoch()).count() : -1;
  };
  EXPECT_EQ(seconds_of("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(seconds_of("2015-08-30T12:36:00Z"), 1440938160);
  EXPECT_EQ(seconds_of("2024-02-29T23:59:59.123456789Z"), 1709251199);
  for (const char* const bad :
       {"", "Z", "2015-08-30T12:36:00", "2015-08-30 12:36:00Z", "2015-02-29T00:00:00Z",
        "2015-08-30T24:00:00Z", "2015-08-30T12:36:00+01:00", "2015-08-30T12:36:00.Z",
        "2015-08-30T12:36:00.1234567890Z", "2015-08-30T12:36:-1Z", "2015-13-30T12:36:00Z"})
    EXPECT_EQ(seconds_of(bad), -1) << bad;
}

}  // namespace
}  // namespace fle::kms::test
