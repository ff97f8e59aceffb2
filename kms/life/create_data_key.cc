#include "fle/kms/create_data_key.h"

#include <unordered_set>

#include "document/master_key.h"
#include "fle/data_key.h"
#include "fle/random.h"
#include "provider/kms_call.h"
#include "sealing.h"
#include "text/text.h"
#include "verified_wrap.h"

namespace fle::kms {
namespace {

Failure invalid(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

Done check_options(const CreateKeyOptions& options) {
  const std::size_t n = options.key_material.size();
  if (n != 0 && n != DataKey::kLen)
    return invalid("keyMaterial should have length 96, but has length " + std::to_string(n));
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : options.alt_names) {
    if (name.empty()) return invalid("an alternate name is empty");
    if (!seen.insert(name).second)
      return invalid("the alternate name " + quoted(name) + " appears twice");
  }
  return ok;
}

Outcome<SecretBytes> make_material(const CreateKeyOptions& options) {
  if (!options.key_material.empty()) {
    FLE_TRY(SecretBytes given, SecretBytes::copy_of(options.key_material, options.lock_policy));
    return given;
  }
  FLE_TRY(SecretBytes fresh, SecretBytes::create(DataKey::kLen, options.lock_policy));
  FLE_CHECK(random_key_material(fresh.expose_mut()));
  return fresh;
}

}  // namespace

Outcome<NewDataKey> new_data_key(const CreateKeyOptions& options) {
  FLE_CHECK(check_options(options));
  FLE_TRY(MasterKey master_key, parse_master_key(options.master_key.bson));
  FLE_TRY(const KeyId id, random_key_id());
  FLE_TRY(SecretBytes material, make_material(options));
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return NewDataKey{{.id = id,
                     .alt_names = options.alt_names,
                     .key_material = {},
                     .creation_date = now,
                     .update_date = now,
                     .status = 0,
                     .master_key = std::move(master_key)},
                    std::move(material)};
}

Outcome<KeyDocument> create_data_key(KeyVault& vault, const Providers& providers,
                                     const CreateKeyOptions& options) {
  FLE_TRY(NewDataKey made, new_data_key(options));
  KeyDocument& key = made.document;
  FLE_TRY(Provider * provider, providers.find(key.master_key.provider));
  KmsCall call(KmsCall::after(providers.call_timeout()));
  const KmsCall::Scope scope(call);
  Observer* const observer = options.observer.get();
  FLE_TRY(key.master_key, prepared(*provider, key.master_key, observer));
  FLE_TRY(key.key_material, verified_wrap(*provider, made.material, key.master_key, observer));
  if (providers.seals_new_keys()) {
    FLE_TRY(const SealKey* with, sealing_key_for(providers, key));
    FLE_TRY(const Mac commitment, with->commit(made.material.expose()));
    FLE_TRY(key.seal, with->seal(key, commitment));
  }
  FLE_CHECK(vault.insert(key));
  return std::move(key);
}

}  // namespace fle::kms
