#ifndef FLE_KMS_HTTP_RETRY_H_
#define FLE_KMS_HTTP_RETRY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "http_message.h"
#include "provider/backoff.h"

namespace fle::kms {

/// When one request is sent again, and after which wait. Knows no clock and does not wait itself.
class HttpRetry {
 public:
  /// @param is_transient  whether an answer of this status is worth another attempt
  /// @param random        null: random_bytes()
  HttpRetry(std::uint32_t max_retries, bool (*is_transient)(int status),
            const std::function<std::uint32_t()>* random = nullptr) noexcept
      : max_retries_(max_retries), is_transient_(is_transient), random_(random) {}

  /// Whether another attempt may end otherwise than this one.
  [[nodiscard]] bool may_help(const HttpResult<HttpResponse>& result) const {
    return result ? is_transient_(result->status)
                  : result.error().kind == HttpFault::Kind::transient;
  }
  [[nodiscard]] bool is_used_up() const noexcept { return n_ >= max_retries_; }
  /// A wait before the next attempt.
  [[nodiscard]] std::chrono::milliseconds wait() const { return backoff(n_, random_); }
  void count() noexcept { ++n_; }
  /// Of an attempt that is not repeated, though it might help: a fault tells how many there were.
  [[nodiscard]] HttpResult<HttpResponse> given_up(HttpResult<HttpResponse> result) const {
    if (!result && n_ > 0) result.error().why += ", " + std::to_string(n_ + 1) + " attempts";
    return result;
  }

 private:
  std::uint32_t max_retries_;
  bool (*is_transient_)(int status);
  const std::function<std::uint32_t()>* random_;
  std::uint32_t n_ = 0;  // attempts before this one
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_RETRY_H_
