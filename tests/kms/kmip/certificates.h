#ifndef FLE_TESTS_KMS_KMIP_CERTIFICATES_H_
#define FLE_TESTS_KMS_KMIP_CERTIFICATES_H_

#include <string>

#include "fle/kms/kms_options.h"

namespace fle::kms::test {

/// Makes a certificate authority in `folder`: `name`.pem and `name`.key.
void make_authority(const std::string& folder, const std::string& name = "ca");

/// Makes `name`.pem and `name`.key in `folder`, issued by `authority`.
/// @param subject_alt_name  as OpenSSL writes it, e.g. "DNS:localhost,IP:127.0.0.1"
/// @param usage             extendedKeyUsage: serverAuth or clientAuth
void make_certificate(const std::string& folder, const std::string& name,
                      const std::string& subject_alt_name, const std::string& usage,
                      const std::string& authority = "ca");

/// An authority "ca", a "server" for localhost and 127.0.0.1, and a "client".
void make_usual_certificates(const std::string& folder);

/// What the client uses of them.
[[nodiscard]] TlsOptions client_tls(const std::string& folder);

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_KMIP_CERTIFICATES_H_
