// The clouds as exchanges: every byte that goes out and comes in is in this file, no socket is.
#include <algorithm>
#include <functional>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cloud/aws/aws_provider.h"
#include "cloud/azure/azure_provider.h"
#include "cloud/gcp/gcp_provider.h"
#include "cloud/token_cache.h"
#include "document/master_key.h"
#include "fle/kms/exchange.h"
#include "http/http_text.h"
#include "kms/support.h"
#include "provider/provider_options.h"

namespace fle::kms::test {
namespace {

using State = Exchange::State;
using std::chrono::milliseconds;

const std::string kArn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab";
const Buf kKey = master_key_bytes(3);
const Buf kMaterial = {0x0A, 0x10, 0xFF, 0x00, 0x7F};
const std::string kAwsSecret = "wJalr/canary7MDENG+bPxRfiCYEXAMPLEKEY42x";

std::string base64(Bytes b) { return std::string(WipedText().append_base64(b).view()); }
std::string base64url(Bytes b) { return std::string(WipedText().append_base64url(b).view()); }

std::string http(int status, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
}

Bytes bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

std::string text_of(const Exchange::Message& m) { return {m.bytes.begin(), m.bytes.end()}; }

std::string rsa_key() {
  static const std::string kBase64 = [] {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key);
    unsigned char* der = nullptr;
    const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    std::string out = base64({der, static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return out;
  }();
  return kBase64;
}

using Factory = Outcome<std::unique_ptr<Provider>> (*)(std::string_view, const rapidjson::Value&,
                                                       const KmsOptions&, const HttpHooks&);

class HttpExchanges : public ::testing::Test {
 protected:
  HttpExchanges() {
    hooks.now = [] {
      return std::chrono::system_clock::time_point(std::chrono::seconds(1440938160));
    };
    hooks.monotonic = [this] { return time; };
    hooks.random = [] { return 41U; };
    hooks.sleep = [](milliseconds) { ADD_FAILURE() << "an exchange does not sleep"; };
  }

  std::unique_ptr<Provider> make(Factory factory, const std::string& id,
                                 const std::string& options) {
    std::unique_ptr<Provider> out;
    const Done made = with_options(bytes_of(options), [&](const rapidjson::Value& parsed) -> Done {
      FLE_TRY(out, factory(id, parsed, kms, hooks));
      return ok;
    });
    EXPECT_TRUE(made) << made.error().to_string();
    return out;
  }
  std::unique_ptr<Provider> aws() {
    return make(make_aws_provider, "aws",
                R"({"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": ")" + kAwsSecret + "\"}");
  }
  std::unique_ptr<Provider> azure() {
    return make(make_azure_provider, "azure",
                R"({"tenantId": "tenant-1", "clientId": "client&1", "clientSecret": "a secret"})");
  }
  std::unique_ptr<Provider> gcp() {
    return make(make_gcp_provider, "gcp",
                R"({"email": "fle@medco.example", "privateKey": ")" + rsa_key() + "\"}");
  }
  static MasterKey aws_key() { return MasterKey::aws("us-east-1", kArn); }
  static MasterKey azure_key() {
    return MasterKey::azure("medco.vault.azure.net", "medco-key", "v1");
  }
  static MasterKey gcp_key() {
    return MasterKey::gcp(
        {.project_id = "medco-1", .location = "global", .key_ring = "ring", .key_name = "key"});
  }
  static SecretBytes data_key() { return *SecretBytes::copy_of(kKey); }

