#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

using Gcp = Clouds;

const std::string kKeyLine =
    "POST /v1/projects/medco-1/locations/global/keyRings/ring/cryptoKeys/key";

std::string line(const rapidjson::Document& log, unsigned i) {
  return i < log["requests"].Size() ? log["requests"][i]["line"].GetString() : "";
}

TEST_F(Gcp, SignsAJwtThatTheServerVerifiesAndWrapsAndUnwraps) {
  const auto provider = gcp();
  expect_round_trip(*provider, gcp_key());
  expect_round_trip(*provider, gcp_key());
  const auto log = server.take_log();
  ASSERT_EQ(log["requests"].Size(), 5U);  // one token
  EXPECT_EQ(line(log, 0), "POST /token");
  EXPECT_EQ(line(log, 1), kKeyLine + ":encrypt");
  EXPECT_EQ(line(log, 2), kKeyLine + ":decrypt");
  EXPECT_STREQ(log["requests"][0]["sni"].GetString(), "oauth2.googleapis.com");
  EXPECT_STREQ(log["requests"][1]["sni"].GetString(), "cloudkms.googleapis.com");
}

TEST_F(Gcp, NamesTheVersionOfTheKeyOnlyToEncrypt) {
  const auto provider = gcp();
  const MasterKey mk = MasterKey::gcp({.project_id = "medco-1",
                                       .location = "global",
                                       .key_ring = "ring",
                                       .key_name = "key",
                                       .key_version = "7"});
  expect_round_trip(*provider, mk);
  const auto log = server.take_log();
  EXPECT_EQ(line(log, 1), kKeyLine + "/cryptoKeyVersions/7:encrypt");
  EXPECT_EQ(line(log, 2), kKeyLine + ":decrypt");
}

TEST_F(Gcp, UsesAGivenAccessTokenAndAsksForNone) {
  static_cast<void>(gcp());
  const auto provider = make("gcp", R"({"accessToken": ")" + kAccessToken + "\"}", kms_options());
  expect_round_trip(**provider, gcp_key());
  EXPECT_EQ(line(server.take_log(), 0), kKeyLine + ":encrypt");
}

TEST_F(Gcp, DerivesTheScopeFromAnEndpointOutsideGoogle) {
  server.configure(R"({"gcp": {"email": "e@x.example", "modulus": ")" + rsa().modulus_hex +
                   R"(", "scope": "https://www.localhost/auth/cloudkms", "key":
                       "projects/medco-1/locations/global/keyRings/ring/cryptoKeys/key"}})");
  const std::string port = server.port_text();
  const auto providers = Providers::from_json(
      R"({"gcp": {"email": "e@x.example", "privateKey": {"$binary": {"base64": ")" +
          rsa().pkcs8_base64() + R"(", "subType": "00"}}, "endpoint": "login.localhost:)" + port +
          "\"}}",
      kms_options());
  ASSERT_TRUE(providers) << providers.error().to_string();
  const std::string endpoint = "kms.localhost:" + port;
  expect_round_trip(**providers->find("gcp"), MasterKey::gcp({.project_id = "medco-1",
                                                              .location = "global",
                                                              .key_ring = "ring",
                                                              .key_name = "key",
                                                              .endpoint = endpoint}));
}

TEST_F(Gcp, ReportsAKeyThatIsNotTheAccountsAsMissingCredentials) {
  const auto provider = gcp();
  server.configure(R"({"gcp": {"email": "fle@medco.example", "modulus": ")" +
                   make_rsa_key().modulus_hex +
                   R"(", "scope": "https://www.googleapis.com/auth/cloudkms", "key": ""}})");
  failure_of(
      provider->wrap(data_key(), gcp_key()), Errc::kms_no_credentials,
      "invalid_grant: Invalid JWT Signature. (request id 0a1b2c); check email and privateKey");
}

TEST_F(Gcp, SaysThatTheClockIsWrongInTheServersWords) {
  hooks.now = [] { return std::chrono::system_clock::now() + std::chrono::hours(1); };
  failure_of(gcp()->wrap(data_key(), gcp_key()), Errc::kms_no_credentials,
             "not in a reasonable timeframe");
}

TEST_F(Gcp, ReportsChangedKeyMaterialInTheServersWords) {
  const auto provider = gcp();
  auto wrapped = *provider->wrap(data_key(), gcp_key());
  wrapped[20] ^= 1;
  failure_of(provider->unwrap(wrapped, gcp_key()), Errc::kms_refused,
             "HTTP status 400: INVALID_ARGUMENT: Decryption failed: the ciphertext is invalid.");
}

TEST_F(Gcp, RefusesNamesThatWouldBeAnotherPath) {
  const auto provider = gcp();
  for (const char* bad : {"", "..", ".", "a/b", "a?b", "a b", "a:b", "a%2f", "\xc3\xa9"}) {
    const auto refused = [&](const MasterKey::GcpKey& key, const std::string& field) {
      // An empty text is left out, and then missing.
      const Errc code = *bad == '\0' ? Errc::key_document_invalid : Errc::kms_config_invalid;
      failure_of(provider->unwrap(std::vector<std::uint8_t>(150), MasterKey::gcp(key)), code,
                 "masterKey." + field);
    };
    refused({bad, "l", "r", "k"}, "projectId");
    refused({"p", bad, "r", "k"}, "location");
    refused({"p", "l", bad, "k"}, "keyRing");
    refused({"p", "l", "r", bad}, "keyName");
    if (*bad == '\0') continue;
    failure_of(provider->wrap(data_key(), MasterKey::gcp({"p", "l", "r", "k", bad})),
               Errc::kms_config_invalid, "masterKey.keyVersion");
  }
  failure_of(provider->wrap(data_key(), MasterKey::gcp({"p", "l", "r", "k", "", "evil.example"})),
             Errc::kms_config_invalid, "is not a KMS of this cloud");
  EXPECT_EQ(server.count_requests(), 0U);
}

TEST_F(Gcp, RefusesOptionsThatBreakARule) {
  const auto refused = [&](const std::string& options, const std::string& why) {
    failure_of(make("gcp", options, kms_options()), Errc::kms_config_invalid, why);
  };
  const std::string email = R"({"email": "e", "privateKey": ")";
  refused(R"({"email": "e"})", "'privateKey' is missing");
  refused(email + "!\"}", "not base64");
  refused(email + "AAAA\"}", "expected the PKCS#8 DER of an RSA key");
  refused(email + make_rsa_key(1024).pkcs8_base64() + "\"}", "of 2048 bits or more");
  const std::string whole = rsa().pkcs8_base64();
  refused(email + whole.substr(0, whole.size() - 4) + "\"}", "expected the PKCS#8 DER");
  refused(R"({"accessToken": "t", "email": "e"})", "unexpected field");
  refused(email + whole + R"(", "endpoint": "nodot"})", "expected dot separator");
}

}  // namespace
}  // namespace fle::kms::test
