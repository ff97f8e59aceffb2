#ifndef FLE_KMS_HTTP_RETRY_H_
#define FLE_KMS_HTTP_RETRY_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "fle/random.h"
#include "http_message.h"

namespace fle::kms {

/// When one request is sent again, and after which wait: a random part of 200 ms * 2^n, at most of
/// 20 s (libmongocrypt: mongocrypt-kms-ctx.c, "backoff"). Knows no clock and does not wait itself.
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
  [[nodiscard]] std::chrono::milliseconds wait() const {
    constexpr std::chrono::milliseconds kBase{200};
    constexpr std::chrono::milliseconds kCap{20'000};
    const auto cap = std::min(kCap, kBase * (1U << std::min(n_, 10U)));
    if (random_ != nullptr && *random_)
      return std::chrono::milliseconds(1 + (*random_)() % cap.count());
    std::uint32_t random = 0;
    // Without randomness the longest wait will do: this is about load, not about secrets.
    const bool got =
        random_bytes({reinterpret_cast<std::uint8_t*>(&random), sizeof random}).has_value();
    return got ? std::chrono::milliseconds(1 + random % cap.count()) : cap;
  }
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
