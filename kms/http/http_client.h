#ifndef FLE_KMS_HTTP_CLIENT_H_
#define FLE_KMS_HTTP_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_call.h"
#include "http_connection.h"
#include "http_message.h"

namespace fle::kms {

/// What tests put in place of the outside world.
struct HttpHooks {
  std::function<void(std::chrono::milliseconds)> sleep;              ///< Null: sleeps.
  std::function<std::chrono::system_clock::time_point()> now;        ///< Null: the system's clock.
  std::function<std::chrono::steady_clock::time_point()> monotonic;  ///< Likewise.
  std::function<std::uint32_t()> random;  ///< Of waits in an Exchange. Null: random_bytes().
  std::string connect_to;                 ///< See HttpConnection::Settings.
};

/// Exchanges HTTPS messages with the servers of one KMS provider: keeps connections alive between
/// requests, and tries again when that can help. No redirect is followed.
///
/// Thread-safe; requests of several threads run side by side.
class HttpClient {
 public:
  struct Settings {
    HttpConnection::Settings connection;
    std::chrono::milliseconds request_timeout{30'000};  ///< Of each attempt.
    std::uint32_t max_retries = 3;
    std::function<void(std::chrono::milliseconds)> sleep;
  };
  /// The settings for provider `id`.
  [[nodiscard]] static Settings settings_for(std::string_view id, const KmsOptions& kms,
                                             const HttpHooks& hooks);

  explicit HttpClient(Settings settings) : settings_(std::move(settings)) {}

  /// Sends `request`, which must be safe to repeat, and waits for the answer, between attempts as
  /// HttpRetry has it. The KmsCall of this thread limits all of it, and once a
  /// server has not answered, it is not asked again for that call.
  /// @param is_transient  whether an answer of this status is worth another attempt
  /// @return the last answer, of whatever status, or why there is none, attempts included
  [[nodiscard]] HttpResult<HttpResponse> exchange(const HttpRequest& request,
                                                  bool (*is_transient)(int status));
  [[nodiscard]] HttpResult<HttpResponse> exchange(const HttpCall& call) {
    return exchange(call.request, call.is_transient);
  }

 private:
  struct Idle {
    std::string authority;
    std::unique_ptr<HttpConnection> connection;
    std::chrono::steady_clock::time_point since;
  };

  HttpResult<HttpResponse> attempt(const HttpRequest& request, Bytes message);
  HttpResult<HttpResponse> attempt_on(std::unique_ptr<HttpConnection> connection,
                                      const std::string& authority, Bytes message,
                                      Deadline deadline, bool& untouched);
  std::unique_ptr<HttpConnection> take_idle(const std::string& authority);
  void keep(const std::string& authority, std::unique_ptr<HttpConnection> connection);
  void sleep(std::chrono::milliseconds wait) const;

  Settings settings_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // guarded by mutex_; the newest last
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CLIENT_H_
