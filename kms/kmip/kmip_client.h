#ifndef FLE_KMS_KMIP_CLIENT_H_
#define FLE_KMS_KMIP_CLIENT_H_

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"
#include "kmip_message.h"
#include "net/tls_stream.h"

namespace fle::kms::kmip {

/// Where a KMIP server listens.
struct Endpoint {
  TlsPeer peer;
  /// As drivers store it: host, and port if one was given; scheme, path and query are dropped.
  std::string text;
};

/// Reads [scheme://] host [:port] [/path] [?query]; the default port is 5696. An IPv6 address
/// stands in brackets. Unlike with other providers, the host needs no dot (libmongocrypt:
/// mongocrypt-endpoint.c).
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<Endpoint> parse_endpoint(std::string_view text);

/// Sends requests to KMIP servers and reads the answers.
///
/// One connection is kept open between requests, for ten seconds at most; threads that ask at the
/// same time have one each. A request is sent once. The only exception: Get, Get Attributes and
/// Decrypt, which change nothing, are sent anew over a fresh connection when the kept one breaks
/// before the first byte of the answer, because the server may have closed it meanwhile.
///
/// Thread-safe.
class Client {
 public:
  Client(TlsOptions tls, const KmsOptions& options);

  /// The whole answer to `request`, in locked memory. The KmsCall of this thread limits it, too.
  /// @retval Errc::kms_unreachable     no connection, or no answer in time
  /// @retval Errc::kms_bad_answer      not framed as KMIP, or longer than kMaxAnswerLen
  /// @retval Errc::kms_config_invalid  no client certificate, or its files are not usable
  [[nodiscard]] Outcome<SecretBytes> exchange(const Endpoint& to, const Request& request);

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
