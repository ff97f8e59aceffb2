#ifndef FLE_TOOLS_OPTIONS_KMS_OPTIONS_FILE_H_
#define FLE_TOOLS_OPTIONS_KMS_OPTIONS_FILE_H_

#include <memory>
#include <string>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"

namespace fle::tools {

/// Reads what --kms-options names: JSON of
///   {"tlsOptions": {ID: {"tlsCAFile", "tlsCertificateKeyFile", "tlsPrivateKeyFile"}},
///    "allowedEndpoints": {ID: [HOST, ...]},
///    "masterKeys": {ID: [{FIELD: TEXT, ...}, ...]},
///    "connectTimeoutMS", "requestTimeoutMS", "callTimeoutMS", "maxRetries",
///    "sealKeyFile", "requireSeals"}
/// with ID a KMS provider id; everything may be left out. Options of drivers that weaken TLS are
/// refused.
/// @retval Errc::kms_config_invalid  names the place and the rule
/// @retval Errc::io_failed
[[nodiscard]] Done read_kms_options(kms::KmsOptions& out, const std::string& path);

/// The sealing key in a file: raw bytes.
/// @retval Errc::kms_config_invalid  fewer than 32
/// @retval as read_secret_file
[[nodiscard]] Outcome<std::shared_ptr<const SecretBytes>> read_seal_key(const std::string& path,
                                                                        LockPolicy policy);

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_KMS_OPTIONS_FILE_H_
