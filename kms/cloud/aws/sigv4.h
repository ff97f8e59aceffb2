#ifndef FLE_KMS_SIGV4_H_
#define FLE_KMS_SIGV4_H_

#include <chrono>
#include <string_view>

#include "fle/failure.h"
#include "http/http_message.h"

namespace fle::kms {

/// What an AWS request is signed with and for.
struct SigningKey {
  std::string_view access_key_id;
  std::string_view secret_access_key;
  std::string_view session_token;  ///< Empty: none.
  std::string_view region;
  std::string_view service;
};

/// Signs a request with the headers it has, for a path that needs no encoding and a query in
/// canonical order: adds X-Amz-Date, X-Amz-Security-Token if there is a session token, and
/// Authorization (AWS General Reference, "Signature Version 4 signing process"; libmongocrypt:
/// kms_request.c). All headers but Connection are signed.
/// @retval Errc::crypto_failed
[[nodiscard]] Done sign_v4(HttpRequest& request, const SigningKey& key,
                           std::chrono::system_clock::time_point now);

}  // namespace fle::kms

#endif  // FLE_KMS_SIGV4_H_
