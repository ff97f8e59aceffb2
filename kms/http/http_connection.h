#ifndef FLE_KMS_HTTP_CONNECTION_H_
#define FLE_KMS_HTTP_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include <sys/types.h>

#include "fle/bytes.h"
#include "fle/kms/kms_options.h"
#include "http_endpoint.h"
#include "http_message.h"

namespace fle::kms {

using Deadline = std::chrono::steady_clock::time_point;

/// A TLS connection by libcurl: connecting, certificates. Names are looked up by resolve(), but for
/// those below localhost. What is sent and received passes through without a copy that libcurl
/// would keep.
///
/// TLS 1.2 or newer; certificate and host name are always verified; no proxy, whatever the
/// environment says. One thread at a time.
class HttpConnection {
 public:
  struct Settings {
    TlsOptions tls;
    std::chrono::milliseconds connect_timeout{10'000};
    /// For tests: "HOST:PORT:OTHER_HOST:OTHER_PORT" connects there instead, under the same name.
    std::string connect_to;
    /// Without TLS: for the metadata services of cloud machines, on link-local addresses.
    bool plain = false;
  };

  [[nodiscard]] static HttpResult<std::unique_ptr<HttpConnection>> open(const HttpEndpoint& to,
                                                                        const Settings& settings,
                                                                        Deadline deadline);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  [[nodiscard]] HttpResult<std::monostate> send(Bytes data, Deadline deadline);
  /// Waits for the next bytes, and returns how many were put into `out`; 0: the peer closed.
  [[nodiscard]] HttpResult<std::size_t> receive(MutBytes out, Deadline deadline);
  /// True if the peer has neither closed the connection nor sent anything that nobody waits for.
  [[nodiscard]] bool is_quiet() noexcept;

 private:
  struct Handles;
  HttpConnection();
  std::unique_ptr<Handles> h_;
  pid_t owner_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CONNECTION_H_
