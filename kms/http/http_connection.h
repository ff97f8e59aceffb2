#ifndef FLE_KMS_HTTP_CONNECTION_H_
#define FLE_KMS_HTTP_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

#include <sys/types.h>

#include "fle/bytes.h"
#include "http_driver.h"
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
  [[nodiscard]] static HttpResult<std::unique_ptr<HttpConnection>> open(
      const HttpEndpoint& to, const HttpSettings& settings, Deadline deadline);
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
