#ifndef FLE_KMS_HTTP_CURL_FUNCTIONS_H_
#define FLE_KMS_HTTP_CURL_FUNCTIONS_H_

#include <string>

#include <curl/curl.h>

#include "fle/result.h"
#include "late/late_library.h"

namespace fle::kms {

/// What HttpConnection takes of libcurl. Two of them are macros too, which check the types of
/// arguments: called through these members they are the functions.
struct CurlFunctions {
  explicit CurlFunctions(LateLibrary& curl);

  decltype(::curl_global_init)* global_init;
  decltype(::curl_version_info)* version_info;
  decltype(::curl_easy_init)* easy_init;
  decltype(::curl_easy_cleanup)* easy_cleanup;
  decltype(::curl_easy_setopt)* easy_setopt;
  decltype(::curl_easy_getinfo)* easy_getinfo;
  decltype(::curl_easy_perform)* easy_perform;
  decltype(::curl_easy_send)* easy_send;
  decltype(::curl_easy_recv)* easy_recv;
  decltype(::curl_easy_strerror)* easy_strerror;
  decltype(::curl_slist_append)* slist_append;
  decltype(::curl_slist_free_all)* slist_free_all;
};

/// Loads libcurl by the first call, and initializes it. Thread-safe.
/// @return or why there is none, in one line
[[nodiscard]] Result<const CurlFunctions*, std::string> load_curl();

/// Precondition: load_curl() succeeded once. Thread-safe.
[[nodiscard]] const CurlFunctions& curl() noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_CURL_FUNCTIONS_H_
