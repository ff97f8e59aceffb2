#ifndef FLE_KMS_KMS_OPTIONS_H_
#define FLE_KMS_KMS_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/secret.h"

namespace fle::kms {

/// TLS towards one KMS. Verification of certificate and host name is always on: there is no option
/// that weakens it (CSFLE specification, "KMS provider TLS options").
struct TlsOptions {
  std::string ca_file;           ///< PEM; empty: the system's certificate authorities.
  std::string certificate_file;  ///< PEM client certificate with its chain; empty: none.
  std::string private_key_file;  ///< PEM; empty: it stands in certificate_file.
};

/// What reaching KMS servers needs beside the kmsProviders map itself. By provider id where a
/// provider may differ from the others.
struct KmsOptions {
  std::map<std::string, TlsOptions, std::less<>> tls;  ///< By provider id, name included.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};  ///< Of one request, connecting included.
  std::uint32_t max_retries = 3;  ///< After network errors, 429 and 5xx; never for KMIP.
  LockPolicy lock_policy = LockPolicy::required;
  /// Asked whenever a provider whose options are {} needs credentials: returns its options document
  /// as JSON text, e.g. {"accessKeyId": ..., "secretAccessKey": ..., "sessionToken": ...} or
  /// {"accessToken": ...}. Called from any thread that resolves keys. Null: {} is refused.
  std::function<Outcome<WipedBuffer>(std::string_view provider_id)> credentials;
};

}  // namespace fle::kms

#endif  // FLE_KMS_KMS_OPTIONS_H_
