#include "local_provider.h"

#include <string>
#include <utility>

#include <rapidjson/document.h>

#include "document/seal_key.h"
#include "fle/aead.h"
#include "fle/data_key.h"
#include "provider_options.h"
#include "text/text.h"

namespace fle::kms {
namespace {

// The AEAD of the fields over the data key, with no associated data (libmongocrypt:
// mongocrypt-kms-ctx.c and mongocrypt-key-broker.c, "local").
class LocalProvider final : public Provider {
 public:
  LocalProvider(std::string id, DataKey master_key, SealKey seal_key, LockPolicy policy)
      : id_(std::move(id)),
        master_key_(std::move(master_key)),
        seal_key_(std::move(seal_key)),
        policy_(policy) {}

  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key, const MasterKey&) override {
    if (data_key.size() != DataKey::kLen)
      return Failure{Errc::invalid_argument, "a data key has 96 bytes"};
    std::vector<std::uint8_t> out(sealed_len(DataKey::kLen));
    const auto sealed = aead_seal(out, data_key.expose(), {}, master_key_);
    wipe_stack();
    FLE_CHECK(sealed);
    return out;
  }

  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey&) override {
    if (key_material.size() != sealed_len(DataKey::kLen))
      return fail("keyMaterial has " + std::to_string(key_material.size()) + " bytes, expected " +
                  std::to_string(sealed_len(DataKey::kLen)));
    FLE_TRY(SecretBytes padded, SecretBytes::create(padded_len(DataKey::kLen), policy_));
    const auto n = aead_open(padded.expose_mut(), key_material, {}, master_key_);
    wipe_stack();
    if (!n && n.error().code == Errc::auth_failed)
      return fail("wrong master key, or the keyMaterial was changed");
    if (!n) return Failure(n.error());
    if (*n != DataKey::kLen)
      return fail("decrypted key is incorrect length, expected: 96, got: " + std::to_string(*n));
    FLE_TRY(SecretBytes key, SecretBytes::copy_of(padded.expose().first(*n), policy_));
    return key;
  }

  [[nodiscard]] const SealKey* seal_key() const noexcept override { return &seal_key_; }

 private:
  [[nodiscard]] Failure fail(const std::string& why) const {
    return {Errc::key_unwrap_failed, "KMS provider " + quoted(id_) + ": " + why};
  }

  std::string id_;
  DataKey master_key_;
  SealKey seal_key_;
  LockPolicy policy_;
};

}  // namespace

Outcome<std::unique_ptr<Provider>> make_local_provider_from_key(std::string_view id,
                                                                Bytes master_key,
                                                                LockPolicy policy) {
  if (master_key.size() != DataKey::kLen)
    return invalid_options(
        id, "local key must be 96 bytes, but has " + std::to_string(master_key.size()));
  FLE_TRY(DataKey key, DataKey::create(master_key, policy));
  FLE_TRY(SealKey seal_key, SealKey::from_secret(master_key, policy));
  return std::unique_ptr<Provider>(std::make_unique<LocalProvider>(std::string(id), std::move(key),
                                                                   std::move(seal_key), policy));
}

Outcome<std::unique_ptr<Provider>> make_local_provider(std::string_view id,
                                                       const rapidjson::Value& options,
                                                       const KmsOptions& kms) {
  static constexpr std::string_view kAllowed[] = {"key"};
  FLE_CHECK(check_option_names(id, options, kAllowed));
  FLE_TRY(const SecretBytes key, secret_option(id, options, "key", kms.lock_policy));
  return make_local_provider_from_key(id, key.expose(), kms.lock_policy);
}

}  // namespace fle::kms
