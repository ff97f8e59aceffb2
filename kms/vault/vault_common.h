#ifndef FLE_KMS_VAULT_COMMON_H_
#define FLE_KMS_VAULT_COMMON_H_

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "fle/failure.h"
#include "fle/kms/key_vault.h"
#include "fle/seeded_hash.h"
#include "text/text.h"

namespace fle::kms {

/// Ids that a vault has already answered with; whoever writes to it may choose them.
using SeenIds = std::unordered_set<KeyId, SeededHash>;

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
  return {Errc::key_duplicate, "a key with id " + id.to_string() + " exists already"};
}

[[nodiscard]] inline Failure duplicate_name(std::string_view name) {
  return {Errc::key_duplicate, "a key with the alternate name " + quoted(name) + " exists already"};
}

[[nodiscard]] inline Failure at_key(Failure f, std::size_t index) {
  f.document = index + 1;
  return f;
}

[[nodiscard]] inline KeyDocument::Time now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// What the operations of a vault make of a document.

[[nodiscard]] inline bool has_name(const KeyDocument& key, std::string_view name) {
  return std::ranges::count(key.alt_names, name) != 0;
}

[[nodiscard]] inline KeyDocument with_name(KeyDocument key, std::string_view name) {
  key.alt_names.emplace_back(name);
  return key;
}

[[nodiscard]] inline KeyDocument without_name(KeyDocument key, std::string_view name) {
  std::erase(key.alt_names, name);
  return key;
}

/// Whether `key` still is what was wrapped anew.
[[nodiscard]] inline bool is_as_before(const KeyDocument& key, const Rewrapping& r) {
  return key.key_material == r.old_material &&
         (r.new_seal.empty() ? key.seal.empty() : key.alt_names == r.alt_names);
}

[[nodiscard]] inline KeyDocument rewrapped(KeyDocument key, const Rewrapping& to,
                                           KeyDocument::Time time) {
  key.key_material = to.new_material;
  key.master_key = to.master_key;
  if (!to.new_seal.empty()) key.seal = to.new_seal;
  key.update_date = time;
  return key;
}

}  // namespace fle::kms

#endif  // FLE_KMS_VAULT_COMMON_H_
