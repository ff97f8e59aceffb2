#ifndef FLE_KMS_HTTP_CLIENT_H_
#define FLE_KMS_HTTP_CLIENT_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_connection.h"
#include "http_driver.h"
#include "http_message.h"

namespace fle::kms {

/// Exchanges HTTPS messages with the servers of one KMS provider over libcurl: keeps connections
/// alive between requests, and tries again when that can help. No redirect is followed.
///
/// Thread-safe; requests of several threads run side by side.
class HttpClient final : public HttpDriver {
 public:
  explicit HttpClient(HttpSettings settings) : settings_(std::move(settings)) {}
  [[nodiscard]] HttpResult<HttpResponse> exchange(const HttpCall& call) override;

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

  const HttpSettings settings_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // guarded by mutex_; the newest last
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CLIENT_H_
