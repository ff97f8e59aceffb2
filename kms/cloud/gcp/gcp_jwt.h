#ifndef FLE_KMS_GCP_JWT_H_
#define FLE_KMS_GCP_JWT_H_

#include <chrono>
#include <string_view>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "http/http_text.h"

namespace fle::kms {

/// What a Google service account asserts about itself (Google, "Using OAuth 2.0 for server to
/// server applications").
struct JwtClaims {
  std::string_view issuer;    ///< The account's email.
  std::string_view audience;  ///< URL of the token service.
  std::string_view scope;
};

/// A JWT for these claims, valid for 300 seconds from `now`, signed with RS256 (RFC 7515, RFC 7518
/// section 3.3).
/// @param private_key  PKCS#8 DER of an RSA key
/// @retval Errc::crypto_failed
[[nodiscard]] Outcome<WipedText> make_jwt(const JwtClaims& claims, Bytes private_key,
                                          std::chrono::system_clock::time_point now);

/// True if `der` is PKCS#8 of an RSA key of 2,048 bits or more (RFC 7518 section 3.3).
[[nodiscard]] bool is_jwt_key(Bytes der) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_GCP_JWT_H_
