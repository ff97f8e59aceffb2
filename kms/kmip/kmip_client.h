#ifndef FLE_KMS_KMIP_CLIENT_H_
#define FLE_KMS_KMIP_CLIENT_H_

#include <mutex>
#include <optional>
#include <string>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"
#include "kmip_driver.h"
#include "net/tls_stream.h"

namespace fle::kms::kmip {

/// Sends requests to KMIP servers and reads the answers.
///
/// One connection is kept open between requests, for ten seconds at most; threads that ask at the
/// same time have one each. A request is sent once. The only exception: Get, Get Attributes and
/// Decrypt, which change nothing, are sent anew over a fresh connection when the kept one breaks
/// before the first byte of the answer, because the server may have closed it meanwhile.
///
/// Thread-safe.
class Client final : public Driver {
 public:
  Client(TlsOptions tls, const KmsOptions& options);

  [[nodiscard]] Outcome<SecretBytes> exchange(const Endpoint& to, const Request& request) override;

 private:
  struct Kept {
    TlsStream stream;
    std::string host;
    std::uint16_t port;
    Deadline until;
  };
  [[nodiscard]] Outcome<SecretBytes> exchange_by(const Endpoint& to, const Request& request,
                                                 Deadline by);
  [[nodiscard]] std::optional<TlsStream> take_kept(const TlsPeer& peer);
  void keep(TlsStream stream, const TlsPeer& peer);
  [[nodiscard]] Outcome<SecretBytes> ask(TlsStream& stream, const Request& request, Deadline by);

  const TlsOptions tls_;
  const std::chrono::milliseconds connect_timeout_;
  const std::chrono::milliseconds request_timeout_;
  const LockPolicy policy_;
  std::mutex mutex_;  // guards kept_; never held while waiting
  std::optional<Kept> kept_;
};

}  // namespace fle::kms::kmip

#endif  // FLE_KMS_KMIP_CLIENT_H_