  /// The message that `exchange` wants to send, sent.
  static std::string sent_by(Exchange& exchange, const std::string& host) {
    EXPECT_EQ(exchange.state(), State::send) << exchange.failure().to_string();
    EXPECT_EQ(exchange.message().host, host);
    EXPECT_EQ(exchange.message().port, 443);
    std::string out = text_of(exchange.message());
    exchange.sent();
    EXPECT_TRUE(exchange.message().bytes.empty());
    return out;
  }
  /// `answer`, cut into pieces of `cut` bytes; each may be read whole or by less.
  static void answer(Exchange& exchange, const std::string& answer, std::size_t cut = 1'000'000) {
    Bytes left = bytes_of(answer);
    while (!left.empty()) {
      ASSERT_EQ(exchange.state(), State::receive) << left.size() << " bytes are left";
      ASSERT_GE(exchange.bytes_needed(), 1U);
      const std::size_t n = std::min({cut, exchange.bytes_needed(), left.size()});
      exchange.feed(left.first(n));
      left = left.subspan(n);
    }
    EXPECT_NE(exchange.state(), State::receive) << "more is wanted than a whole answer";
  }
  static void expect_key(Exchange& exchange) {
    ASSERT_EQ(exchange.state(), State::done) << exchange.failure().to_string();
    const auto key = exchange.take_key();
    ASSERT_TRUE(key) << key.error().to_string();
    EXPECT_TRUE(std::ranges::equal(key->expose(), kKey));
    EXPECT_FALSE(exchange.take_key()) << "taken twice";
    EXPECT_FALSE(exchange.take_wrapped());
  }
  static void expect_wrapped(Exchange& exchange) {
    ASSERT_EQ(exchange.state(), State::done) << exchange.failure().to_string();
    const auto material = exchange.take_wrapped();
    ASSERT_TRUE(material) << material.error().to_string();
    EXPECT_EQ(*material, kMaterial);
  }
  static void expect_failed(Exchange& exchange, Errc code, const std::string& text) {
    ASSERT_EQ(exchange.state(), State::failed);
    const std::string said = exchange.failure().to_string();
    EXPECT_EQ(exchange.failure().code, code) << said;
    EXPECT_NE(said.find(text), std::string::npos) << said;
    EXPECT_FALSE(exchange.take_key());
    EXPECT_EQ(exchange.take_wrapped().error().to_string(), said);
    EXPECT_EQ(exchange.bytes_needed(), 0U);
  }

  HttpHooks hooks;
  KmsOptions kms;
  TokenCache::Time time{};
};

const std::string kPlain = R"({"Plaintext": ")" + base64(kKey) + "\"}";
const std::string kAwsHost = "kms.us-east-1.amazonaws.com";

TEST_F(HttpExchanges, AwsWrapsAndUnwraps) {
  const auto provider = aws();
  const auto wrap = provider->begin_wrap(data_key(), aws_key());
  const std::string request = sent_by(*wrap, kAwsHost);
  EXPECT_TRUE(request.starts_with("POST / HTTP/1.1\r\nHost: " + kAwsHost + "\r\n")) << request;
  EXPECT_NE(request.find("X-Amz-Target: TrentService.Encrypt\r\n"), std::string::npos);
  EXPECT_NE(request.find("X-Amz-Date: 20150830T123600Z\r\n"), std::string::npos)
      << "the time is the caller's";
  EXPECT_NE(request.find("Authorization: AWS4-HMAC-SHA256 "), std::string::npos);
  EXPECT_TRUE(
      request.ends_with("{\"Plaintext\": \"" + base64(kKey) + "\", \"KeyId\": \"" + kArn + "\"}"));
  answer(*wrap, http(200, R"({"CiphertextBlob": ")" + base64(kMaterial) + "\"}"));
  expect_wrapped(*wrap);

  const auto unwrap = provider->begin_unwrap(kMaterial, aws_key());
  EXPECT_TRUE(
      sent_by(*unwrap, kAwsHost).ends_with("{\"CiphertextBlob\": \"" + base64(kMaterial) + "\"}"));
  answer(*unwrap, http(200, kPlain));
  expect_key(*unwrap);
}

TEST_F(HttpExchanges, AnAnswerIsTheSameHoweverItIsCut) {
  const auto provider = aws();
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" +
                              kPlain.substr(0, 5) + "\r\n8c\r\n" + kPlain.substr(5) +
                              "\r\n0\r\n\r\n";
  ASSERT_EQ(kPlain.size(), 5U + 0x8CU) << "the chunks have these lengths";
  for (const std::string& a : {http(200, kPlain), chunked})
    for (std::size_t cut = 1; cut < 40; ++cut) {
      const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
      sent_by(*exchange, kAwsHost);
      answer(*exchange, a, cut);
      expect_key(*exchange);
    }
}

TEST_F(HttpExchanges, ABodyWithoutALengthEndsWithTheConnection) {
  const auto provider = aws();
  for (const bool whole : {true, false}) {
    const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
    sent_by(*exchange, kAwsHost);
    exchange->feed(bytes_of("HTTP/1.1 200 OK\r\n\r\n" + kPlain));
    ASSERT_EQ(exchange->state(), State::receive);
    if (whole) {
      exchange->closed();
      expect_key(*exchange);
    } else {
      exchange->lost("reset by peer");  // what had come so far may be a part
      EXPECT_EQ(exchange->state(), State::wait);
    }
  }
}

