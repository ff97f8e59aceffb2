#include "curl_functions.h"

#include "fle/try.h"

namespace fle::kms {
namespace {

constinit LateFunctions<CurlFunctions> curl_library(FLE_CURL_SONAME);

}  // namespace

CurlFunctions::CurlFunctions(LateLibrary& curl)
    : global_init(FLE_LATE_FUNCTION(curl, curl_global_init)),
      version_info(FLE_LATE_FUNCTION(curl, curl_version_info)),
      easy_init(FLE_LATE_FUNCTION(curl, curl_easy_init)),
      easy_cleanup(FLE_LATE_FUNCTION(curl, curl_easy_cleanup)),
      easy_setopt(FLE_LATE_FUNCTION(curl, curl_easy_setopt)),
      easy_getinfo(FLE_LATE_FUNCTION(curl, curl_easy_getinfo)),
      easy_perform(FLE_LATE_FUNCTION(curl, curl_easy_perform)),
      easy_send(FLE_LATE_FUNCTION(curl, curl_easy_send)),
      easy_recv(FLE_LATE_FUNCTION(curl, curl_easy_recv)),
      easy_strerror(FLE_LATE_FUNCTION(curl, curl_easy_strerror)),
      slist_append(FLE_LATE_FUNCTION(curl, curl_slist_append)),
      slist_free_all(FLE_LATE_FUNCTION(curl, curl_slist_free_all)) {}

Result<const CurlFunctions*, std::string> load_curl() {
  FLE_TRY(const CurlFunctions* const functions, curl_library.load());
  // Never undone: another user of libcurl in this process may still need it.
  static const bool kReady = functions->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!kReady) return std::string("libcurl cannot start");
  return functions;
}

const CurlFunctions& curl() noexcept { return *curl_library; }

}  // namespace fle::kms
