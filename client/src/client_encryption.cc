#include "fle/client/client_encryption.h"

#include "fle/kms/create_data_key.h"
#include "fle/kms/seal.h"

namespace fle::client {
namespace {

Outcome<std::optional<kms::KeyDocument>> first(Outcome<std::vector<kms::KeyDocument>> found) {
  if (!found) return found.error();
  if (found->empty()) return std::optional<kms::KeyDocument>{};
  return std::optional<kms::KeyDocument>{std::move(found->front())};
}

}  // namespace

ClientEncryption::ClientEncryption(std::shared_ptr<kms::KeyVault> vault,
                                   std::shared_ptr<const kms::Providers> providers,
                                   kms::KeyRingOptions options)
    : vault_(std::move(vault)),
      providers_(std::move(providers)),
      lock_policy_(options.lock_policy),
      keys_(std::make_shared<kms::KeyRing>(vault_, providers_, std::move(options))) {}

Outcome<kms::KeyDocument> ClientEncryption::create_data_key(const kms::MasterKey& master_key,
                                                            const DataKeyOptions& options) {
  kms::CreateKeyOptions create;
  create.master_key = master_key;
  create.alt_names = options.alt_names;
  create.key_material = options.key_material;
  create.lock_policy = lock_policy_;
  return kms::create_data_key(*vault_, *providers_, create);
}

Outcome<kms::KeyHandle> ClientEncryption::resolve(const KeyIdOrAltName& key) {
  if (const auto* id = std::get_if<KeyId>(&key)) return keys_->by_id(*id);
  return keys_->by_alt_name(std::get<std::string>(key));
}

Outcome<bson::Value> ClientEncryption::encrypt(const bson::Value& value, Algorithm algorithm,
                                               const KeyIdOrAltName& key) {
  FLE_TRY(const kms::KeyHandle handle, resolve(key));
  return encrypt_value(value, algorithm, *handle);
}

Outcome<bson::Value> ClientEncryption::decrypt(const bson::Value& encrypted) {
  return decrypt_value(encrypted, *keys_);
}

Outcome<std::vector<std::uint8_t>> ClientEncryption::encrypt(bson::Type type, Bytes value,
                                                             Algorithm algorithm,
                                                             const KeyIdOrAltName& key) {
  FLE_TRY(const kms::KeyHandle handle, resolve(key));
  return encrypt_value(type, value, algorithm, *handle);
}

Outcome<DecryptedValue> ClientEncryption::decrypt(Bytes payload) {
  return decrypt_value(payload, *keys_);
}

Outcome<std::optional<kms::KeyDocument>> ClientEncryption::get_key(const KeyId& id) {
  return first(vault_->find({&id, 1}, {}));
}

Outcome<std::optional<kms::KeyDocument>> ClientEncryption::get_key_by_alt_name(
    std::string_view alt_name) {
  const std::string name(alt_name);
  return first(vault_->find({}, {&name, 1}));
}

Outcome<std::vector<kms::KeyDocument>> ClientEncryption::get_keys() { return vault_->list(); }

Outcome<std::optional<kms::KeyDocument>> ClientEncryption::add_key_alt_name(
    const KeyId& id, std::string_view alt_name) {
  if (alt_name.empty()) return Failure{Errc::invalid_argument, "the alternate name is empty"};
  return kms::add_alt_name(*vault_, *providers_, id, alt_name);
}

Outcome<std::optional<kms::KeyDocument>> ClientEncryption::remove_key_alt_name(
    const KeyId& id, std::string_view alt_name) {
  FLE_TRY(auto before, kms::remove_alt_name(*vault_, *providers_, id, alt_name));
  keys_->clear();  // a look-up by the name must not go on to succeed
  return before;
}

Outcome<bool> ClientEncryption::delete_key(const KeyId& id) {
  FLE_TRY(const bool existed, vault_->delete_key(id));
  keys_->clear();
  return existed;
}

Outcome<kms::RewrapResult> ClientEncryption::rewrap_many_data_key(
    const kms::KeyFilter& filter, const kms::RewrapOptions& options) {
  return kms::rewrap_many_data_key(*vault_, *providers_, filter, options);
}

}  // namespace fle::client
