// What is left of credentials, tokens and data keys in memory: nothing. The server makes the
// secrets; this process gets them in a file of options only, and afterwards once more, masked, to
// know what to search for.
#include "cloud_support.h"
#include "fle/kms/key_document.h"
#include "fle/random.h"
#include "kms/secret_file.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::kms::test {
namespace {

using fle::test::MemorySearch;
using Memory = Clouds;

constexpr const char* kMemoryRole = "arn:aws:iam::111122223333:role/memory";
constexpr const char* kMemoryAudience =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";

SecretBytes fresh_data_key() {
  SecretBytes out = *SecretBytes::create(96);
  EXPECT_TRUE(random_bytes(out.expose_mut()));
  return out;
}

void use(Provider& provider, const MasterKey& mk) {
  const SecretBytes key = fresh_data_key();
  const auto wrapped = provider.wrap(key, mk);
  ASSERT_TRUE(wrapped) << wrapped.error().to_string();
  const auto opened = provider.unwrap(*wrapped, mk);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), key.expose()));
}
void use(const Providers& providers, const std::string& id, const MasterKey& mk) {
  use(**providers.find(id), mk);
}

TEST_F(Memory, HoldsNothingOfCredentialsTokensAndDataKeysOnceProvidersAreGone) {
  if (fle::test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  const std::string port = server.port_text();
  const std::string host = "kms.localhost:" + port;
  const std::string key = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
  server.configure(R"({"port": )" + port + R"(, "gcp": {"key": ")" + key +
                   R"(", "scope": "https://www.localhost/auth/cloudkms"},
                      "azure": {"clientId": "c", "scope": "https://localhost/.default",
                                "keyName": "k", "currentVersion": "0"}})");
  const std::string file = certificates.dir().file("kms.json");
  server.make_accounts(file);
  KmsOptions kms = kms_options();
  kms.tls["azure:token"] = kms.tls["azure"];
  kms.allowed_endpoints["azure:token"] = {".localhost"};

  const std::string masked = certificates.dir().file("masked");
  std::size_t live = 0;
  {
    WipedBuffer text = read_secret(file);
    const auto providers = Providers::from_json(
        {reinterpret_cast<const char*>(text.bytes().data()), text.bytes().size()}, kms);
    text = WipedBuffer();
    ASSERT_TRUE(providers) << providers.error().to_string();
    use(*providers, "aws", aws_key(host));
    use(*providers, "azure", MasterKey::azure("vault.localhost:" + port, "k"));
    use(*providers, "azure:token",
        MasterKey::azure("vault.localhost:" + port, "k", "", "azure:token"));
    use(*providers, "gcp", MasterKey::gcp({"p", "l", "r", "k", "", host}));
    // Errors, too.
    server.misbehave(R"([{"echo": "body"}, {"echo": "authorization"}])");
    const auto refused = (*providers->find("aws"))->wrap(fresh_data_key(), aws_key(host));
    EXPECT_FALSE(refused);
    server.write_secrets(masked, MemorySearch::kMask);
    for (const std::size_t n : MemorySearch(masked).count()) live += n;
  }
  // The search does find what is there.
  EXPECT_GT(live, 500U);
  MemorySearch search(masked);
  EXPECT_GE(search.n_secrets(), 20U);
  const auto found = search.count();
  EXPECT_GT(search.n_bytes(), 1'000'000U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], 0U) << "secret " << i;
}

