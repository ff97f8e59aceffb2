#ifndef FLE_KMS_VAULT_COMMON_H_
#define FLE_KMS_VAULT_COMMON_H_

#include <string>
#include <string_view>
#include <vector>

#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "text.h"

namespace fle::kms {

/// The document to store for `key`, once it has passed every rule that a reader will apply.
[[nodiscard]] inline Outcome<std::vector<std::uint8_t>> checked_bson(const KeyDocument& key) {
  std::vector<std::uint8_t> bson = to_bson(key);
  FLE_TRY(const KeyDocument back, parse_key_document(bson));
  if (back.master_key.provider != key.master_key.provider)
    return Failure{Errc::key_document_invalid, "MasterKey::provider and MasterKey::bson disagree",
                   "masterKey.provider"};
  return bson;
}

[[nodiscard]] inline Failure duplicate_id(const KeyId& id) {
  return {Errc::key_duplicate, "a key with id " + to_uuid_string(id) + " exists already"};
}

[[nodiscard]] inline Failure duplicate_name(std::string_view name) {
  return {Errc::key_duplicate, "a key with the alternate name " + quoted(name) + " exists already"};
}

}  // namespace fle::kms

#endif  // FLE_KMS_VAULT_COMMON_H_
