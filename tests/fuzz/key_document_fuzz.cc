// Data-key documents and kmsProviders maps come from files and servers: parsing them never crashes,
// and what was accepted once is accepted again after it has been written.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fle/kms/key_document.h"
#include "fle/kms/provider.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void key_document(fle::Bytes bytes) {
  const auto key = fle::kms::parse_key_document(bytes);
  if (!key) {
    require(key.error().code == fle::Errc::key_document_invalid);
    require(key.error().to_string().find('\n') == std::string::npos);
    return;
  }
  const auto written = fle::kms::to_bson(*key);
  const auto again = fle::kms::parse_key_document(written);
  require(again.has_value());
  require(fle::kms::to_bson(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  key_document({data, size});
  static_cast<void>(
      fle::kms::Providers::from_json({reinterpret_cast<const char*>(data), size}).has_value());
  return 0;
}