/// A machine whose credentials are in files that only the services and libfle have read.
class MemoryOfRoles : public MachineInCloud {
 protected:
  MemoryOfRoles() {
    const std::string role =
        std::string("{\"") + kMemoryRole + R"(": {"RoleSessionName": "clinic", )";
    server.configure(R"({"roles": )" + role + R"("Action": "AssumeRoleWithWebIdentity",
                         "host": "sts.us-east-1.amazonaws.com"}}})");
    federate("jwt", "cloud-platform");
    server.make_roles(certificates.dir().file(""));
    near.configure_from(file("near.json"));
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return certificates.dir().file(name);
  }
  void federate(const std::string& kind, const std::string& scope) {
    server.configure(R"({"gcp": {"scope": "https://www.googleapis.com/auth/cloudkms", "key":
                         "projects/medco-1/locations/global/keyRings/ring/cryptoKeys/key"},
                         "federation": {"account": "fle@medco.example", "audience": ")" +
                     std::string(kMemoryAudience) + R"(", "subject_token_type": "urn:)" + kind +
                     R"(", "scope": "https://www.googleapis.com/auth/)" + scope + "\"}}");
  }
  void federated_account(const std::string& kind, const std::string& source,
                         const std::string& more = {}) {
    variables = {{"AWS_REGION", "us-east-1"}};
    variables["GOOGLE_APPLICATION_CREDENTIALS"] = write(
        "account.json", R"({"type": "external_account", "audience": ")" +
                            std::string(kMemoryAudience) + R"(", "subject_token_type": "urn:)" +
                            kind + R"(", "token_url": "https://sts.googleapis.com/v1/token",
                                     "credential_source": )" +
                            source + more + "}");
  }
  void use_aws() {
    variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", file("web")},
                 {"AWS_ROLE_ARN", kMemoryRole},
                 {"AWS_ROLE_SESSION_NAME", "clinic"},
                 {"AWS_REGION", "us-east-1"}};
    use(*on_machine(), aws_key());
    variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                 {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("agent")}};
    use(*on_machine(), aws_key());
    variables = {{"AWS_SHARED_CREDENTIALS_FILE", file("credentials")},
                 {"AWS_CONFIG_FILE", file("none")},
                 {"AWS_PROFILE", "base"}};
    use(*on_machine(), aws_key());
    variables.clear();
    use(*on_machine(), aws_key());
  }
  /// After it STS knows the other action alone.
  void use_an_assumed_role() {
    server.configure(std::string(R"({"roles": {")") + kMemoryRole + R"(": {"Action": "AssumeRole",
                     "host": "sts.amazonaws.com", "region": "us-east-1",
                     "RoleSessionName": "libfle"}}})");
    variables = {
        {"AWS_SHARED_CREDENTIALS_FILE", file("credentials")},
        {"AWS_CONFIG_FILE",
         write("config", std::string("[default]\nsource_profile=base\nrole_arn=") + kMemoryRole)}};
    use(*on_machine(), aws_key());
  }
  void use_azure() {
    variables = {{"AZURE_FEDERATED_TOKEN_FILE", file("web")},
                 {"AZURE_CLIENT_ID", "client&1"},
                 {"AZURE_TENANT_ID", "tenant-1"}};
    use(*on_machine("azure"), azure_key());
  }
  void use_gcp() {
    const std::string account =
        R"(, "service_account_impersonation": {"token_lifetime_seconds": 600},
            "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/fle@medco.example:generateAccessToken")";
    federated_account("jwt", "{\"file\": \"" + file("web") + "\"}", account);
    use(*on_machine("gcp"), gcp_key());
    federated_account(
        "jwt",
        R"({"url": "http://169.254.169.254/metadata/subject", "headers": {"Metadata": "True"},
            "format": {"type": "json", "subject_token_field_name": "subject"}})",
        account);
    use(*on_machine("gcp"), gcp_key());
    federate("aws4_request", "cloudkms");
    federated_account("aws4_request",
                      R"({"environment_id": "aws1", "url": "http://169.254.169.254/latest"})");
    use(*on_machine("gcp"), gcp_key());
  }
  /// What is refused, with the credentials in what was sent or in the answer.
  void be_refused() {
    variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
                 {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("agent")}};
    near.misbehave(R"([{"echo": "authorization"}])");
    EXPECT_FALSE(on_machine()->wrap(fresh_data_key(), aws_key()));
    variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", file("web")}, {"AWS_ROLE_ARN", kMemoryRole}};
    server.misbehave(R"([{"echo": "body"}])");
    EXPECT_FALSE(on_machine()->wrap(fresh_data_key(), aws_key()));
    server.misbehave(R"([{"cut": "middle"}, {"cut": "middle"}, {"cut": "middle"}])");
    EXPECT_FALSE(on_machine()->wrap(fresh_data_key(), aws_key()));
  }
};

TEST_F(MemoryOfRoles, HoldsNothingOfTokensAndSessionsOnceProvidersAreGone) {
  if (fle::test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  const auto secrets = [&](CloudServer& of, const std::string& name) {
    of.write_secrets(file(name), MemorySearch::kMask);
    return file(name);
  };
  std::size_t live = 0;
  {
    variables = {{"AWS_WEB_IDENTITY_TOKEN_FILE", file("web")},
                 {"AWS_ROLE_ARN", kMemoryRole},
                 {"AWS_ROLE_SESSION_NAME", "clinic"},
                 {"AWS_REGION", "us-east-1"}};
    const auto held = on_machine();
    use(*held, aws_key());
    for (const std::size_t n : MemorySearch(secrets(server, "held")).count()) live += n;
  }
  EXPECT_GT(live, 20U) << "the search does find what is there";
  use_aws();
  use_azure();
  use_gcp();
  use_an_assumed_role();
  be_refused();
  for (CloudServer* const of : {&server, &near}) {
    MemorySearch search(secrets(*of, "masked"));
    EXPECT_GE(search.n_secrets(), 5U);
    const auto found = search.count();
    EXPECT_GT(search.n_bytes(), 1'000'000U);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found[i], 0U) << (of == &near ? "near, secret " : "secret ") << i << " of "
                              << found.size();
  }
}

}  // namespace
}  // namespace fle::kms::test
