#ifndef FLE_KMS_KMIP_DRIVER_H_
#define FLE_KMS_KMIP_DRIVER_H_

#include <memory>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"
#include "kmip_endpoint.h"
#include "kmip_message.h"

namespace fle::kms::kmip {

/// Sends requests to KMIP servers and waits for the answers: what the synchronous functions of the
/// provider need and its exchanges do not. Thread-safe.
class Driver {
 public:
  virtual ~Driver() = default;
  /// The whole answer to `request`, in locked memory. The KmsCall of this thread limits it, too.
  /// @retval Errc::kms_unreachable     no connection, or no answer in time
  /// @retval Errc::kms_bad_answer      not framed as KMIP, or longer than kMaxAnswerLen
  /// @retval Errc::kms_config_invalid  no client certificate, or its files are not usable
  [[nodiscard]] virtual Outcome<SecretBytes> exchange(const Endpoint& to,
                                                      const Request& request) = 0;
};

/// One over TLS; null in a library that was built without it (no_kmip_client.cc).
/// @retval Errc::kms_config_invalid  a file that `tls` names
[[nodiscard]] Outcome<std::unique_ptr<Driver>> make_driver(const TlsOptions& tls,
                                                           const KmsOptions& options);

}  // namespace fle::kms::kmip

#endif  // FLE_KMS_KMIP_DRIVER_H_
