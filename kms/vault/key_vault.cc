#include "fle/kms/key_vault.h"

namespace fle::kms {
namespace {

Failure not_implemented(const char* what) {
  return {Errc::vault_failed, std::string("this kind of key vault cannot ") + what};
}

}  // namespace

Done KeyVault::insert_many(std::span<const KeyDocument>) {
  return not_implemented("store several keys at once");
}

Outcome<std::vector<KeyDocument>> KeyVault::match(const KeyFilter& filter) {
  FLE_CHECK(filter.check());
  FLE_TRY(std::vector<KeyDocument> keys, list());
  std::vector<KeyDocument> out;
  for (KeyDocument& key : keys) {
    FLE_TRY(const bool matches, filter.matches(key));
    if (matches) out.push_back(std::move(key));
  }
  return out;
}

Outcome<std::optional<KeyDocument>> KeyVault::add_alt_name(const KeyId&, std::string_view) {
  return not_implemented("add alternate names");
}

Outcome<std::optional<KeyDocument>> KeyVault::remove_alt_name(const KeyId&, std::string_view) {
  return not_implemented("remove alternate names");
}

Outcome<bool> KeyVault::delete_key(const KeyId&) { return not_implemented("delete keys"); }

Outcome<std::vector<KeyId>> KeyVault::rewrap(std::span<const Rewrapping>) {
  return not_implemented("replace the wrapping of keys");
}

Outcome<bool> KeyVault::replace(const KeyDocument&, const KeyDocument&) {
  return not_implemented("replace the seals of keys");
}

}  // namespace fle::kms
