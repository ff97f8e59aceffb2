#ifndef FLE_KMS_HTTP_CALL_H_
#define FLE_KMS_HTTP_CALL_H_

#include <string>
#include <string_view>

#include "fle/failure.h"
#include "http_message.h"
#include "json_answer.h"

namespace fle::kms {

/// One request to a KMS or token service, and what an error about it has to tell.
struct HttpCall {
  std::string provider_id;
  std::string what;  ///< "Decrypt with key 'alias/a'". Names only.
  HttpRequest request;
  bool (*is_transient)(int status);  ///< Which statuses are worth another attempt.
  std::string_view advice;           ///< What to do after a status of 4xx; empty: by status.

  /// "KMS provider 'aws': Decrypt with key 'alias/a' at kms.us-east-1.amazonaws.com: <why>"
  [[nodiscard]] Failure failure(Errc code, std::string_view why) const;
};

struct CallFault {
  Failure failure;   ///< Errc::kms_unreachable, kms_busy, kms_refused, kms_bad_answer.
  int status = 0;    ///< Of the last answer; 0: there was none.
  std::string code;  ///< The server's own code for its refusal; may be empty.
};

/// The body of the last answer to `request`: a status of 200 is a success, all else is a fault. The
/// server's own words are part of the error, unless they repeat a secret of the request.
[[nodiscard]] Result<WipedText, CallFault> body_of(const HttpCall& request,
                                                   HttpResult<HttpResponse> response);

/// What the last answer to `request` means. A status of 200 with a JSON object is a success, all
/// else is a fault, as of body_of().
[[nodiscard]] Result<JsonAnswer, CallFault> judge(const HttpCall& request,
                                                  HttpResult<HttpResponse> response);

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CALL_H_