TEST_F(HttpExchanges, WaitsAfter429AndTriesAgain) {
  const auto provider = aws();
  const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
  const std::string first = sent_by(*exchange, kAwsHost);
  answer(*exchange, http(429, R"({"__type": "ThrottlingException"})"));
  ASSERT_EQ(exchange->state(), State::wait);
  EXPECT_EQ(exchange->delay(), milliseconds(42)) << "1 + 41 % 200";
  EXPECT_TRUE(exchange->message().bytes.empty());
  EXPECT_EQ(exchange->bytes_needed(), 0U);
  exchange->feed(bytes_of(http(200, kPlain)));
  EXPECT_EQ(exchange->state(), State::wait) << "a call out of turn does nothing";
  exchange->resume();
  EXPECT_EQ(sent_by(*exchange, kAwsHost), first);
  answer(*exchange, http(200, kPlain));
  expect_key(*exchange);
}

TEST_F(HttpExchanges, GivesUpWhenTheRetriesAreUsedUp) {
  const auto provider = aws();
  const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
  for (int i = 0; i < 3; ++i) {
    exchange->lost("no route\nto host");
    ASSERT_EQ(exchange->state(), State::wait);
    exchange->resume();
  }
  sent_by(*exchange, kAwsHost);
  exchange->closed();
  expect_failed(*exchange, Errc::kms_unreachable,
                "KMS provider 'aws': Decrypt with key '" + kArn + "' at " + kAwsHost +
                    ": the connection was closed before the end of the answer, 4 attempts");
}

TEST_F(HttpExchanges, SaysWhoRefusedWhatAndWhy) {
  const auto provider = aws();
  auto exchange = provider->begin_unwrap(kMaterial, aws_key());
  sent_by(*exchange, kAwsHost);
  answer(*exchange, http(403, R"({"__type": "AccessDeniedException", "message": "not you"})",
                         "x-amzn-RequestId: 0a1b\r\n"));
  expect_failed(*exchange, Errc::kms_refused,
                "HTTP status 403: AccessDeniedException: not you (request id 0a1b); check the "
                "credentials");
  exchange = provider->begin_unwrap(kMaterial, aws_key());
  sent_by(*exchange, kAwsHost);
  answer(*exchange, http(400, R"({"__type": "InvalidCiphertextException"})"));
  expect_failed(*exchange, Errc::key_unwrap_failed, "InvalidCiphertextException");
}

TEST_F(HttpExchanges, RefusesHostileAnswers) {
  const auto provider = aws();
  const std::pair<std::string, std::string> kAnswers[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1.1 answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n", "more than 256 KiB"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "both a Content-Length and a transfer coding"},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x'), "headers of more than 32 KiB"},
      {http(200, "[1]"), "not a JSON object"},
      {http(200, R"({"Plaintext": 1})"), "no base64 in its field 'Plaintext'"},
      {http(200, kPlain) + "HTTP/1.1", "bytes after the end of the answer"},
  };
  for (const auto& [bytes, text] : kAnswers) {
    SCOPED_TRACE(text);
    const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
    sent_by(*exchange, kAwsHost);
    exchange->feed(bytes_of(bytes));
    expect_failed(*exchange, Errc::kms_bad_answer, text);
  }
  const auto exchange = provider->begin_unwrap(kMaterial, aws_key());
  sent_by(*exchange, kAwsHost);
  answer(*exchange, http(200, R"({"Plaintext": "AAAA"})"));
  expect_failed(*exchange, Errc::key_unwrap_failed, "expected: 96, got: 3");
}

TEST_F(HttpExchanges, SendsNothingToAHostThatIsNotAllowed) {
  const auto exchange =
      aws()->begin_unwrap(kMaterial, MasterKey::aws("us-east-1", kArn, "kms.attacker.example"));
  EXPECT_TRUE(exchange->message().bytes.empty());
  expect_failed(*exchange, Errc::kms_config_invalid, "is not a KMS of this cloud");
  const auto wrap = aws()->begin_wrap(*SecretBytes::copy_of(kMaterial), aws_key());
  EXPECT_EQ(wrap->state(), State::failed);
  EXPECT_EQ(wrap->failure().code, Errc::invalid_argument);
}

const std::string kLogin = "login.microsoftonline.com";
const std::string kVault = "medco.vault.azure.net";

std::string token(const std::string& token, int seconds = 3600) {
  return http(200, R"({"access_token": ")" + token + R"(", "expires_in": )" +
                       std::to_string(seconds) + "}");
}
bool bears(const std::string& request, const std::string& token) {
  return request.find("\r\nAuthorization: Bearer " + token + "\r\n") != std::string::npos;
}

