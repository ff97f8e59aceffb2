#ifndef FLE_KMS_KEY_LOG_H_
#define FLE_KMS_KEY_LOG_H_

#include <cstdlib>

namespace fle::kms {

/// libcurl, and an OpenSSL from 3.5 on that was built so, write the keys of every session to the
/// file that this variable names. Whoever would connect refuses.
[[nodiscard]] inline bool would_log_keys() noexcept {
  const char* file = std::getenv("SSLKEYLOGFILE");  // NOLINT(concurrency-mt-unsafe)
  return file != nullptr && *file != '\0';
}

inline constexpr const char* kWouldLogKeys =
    "SSLKEYLOGFILE is set: the keys of the connection would be written to a file";

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_LOG_H_
