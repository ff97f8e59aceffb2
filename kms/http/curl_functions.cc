#include "curl_functions.h"

#include "fle/try.h"

namespace fle::kms {
namespace {

constinit LateFunctions<CurlFunctions> curl_library(FLE_CURL_SONAME);

}  // namespace

Result<const CurlFunctions*, std::string> load_curl() {
  FLE_TRY(const CurlFunctions* const functions, curl_library.load());
  // Never undone: another user of libcurl in this process may still need it.
  static const bool kReady = functions->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!kReady) return std::string("libcurl cannot start");
  return functions;
}

const CurlFunctions& curl() noexcept { return *curl_library; }

}  // namespace fle::kms
