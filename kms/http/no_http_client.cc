// In place of http_client.cc where there is no libcurl.
#include "http_driver.h"

namespace fle::kms {

std::unique_ptr<HttpDriver> make_http_driver(HttpSettings) { return nullptr; }

}  // namespace fle::kms
