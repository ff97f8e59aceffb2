#ifndef FLE_KMS_AWS_CREDENTIALS_H_
#define FLE_KMS_AWS_CREDENTIALS_H_

#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/secret.h"
#include "http/http_text.h"
#include "provider/credentials.h"
#include "sigv4.h"

namespace fle::kms {

/// What requests to AWS are signed with: {"accessKeyId", "secretAccessKey", "sessionToken"?}.
struct AwsCredentials {
  SecretBytes access_key_id;
  SecretBytes secret_access_key;
  SecretBytes session_token;  ///< Empty: none.

  [[nodiscard]] static Outcome<AwsCredentials> parse(std::string_view id,
                                                     const rapidjson::Value& options,
                                                     LockPolicy policy);
  /// The same from JSON text.
  [[nodiscard]] static Outcome<AwsCredentials> parse_text(std::string_view id,
                                                          std::string_view text, LockPolicy policy);
  /// JSON text that parse_text() takes. Texts that are not fit for a header do not get past that.
  [[nodiscard]] static WipedText text(std::string_view access_key_id,
                                      std::string_view secret_access_key,
                                      std::string_view session_token);

  [[nodiscard]] SigningKey signing_key(std::string_view region, std::string_view service) const {
    return {text_of(access_key_id), text_of(secret_access_key), text_of(session_token), region,
            service};
  }
};

}  // namespace fle::kms

#endif  // FLE_KMS_AWS_CREDENTIALS_H_
