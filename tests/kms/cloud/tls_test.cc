#include <cstdlib>
#include <fstream>
#include <iterator>

#include <curl/curl.h>
#include <unistd.h>

#include "cloud_support.h"
#include "fle/kms/key_document.h"

namespace fle::kms::test {
namespace {

class Tls : public Clouds {
 protected:
  [[nodiscard]] std::unique_ptr<Provider> azure_at(const CloudServer& at, const KmsOptions& kms) {
    hooks.connect_to = "::127.0.0.1:" + at.port_text();
    return std::move(*make("azure", R"({"accessToken": ")" + kAccessToken + "\"}", kms));
  }
  void configure(CloudServer& at) {
    at.configure(R"({"azure": {"scope": "", "keyName": "medco-key", "currentVersion": "0"},
                     "access_tokens": [")" +
                 kAccessToken + "\"]}");
  }
  /// Not trusted, not asked for anything, and not tried again.
  void expect_not_trusted(CloudServer& at, const KmsOptions& kms, const std::string& why) {
    const auto provider = azure_at(at, kms);
    failure_of(provider->wrap(data_key(), azure_key()), Errc::kms_unreachable, why);
    EXPECT_EQ(at.count_requests(), 0U);
    EXPECT_TRUE(sleeps.empty());
  }
};

TEST_F(Tls, RefusesExpiredCertificates) {
  CloudServer bad(certificates.make(Certificates::Fault::expired), certificates.key());
  expect_not_trusted(bad, kms_options(), "certificate has expired");
}

TEST_F(Tls, RefusesCertificatesForOtherHosts) {
  CloudServer bad(certificates.make(Certificates::Fault::other_host), certificates.key());
  expect_not_trusted(bad, kms_options(), "no alternative certificate subject name matches");
}

TEST_F(Tls, RefusesCertificatesFromOtherAuthorities) {
  CloudServer bad(certificates.make(Certificates::Fault::other_authority), certificates.key());
  expect_not_trusted(bad, kms_options(), "SSL certificate problem");
}

TEST_F(Tls, TrustsTheSystemsAuthoritiesAloneWithoutACaFile) {
  KmsOptions kms = kms_options();
  kms.tls.clear();
  expect_not_trusted(server, kms, "SSL certificate problem");
}

TEST_F(Tls, TrustsNobodyWhenTheCaFileCannotBeRead) {
  KmsOptions kms = kms_options();
  kms.tls["azure"].ca_file = certificates.dir().file("none.pem");
  expect_not_trusted(server, kms, "check the endpoint and TlsOptions");
}

TEST_F(Tls, SpeaksNewVersionsAndHttp11Only) {
  configure(server);
  const auto provider = azure_at(server, kms_options());
  expect_round_trip(*provider, azure_key());
  const auto log = server.take_log();
  EXPECT_STREQ(log["requests"][0]["tls"].GetString(), "TLSv1.3");
}

TEST_F(Tls, ShowsAClientCertificateWhereOneIsConfigured) {
  CloudServer strict(certificates.make(), certificates.key(), certificates.authority());
  configure(strict);
  KmsOptions kms = kms_options();
  const auto without = azure_at(strict, kms);
  failure_of(without->wrap(data_key(), azure_key()), Errc::kms_unreachable);
  EXPECT_EQ(strict.count_requests(), 0U);
  kms.tls["azure"].certificate_file = certificates.make_client();
  kms.tls["azure"].private_key_file = certificates.key();
  expect_round_trip(*azure_at(strict, kms), azure_key());
  const auto log = strict.take_log();
  EXPECT_TRUE(log["requests"][0]["peer"].GetBool());
  // The options of one provider are not those of another, whatever the names have in common.
  kms.tls["azure:other"] = kms.tls["azure"];
  kms.tls["azure"].certificate_file.clear();
  kms.tls["azure"].private_key_file.clear();
  failure_of(azure_at(strict, kms)->wrap(data_key(), azure_key()), Errc::kms_unreachable);
}

TEST_F(Tls, RefusesToConnectWhereKeysOfSessionsWouldBeWrittenDown) {
  configure(server);
  const std::string file = certificates.dir().file("keylog");
  ::setenv("SSLKEYLOGFILE", file.c_str(), 1);
  const auto provider = azure_at(server, kms_options());
  failure_of(provider->wrap(data_key(), azure_key()), Errc::kms_unreachable,
             "SSLKEYLOGFILE is set");
  ::unsetenv("SSLKEYLOGFILE");
  EXPECT_NE(::access(file.c_str(), F_OK), 0) << "libcurl made the file";
  EXPECT_EQ(server.count_requests(), 0U);
  expect_round_trip(*provider, azure_key());
}

// Another user of libcurl has started it while the variable was there.
TEST_F(Tls, WritesNoKeysOfSessionsDownWhenTheVariableWasThereEarlier) {
  configure(server);
  const std::string file = certificates.dir().file("keylog");
  ::setenv("SSLKEYLOGFILE", file.c_str(), 1);
  ASSERT_EQ(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
  ::unsetenv("SSLKEYLOGFILE");
  expect_round_trip(*azure_at(server, kms_options()), azure_key());
  std::ifstream log(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "");
}

TEST_F(Tls, IgnoresProxiesOfTheEnvironment) {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"})
    ::setenv(name, "http://127.0.0.1:1", 1);
  configure(server);
  expect_round_trip(*azure_at(server, kms_options()), azure_key());
}

}  // namespace
}  // namespace fle::kms::test