TEST_F(HttpExchanges, AzureAsksForATokenOnceAndForAnotherWhenItIsRefused) {
  const auto provider = azure();
  const std::string value = R"({"value": ")" + base64url(kKey) + "\"}";
  auto exchange = provider->begin_wrap(data_key(), azure_key());
  const std::string asked = sent_by(*exchange, kLogin);
  EXPECT_TRUE(asked.starts_with("POST /tenant-1/oauth2/v2.0/token HTTP/1.1\r\n")) << asked;
  EXPECT_TRUE(
      asked.ends_with("client_id=client%261&scope=https%3A%2F%2Fvault.azure.net%2F.default"
                      "&client_secret=a%20secret&grant_type=client_credentials"));
  answer(*exchange, token("first-token"), 7);
  const std::string request = sent_by(*exchange, kVault);
  EXPECT_TRUE(request.starts_with("POST /keys/medco-key/v1/wrapkey?api-version=7.1 HTTP/1.1\r\n"));
  EXPECT_TRUE(bears(request, "first-token"));
  answer(*exchange, http(200, R"({"value": ")" + base64url(kMaterial) + "\"}"));
  expect_wrapped(*exchange);

  exchange = provider->begin_unwrap(kMaterial, azure_key());
  EXPECT_TRUE(bears(sent_by(*exchange, kVault), "first-token")) << "the token is kept";
  answer(*exchange, http(401, "{}"));
  sent_by(*exchange, kLogin);
  answer(*exchange, token("second-token"));
  const std::string again = sent_by(*exchange, kVault);
  EXPECT_TRUE(bears(again, "second-token"));
  EXPECT_FALSE(bears(again, "first-token"));
  answer(*exchange, http(200, value));
  expect_key(*exchange);

  time += std::chrono::hours(1);
  exchange = provider->begin_unwrap(kMaterial, azure_key());
  sent_by(*exchange, kLogin);
  answer(*exchange, token("third-token"));
  sent_by(*exchange, kVault);
  answer(*exchange,
         http(401, R"({"error": {"code": "Unauthorized", "message": "no third-token"}})"));
  expect_failed(*exchange, Errc::kms_refused, "repeats a secret of the request");
}

TEST_F(HttpExchanges, ARefusedTokenIsWantOfCredentials) {
  const auto provider = azure();
  const auto exchange = provider->begin_unwrap(kMaterial, azure_key());
  sent_by(*exchange, kLogin);
  answer(*exchange, http(503, "{}"));
  ASSERT_EQ(exchange->state(), State::wait) << "tokens are worth another attempt, too";
  exchange->resume();
  sent_by(*exchange, kLogin);
  answer(*exchange, http(400, R"({"error": "invalid_client"})"));
  expect_failed(*exchange, Errc::kms_no_credentials,
                "asking for an access token at login.microsoftonline.com: HTTP status 400: "
                "invalid_client; check tenantId, clientId and clientSecret");
}

TEST_F(HttpExchanges, GcpSignsForATokenAndUnwraps) {
  const auto provider = gcp();
  const auto exchange = provider->begin_unwrap(kMaterial, gcp_key());
  const std::string asked = sent_by(*exchange, "oauth2.googleapis.com");
  EXPECT_TRUE(asked.starts_with("POST /token HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("&assertion=ey"), std::string::npos);
  answer(*exchange, token("a-token"));
  const std::string request = sent_by(*exchange, "cloudkms.googleapis.com");
  EXPECT_TRUE(
      request.starts_with("POST /v1/projects/medco-1/locations/global/keyRings/ring/"
                          "cryptoKeys/key:decrypt HTTP/1.1\r\n"))
      << request;
  EXPECT_TRUE(bears(request, "a-token"));
  EXPECT_TRUE(request.ends_with("{\"ciphertext\": \"" + base64(kMaterial) + "\"}"));
  answer(*exchange, http(200, R"({"plaintext": ")" + base64(kKey) + "\"}"));
  expect_key(*exchange);
}

TEST_F(HttpExchanges, AGivenTokenIsUsedAndNotKept) {
  const auto provider = make(make_gcp_provider, "gcp", R"({"accessToken": "given"})");
  for (int i = 0; i < 2; ++i) {
    const auto exchange = provider->begin_wrap(data_key(), gcp_key());
    EXPECT_TRUE(bears(sent_by(*exchange, "cloudkms.googleapis.com"), "given"));
    answer(*exchange, http(200, R"({"ciphertext": ")" + base64(kMaterial) + "\"}"));
    expect_wrapped(*exchange);
  }
}

