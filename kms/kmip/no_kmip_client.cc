// In place of kmip_client.cc in a library that connects to nobody.
#include "kmip_driver.h"

namespace fle::kms::kmip {

Outcome<std::unique_ptr<Driver>> make_driver(const TlsOptions&, const KmsOptions&) {
  return std::unique_ptr<Driver>();
}

}  // namespace fle::kms::kmip
