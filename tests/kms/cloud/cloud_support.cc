#include "cloud_support.h"

#include <fstream>
#include <stdexcept>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "cloud/aws/aws_provider.h"
#include "cloud/azure/azure_provider.h"
#include "cloud/gcp/gcp_provider.h"
#include "cloud/roles/automatic.h"
#include "fle/secret.h"
#include "http/http_text.h"
#include "provider/provider_options.h"
#include "support/patience.h"

namespace fle::kms::test {
namespace {

std::string base64(Bytes b) { return std::string(WipedText().append_base64(b).view()); }

std::string raw(const SecretBytes& s) {
  return {reinterpret_cast<const char*>(s.expose().data()), s.size()};
}

/// No fragment of 8 bytes; by chance an error text shares less than that with a secret.
void expect_absent(const std::string& text, const std::string& secret) {
  for (std::size_t i = 0; i + 8 <= secret.size(); ++i)
    ASSERT_EQ(text.find(secret.substr(i, 8)), std::string::npos) << text;
}

}  // namespace

std::string RsaKey::pkcs8_base64() const { return base64(pkcs8); }

RsaKey make_rsa_key(int bits) {
  EVP_PKEY* key = EVP_RSA_gen(static_cast<unsigned>(bits));
  BIGNUM* n = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
  char* hex = BN_bn2hex(n);
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  if (size <= 0) throw std::runtime_error("no RSA key");
  RsaKey out{{der, der + size}, hex};
  OPENSSL_free(der);
  OPENSSL_free(hex);
  PKCS8_PRIV_KEY_INFO_free(info);
  BN_free(n);
  EVP_PKEY_free(key);
  return out;
}

Clouds::Clouds() : server(certificates.make(), certificates.key()) {
  server.configure(R"({"aws": {"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                   kSecretKey + R"(", "sessionToken": ")" + kSessionToken +
                   R"(", "region": "us-east-1", "keys": [")" + kArn +
                   R"(", "alias/\"odd\\ name"]}, "access_tokens": [")" + kAccessToken + "\"]}");
  server.configure(R"({"azure": {"clientId": "client&1", "clientSecret": ")" + kClientSecret +
                   R"(", "scope": "https://vault.azure.net/.default", "keyName": "medco-key",
                       "currentVersion": "0123456789abcdef0123456789abcdef"}})");
  hooks.connect_to = "::127.0.0.1:" + server.port_text();
  hooks.sleep = [this](std::chrono::milliseconds d) {
    const std::lock_guard lock(mutex);
    sleeps.push_back(d);
  };
}

void Clouds::TearDown() {
  std::vector<std::string> secrets = {kSecretKey,   kSessionToken,   kClientSecret,
                                      kAccessToken, raw(data_key()), base64(data_key().expose())};
  secrets.emplace_back(WipedText().append_percent_encoded(kClientSecret).view());
  secrets.emplace_back(WipedText().append_base64url(data_key().expose()).view());
  for (const std::string& s : more_secrets) secrets.push_back(s);
  for (const std::string& t : server.tokens()) secrets.push_back(t);
  if (rsa_) secrets.push_back(rsa_->pkcs8_base64());
  for (const std::string& text : said_)
    for (const std::string& secret : secrets) expect_absent(text, secret);
}

KmsOptions Clouds::kms_options() const {
  KmsOptions kms;
  kms.connect_timeout = kms.request_timeout = fle::test::kPatience;
  for (const char* id : {"aws", "aws:prod", "azure", "gcp"}) {
    kms.tls[id].ca_file = certificates.authority();
    kms.allowed_endpoints[id] = {".localhost"};
  }
  return kms;
}

Outcome<std::unique_ptr<Provider>> Clouds::make(const std::string& id, const std::string& options,
                                                const KmsOptions& kms) {
  const auto factory = id.starts_with("aws")     ? make_aws_provider
                       : id.starts_with("azure") ? make_azure_provider
                                                 : make_gcp_provider;
  std::unique_ptr<Provider> out;
  const Bytes text(reinterpret_cast<const std::uint8_t*>(options.data()), options.size());
  FLE_CHECK(with_options(text, [&](const rapidjson::Value& parsed) -> Done {
    FLE_TRY(out, factory(id, parsed, kms, hooks));
    return ok;
  }));
  return out;
}

std::unique_ptr<Provider> Clouds::aws() {
  return std::move(*make("aws",
                         R"({"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                             kSecretKey + R"(", "sessionToken": ")" + kSessionToken + "\"}",
                         kms_options()));
}

std::unique_ptr<Provider> Clouds::azure() {
  return std::move(*make("azure",
                         R"({"tenantId": "tenant-1", "clientId": "client&1", "clientSecret": ")" +
                             kClientSecret + "\"}",
                         kms_options()));
}

std::unique_ptr<Provider> Clouds::gcp() {
  server.configure(R"({"gcp": {"email": "fle@medco.example", "modulus": ")" + rsa().modulus_hex +
                   R"(", "scope": "https://www.googleapis.com/auth/cloudkms", "key":
                       "projects/medco-1/locations/global/keyRings/ring/cryptoKeys/key"}})");
  return std::move(*make(
      "gcp", R"({"email": "fle@medco.example", "privateKey": ")" + rsa().pkcs8_base64() + "\"}",
      kms_options()));
}

MasterKey Clouds::aws_key(const std::string& endpoint) {
  return MasterKey::aws("us-east-1", kArn, endpoint);
}

MasterKey Clouds::azure_key(const std::string& version) {
  return MasterKey::azure("medco.vault.azure.net", "medco-key", version);
}

MasterKey Clouds::gcp_key() {
  return MasterKey::gcp(
      {.project_id = "medco-1", .location = "global", .key_ring = "ring", .key_name = "key"});
}

const RsaKey& Clouds::rsa() {
  if (!rsa_) rsa_ = std::make_unique<RsaKey>(make_rsa_key());
  return *rsa_;
}

SecretBytes Clouds::data_key() {
  std::vector<std::uint8_t> b(96);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::uint8_t>(i * 89 + 31);
  return *SecretBytes::copy_of(b);
}

void Clouds::expect_round_trip(Provider& provider, const MasterKey& master_key) {
  const auto wrapped = provider.wrap(data_key(), master_key);
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  const auto opened = provider.unwrap(*wrapped, master_key);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), data_key().expose()));
}

MachineInCloud::MachineInCloud() {
  hooks.connect_plain_to = "::127.0.0.1:" + near.port_text();
  hooks.environment = [this](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

std::string MachineInCloud::write(const std::string& name, const std::string& text) {
  const std::string path = certificates.dir().file(name);
  std::ofstream(path, std::ios::trunc) << text;
  return path;
}

std::unique_ptr<Provider> MachineInCloud::on_machine(const std::string& id) {
  KmsOptions kms = kms_options();
  kms.credentials = automatic_credentials_with(LockPolicy::required, hooks);
  return std::move(*make(id, "{}", kms));
}

}  // namespace fle::kms::test