TEST_F(HttpExchanges, CredentialsOnDemandAreAskedForWhereTheyAreNeeded) {
  Outcome<std::string> given = R"({"accessKeyId": "ASIA1", "secretAccessKey": ")" + kAwsSecret +
                               R"(", "sessionToken": "st"})";
  std::vector<std::string> asked;
  kms.credentials = [&](std::string_view id) -> Outcome<WipedBuffer> {
    asked.emplace_back(id);
    if (!given) return given.error();
    WipedBuffer out;
    FLE_CHECK(out.reset(given->size()));
    std::ranges::copy(bytes_of(*given), out.bytes().begin());
    return out;
  };
  using Asked = std::vector<std::string>;
  const auto of_aws = make(make_aws_provider, "aws", "{}");
  EXPECT_EQ(asked, Asked{});
  const auto wrap = of_aws->begin_wrap(data_key(), aws_key());
  EXPECT_EQ(asked, Asked{"aws"});
  const std::string request = sent_by(*wrap, kAwsHost);
  EXPECT_NE(request.find("Credential=ASIA1/20150830/us-east-1/kms/"), std::string::npos) << request;
  EXPECT_NE(request.find("\r\nX-Amz-Security-Token: st\r\n"), std::string::npos) << request;
  given = Failure(Errc::io_failed, "the safe is locked");
  expect_failed(*of_aws->begin_unwrap(kMaterial, aws_key()), Errc::kms_no_credentials,
                "no credentials from KmsOptions::credentials: the safe is locked");
  expect_failed(*make(make_azure_provider, "azure", "{}")->begin_unwrap(kMaterial, azure_key()),
                Errc::kms_no_credentials, "KMS provider 'azure': no credentials");

  given = std::string(R"({"accessToken": "on-demand"})");
  const auto of_gcp = make(make_gcp_provider, "gcp", "{}");
  const auto unwrap = of_gcp->begin_unwrap(kMaterial, gcp_key());
  EXPECT_TRUE(bears(sent_by(*unwrap, "cloudkms.googleapis.com"), "on-demand"));
  // It was just given: another would be no better.
  answer(*unwrap, http(401, "{}"));
  EXPECT_EQ(asked, (Asked{"aws", "aws", "azure", "gcp"}));
  expect_failed(*unwrap, Errc::kms_refused, "HTTP status 401");
}

TEST_F(HttpExchanges, AnAccessTokenAloneIsEnough) {
  const std::string options = R"({"accessToken": "given"})";
  const auto of_azure = make(make_azure_provider, "azure:prod", options);
  const auto key = *parse_master_key(bson_of(
      R"({"provider": "azure:prod", "keyVaultEndpoint": "medco.vault.azure.net", "keyName": "k"})"));
  const auto exchange = of_azure->begin_unwrap(kMaterial, key);
  EXPECT_TRUE(bears(sent_by(*exchange, "medco.vault.azure.net"), "given"));
  answer(*exchange, http(200, R"({"value": ")" + base64url(kKey) + "\"}"));
  expect_key(*exchange);
}

TEST_F(HttpExchanges, PinsHoldForExchangesToo) {
  KmsOptions options;
  options.master_keys["aws"] = {{{"key", kArn}}};
  const auto providers = Providers::from_json(
      R"({"aws": {"accessKeyId": "AK", "secretAccessKey": "secret"}})", options);
  ASSERT_TRUE(providers) << providers.error().to_string();
  Provider& provider = **providers->find("aws");
  EXPECT_EQ(provider.begin_unwrap(kMaterial, aws_key())->state(), State::send);
  const auto other = MasterKey::aws("us-east-1", "alias/other");
  const auto unwrap = provider.begin_unwrap(kMaterial, other);
  expect_failed(*unwrap, Errc::master_key_not_pinned, "alias/other");
  const auto wrap = provider.begin_wrap(data_key(), other);
  expect_failed(*wrap, Errc::master_key_not_pinned, "alias/other");
  const auto prepare = provider.begin_prepare(other);
  EXPECT_EQ(prepare->failure().code, Errc::master_key_not_pinned);
  EXPECT_EQ(provider.begin_prepare(aws_key())->take_master_key()->bson, aws_key().bson);
}

}  // namespace
}  // namespace fle::kms::test
