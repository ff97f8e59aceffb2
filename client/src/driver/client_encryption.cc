#include "fle/client/client_encryption.h"

#include "fields/call_report.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/seal.h"

namespace fle::client {
namespace {

Outcome<std::optional<kms::KeyDocument>> first(Outcome<std::vector<kms::KeyDocument>> found) {
  if (!found) return found.error();
  if (found->empty()) return std::optional<kms::KeyDocument>{};
  return std::optional<kms::KeyDocument>{std::move(found->front())};
}

/// Of a payload that has opened.
Algorithm algorithm_of(Bytes payload) noexcept { return static_cast<Algorithm>(payload[0]); }

/// Does something with one value, and tells of it.
/// @param algorithm, bytes  of the value, from the outcome of `call`
template <class Call, class AlgorithmOf, class BytesOf>
auto observed(Observer* observer, Word operation, Call call, AlgorithmOf algorithm, BytesOf bytes) {
  if (observer == nullptr) return call();
  CallReport report(observer);
  auto outcome = call();
  if (outcome) report.add_field(operation, algorithm(), bytes(*outcome));
  report.end(operation, outcome);
  return outcome;
}

}  // namespace

ClientEncryption::ClientEncryption(std::shared_ptr<kms::KeyVault> vault,
                                   std::shared_ptr<const kms::Providers> providers,
                                   kms::KeyRingOptions options)
    : vault_(std::move(vault)),
      providers_(std::move(providers)),
      lock_policy_(options.lock_policy),
      observer_(options.observer),
      keys_(std::make_shared<kms::KeyRing>(vault_, providers_, std::move(options))) {}

Outcome<kms::KeyDocument> ClientEncryption::create_data_key(const kms::MasterKey& master_key,
                                                            const DataKeyOptions& options) {
  kms::CreateKeyOptions create;
  create.master_key = master_key;
  create.alt_names = options.alt_names;
  create.key_material = options.key_material;
  create.lock_policy = lock_policy_;
  create.observer = observer_;
  return kms::create_data_key(*vault_, *providers_, create);
}

Outcome<kms::KeyHandle> ClientEncryption::resolve(const KeyIdOrAltName& key) {
  if (const auto* id = std::get_if<KeyId>(&key)) return keys_->by_id(*id);
  return keys_->by_alt_name(std::get<std::string>(key));
}

Outcome<bson::Value> ClientEncryption::encrypt(const bson::Value& value, Algorithm algorithm,
                                               const KeyIdOrAltName& key) {
  const auto call = [&]() -> Outcome<bson::Value> {
    FLE_TRY(const kms::KeyHandle handle, resolve(key));
    return encrypt_value(value, algorithm, *handle);
  };
  return observed(
      observer_.get(), "encrypt", call, [&] { return algorithm; },
      [&](const bson::Value&) { return value.bytes().size(); });
}

Outcome<bson::Value> ClientEncryption::decrypt(const bson::Value& encrypted) {
  return observed(
      observer_.get(), "decrypt", [&] { return decrypt_value(encrypted, *keys_); },
      [&] { return algorithm_of(encrypted.as_binary()->bytes); },
      [](const bson::Value& plain) { return plain.bytes().size(); });
}

Outcome<std::vector<std::uint8_t>> ClientEncryption::encrypt(bson::Type type, Bytes value,
                                                             Algorithm algorithm,
                                                             const KeyIdOrAltName& key) {
  const auto call = [&]() -> Outcome<std::vector<std::uint8_t>> {
    FLE_TRY(const kms::KeyHandle handle, resolve(key));
    return encrypt_value(type, value, algorithm, *handle);
  };
  return observed(
      observer_.get(), "encrypt", call, [&] { return algorithm; },
      [&](const std::vector<std::uint8_t>&) { return value.size(); });
}

Outcome<DecryptedValue> ClientEncryption::decrypt(Bytes payload) {
  return observed(
      observer_.get(), "decrypt", [&] { return decrypt_value(payload, *keys_); },
      [&] { return algorithm_of(payload); },
      [](const DecryptedValue& plain) { return plain.bytes.bytes().size(); });
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
  if (observer_ == nullptr || options.observer != nullptr)
    return kms::rewrap_many_data_key(*vault_, *providers_, filter, options);
  kms::RewrapOptions observed = options;
  observed.observer = observer_;
  return kms::rewrap_many_data_key(*vault_, *providers_, filter, observed);
}

}  // namespace fle::client
