#ifndef FLE_KMS_HTTP_DRIVER_H_
#define FLE_KMS_HTTP_DRIVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "fle/kms/kms_options.h"
#include "http_call.h"

namespace fle::kms {

/// What tests put in place of the outside world.
struct HttpHooks {
  std::function<void(std::chrono::milliseconds)> sleep;              ///< Null: sleeps.
  std::function<std::chrono::system_clock::time_point()> now;        ///< Null: the system's clock.
  std::function<std::chrono::steady_clock::time_point()> monotonic;  ///< Likewise.
  std::function<std::uint32_t()> random;  ///< Of waits in an Exchange. Null: random_bytes().
  std::string connect_to;                 ///< See HttpSettings.
  std::string connect_plain_to;           ///< The same for plain HTTP.
  std::function<const char*(const char*)> environment;  ///< Null: std::getenv().
};

/// How the servers of one KMS provider are reached.
struct HttpSettings {
  TlsOptions tls;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};  ///< Of each attempt.
  std::uint32_t max_retries = 3;
  std::function<void(std::chrono::milliseconds)> sleep;
  /// For tests: "HOST:PORT:OTHER_HOST:OTHER_PORT" connects there instead, under the same name.
  std::string connect_to;
  std::string connect_plain_to;  ///< The same for what goes without TLS.

  /// For services without TLS, which are near: on this machine, or its own link.
  [[nodiscard]] static HttpSettings of_near(const HttpHooks& hooks);
  /// Those of provider `id`.
  [[nodiscard]] static HttpSettings of(std::string_view id, const KmsOptions& kms,
                                       const HttpHooks& hooks);
};

/// Sends requests and waits for the answers: what the synchronous functions of a provider need and
/// its exchanges do not. Thread-safe.
class HttpDriver {
 public:
  virtual ~HttpDriver() = default;
  /// Sends the request of `call`, which must be safe to repeat, and waits for the answer, between
  /// attempts as HttpRetry has it. The KmsCall of this thread limits all of it, and once a server
  /// has not answered, it is not asked again for that call.
  /// @return the last answer, of whatever status, or why there is none, attempts included
  [[nodiscard]] virtual HttpResult<HttpResponse> exchange(const HttpCall& call) = 0;
};

/// One over libcurl; null in a library that was built without it (no_http_client.cc).
[[nodiscard]] std::unique_ptr<HttpDriver> make_http_driver(HttpSettings settings);

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_DRIVER_H_
