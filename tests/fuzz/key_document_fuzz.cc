// Data-key documents and kmsProviders maps come from files and servers: parsing them never crashes,
// and what was accepted once is accepted again after it has been written.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "fle/kms/key_document.h"
#include "fle/kms/provider.h"
#include "fle/kms/seal.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// With a sealing key for every provider.
const fle::kms::Providers& sealing() {
  static const fle::kms::Providers made = [] {
    fle::kms::Providers p;
    auto key = fle::SecretBytes::create(32, fle::LockPolicy::best_effort);
    require(key.has_value());
    require(p.set_seals({.key = std::make_shared<const fle::SecretBytes>(*std::move(key))},
                        fle::LockPolicy::best_effort)
                .has_value());
    return p;
  }();
  return made;
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
  require(again->seal == key->seal);
  // Whatever its shape, a seal can be checked; nobody guesses one that fits.
  const auto state = fle::kms::seal_state(sealing(), *key);
  require(state.has_value());
  require(*state != fle::kms::SealState::sealed);
  require((*state == fle::kms::SealState::unsealed) == key->seal.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  key_document({data, size});
  static_cast<void>(
      fle::kms::Providers::from_json({reinterpret_cast<const char*>(data), size}).has_value());
  return 0;
}
