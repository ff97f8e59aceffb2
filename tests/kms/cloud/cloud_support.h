#ifndef FLE_TESTS_KMS_CLOUD_CLOUD_SUPPORT_H_
#define FLE_TESTS_KMS_CLOUD_CLOUD_SUPPORT_H_

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fle/kms/provider.h"
#include "http/http_client.h"
#include "kms/cloud/server/cloud_server.h"

namespace fle::kms::test {

// Secrets that every error text is searched for.
inline const std::string kAccessKeyId = "AKIAQ7CANARYEXAMPLE0";
inline const std::string kSecretKey = "wJalr/canary7MDENG+bPxRfiCYEXAMPLEKEY42x";
inline const std::string kSessionToken = "FwoGZXIvYXdzEJr//canary//session//token//0123456789==";
inline const std::string kClientSecret = "Zb8Q~canary/secret+with&odd=chars%20here";
inline const std::string kAccessToken = "eyJ0eXAi.canary-access-token.x1y2z3w4v5u6t7s8";
inline const std::string kArn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab";

/// An RSA key as a GCP service account has it.
struct RsaKey {
  std::vector<std::uint8_t> pkcs8;
  std::string modulus_hex;
  [[nodiscard]] std::string pkcs8_base64() const;
};
[[nodiscard]] RsaKey make_rsa_key(int bits = 2048);

/// A cloud on a loopback port. Providers reach it under the clouds' own host names; names below
/// .localhost are allowed endpoints. Every Failure that a test obtains through failure_of() is
/// searched for secrets at the end.
class Clouds : public ::testing::Test {
 protected:
  Clouds();
  void TearDown() override;

  [[nodiscard]] KmsOptions kms_options() const;
  [[nodiscard]] Outcome<std::unique_ptr<Provider>> make(const std::string& id,
                                                        const std::string& options,
                                                        const KmsOptions& kms);
  [[nodiscard]] std::unique_ptr<Provider> aws();
  [[nodiscard]] std::unique_ptr<Provider> azure();
  [[nodiscard]] std::unique_ptr<Provider> gcp();
  [[nodiscard]] static MasterKey aws_key(const std::string& endpoint = {});
  [[nodiscard]] static MasterKey azure_key(const std::string& version = {});
  [[nodiscard]] static MasterKey gcp_key();
  [[nodiscard]] const RsaKey& rsa();

  [[nodiscard]] static SecretBytes data_key();
  void expect_round_trip(Provider& provider, const MasterKey& master_key);

  /// The failure in `result`, of code `expected`, with `text` in its message; remembered.
  template <class T>
  Failure failure_of(const Outcome<T>& result, Errc expected, const std::string& text = {}) {
    if (result) {
      ADD_FAILURE() << "succeeded";
      return {};
    }
    const Failure& f = result.error();
    const std::string said = f.to_string();
    EXPECT_EQ(f.code, expected) << said;
    EXPECT_NE(said.find(text), std::string::npos) << said << "\nexpected: " << text;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    said_.push_back(said);
    return f;
  }

  Certificates certificates;
  CloudServer server;
  HttpHooks hooks;
  std::mutex mutex;
  std::vector<std::chrono::milliseconds> sleeps;  // guarded by mutex
  std::vector<std::string> more_secrets;

 private:
  std::vector<std::string> said_;
  std::unique_ptr<RsaKey> rsa_;
};

/// A machine with an environment of its own, and its services near by.
class MachineInCloud : public Clouds {
 protected:
  MachineInCloud();

  /// A file of the machine's; returns its path.
  std::string write(const std::string& name, const std::string& text);
  /// A provider with the credentials that the machine has.
  [[nodiscard]] std::unique_ptr<Provider> on_machine(const std::string& id = "aws");

  CloudServer near{""};
  std::map<std::string, std::string> variables;
};

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_CLOUD_CLOUD_SUPPORT_H_
