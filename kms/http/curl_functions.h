#ifndef FLE_KMS_HTTP_CURL_FUNCTIONS_H_
#define FLE_KMS_HTTP_CURL_FUNCTIONS_H_

#include <string>

#include <curl/curl.h>

#include "fle/result.h"
#include "late/late_library.h"

namespace fle::kms {

/// What HttpConnection takes of libcurl. Two of them are macros too, which check the types of
/// arguments: called through these members they are the functions.
struct CurlFunctions : LateTable {
  using LateTable::LateTable;

  FLE_LATE_FUNCTION(global_init, curl_global_init);
  FLE_LATE_FUNCTION(version_info, curl_version_info);
  FLE_LATE_FUNCTION(easy_init, curl_easy_init);
  FLE_LATE_FUNCTION(easy_cleanup, curl_easy_cleanup);
  FLE_LATE_FUNCTION(easy_setopt, curl_easy_setopt);
  FLE_LATE_FUNCTION(easy_getinfo, curl_easy_getinfo);
  FLE_LATE_FUNCTION(easy_perform, curl_easy_perform);
  FLE_LATE_FUNCTION(easy_send, curl_easy_send);
  FLE_LATE_FUNCTION(easy_recv, curl_easy_recv);
  FLE_LATE_FUNCTION(easy_strerror, curl_easy_strerror);
  FLE_LATE_FUNCTION(slist_append, curl_slist_append);
  FLE_LATE_FUNCTION(slist_free_all, curl_slist_free_all);
};

/// Loads libcurl by the first call, and initializes it. Thread-safe.
/// @return or why there is none, in one line
[[nodiscard]] Result<const CurlFunctions*, std::string> load_curl();

/// Precondition: load_curl() succeeded once. Thread-safe.
[[nodiscard]] const CurlFunctions& curl() noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CURL_FUNCTIONS_H_
