#include "fle/kms/seal.h"

#include <algorithm>
#include <map>
#include <utility>

#include "provider/observed.h"
#include "sealing.h"
#include "text/text.h"
#include "vault/vault_common.h"

namespace fle::kms {
namespace {

std::string named(const KeyId& id) { return "data key " + id.to_string(); }

Failure at_key(Failure f, const KeyId& id) {
  if (f.message.find(id.to_string()) == std::string::npos) f.message = named(id) + ": " + f.message;
  return f;
}

/// One run over the keys that were selected.
class Run {
 public:
  Run(KeyVault& vault, const Providers& providers, const SealKeysOptions& options)
      : vault_(vault), providers_(providers), options_(options) {}

  /// Every key of the vault: sealed ones tell what data keys there are.
  Done know(const KeyDocument& key) {
    FLE_TRY(const SealState state, seal_state(providers_, key));
    if (state == SealState::sealed)
      known_.try_emplace({providers_.seal_key(key.master_key.provider), commitment_in(key)},
                         key.id);
    return ok;
  }

  Done add(const KeyDocument& key) {
    FLE_TRY(const SealKey* with, sealing_key_for(providers_, key));
    FLE_TRY(const SealState state, seal_state(providers_, key));
    if (state == SealState::sealed) {
      result_.current.push_back(key.id);
      return ok;
    }
    const bool broken = state == SealState::broken;
    if (broken && !options_.renew && !options_.replace) return check_seal(providers_, key);
    FLE_TRY(Provider * provider, providers_.find(key.master_key.provider));
    FLE_TRY(const SecretBytes data_key,
            observed(options_.observer.get(), "unwrap", key.master_key.provider,
                     [&] { return provider->unwrap(key.key_material, key.master_key); }));
    FLE_CHECK(check_data_key(data_key.expose()));
    FLE_TRY(const Mac commitment, with->commit(data_key.expose()));
    if (broken && !options_.replace && !ct_equal(commitment, commitment_in(key)))
      return Failure(Errc::key_seal_broken,
                     named(key.id) +
                         " does not open to the data key that was sealed, or was sealed with "
                         "another sealing key: restore its document from a backup");
    const auto [same, is_new] = known_.try_emplace({with, commitment}, key.id);
    if (!is_new && same->second != key.id)
      return Failure(Errc::key_duplicate,
                     named(key.id) + " and " + named(same->second) +
                         " are one data key under two ids: one of the documents was copied; "
                         "restore it from a backup before this vault is sealed");
    KeyDocument after = key;
    FLE_TRY(after.seal, with->seal(key, commitment));
    waiting_.emplace_back(key, std::move(after));
    return ok;
  }

  Done store() {
    for (const auto& [before, after] : waiting_) {
      FLE_TRY(const bool stored, vault_.replace(before, after));
      (stored ? result_.sealed : result_.changed).push_back(before.id);
    }
    return ok;
  }

  [[nodiscard]] SealKeysResult& result() noexcept { return result_; }

 private:
  KeyVault& vault_;
  const Providers& providers_;
  const SealKeysOptions& options_;
  SealKeysResult result_;
  std::map<std::pair<const SealKey*, Mac>, KeyId> known_;
  std::vector<std::pair<KeyDocument, KeyDocument>> waiting_;  // before and after
};

using Found = std::optional<KeyDocument>;

/// Changes the names of a key by `edit`, and the seal with them.
template <class Edit, class Unsealed>
Outcome<Found> edit_names(KeyVault& vault, const Providers& providers, const KeyId& id, Edit edit,
                          Unsealed unsealed) {
  constexpr int kTries = 100;  // each time somebody else was faster
  for (int i = 0; i < kTries; ++i) {
    FLE_TRY(const std::vector<KeyDocument> found, vault.find({&id, 1}, {}));
    if (found.empty()) return Found{};
    const KeyDocument& before = found.front();
    if (before.seal.empty()) return unsealed();
    KeyDocument after = edit(before);
    if (after.alt_names == before.alt_names) return Found{before};
    FLE_CHECK(renew_seal(after, before, providers));
    FLE_TRY(const bool stored, vault.replace(before, after));
    if (stored) return Found{before};
  }
  return Failure(Errc::vault_busy, named(id) + ": others change it all the time");
}

}  // namespace

Outcome<const SealKey*> sealing_key_for(const Providers& providers, const KeyDocument& key) {
  const SealKey* const with = providers.seal_key(key.master_key.provider);
  if (with != nullptr) return with;
  return Failure(Errc::kms_config_invalid,
                 named(key.id) +
                     ": to seal it, or to change it when it is sealed, needs the "
                     "sealing key: SealOptions::key, --seal-key, or for KMS provider " +
                     quoted(key.master_key.provider) + " its master key where it is a local one");
}

Done renew_seal(KeyDocument& after, const KeyDocument& before, const Providers& providers) {
  if (before.seal.empty()) return ok;
  FLE_CHECK(sealing_key_for(providers, before));
  FLE_CHECK(check_seal(providers, before));
  FLE_TRY(const SealKey* with, sealing_key_for(providers, after));
  FLE_TRY(after.seal, with->seal(after, commitment_in(before)));
  return ok;
}

Outcome<SealState> seal_state(const Providers& providers, const KeyDocument& key) {
  if (key.seal.empty()) return SealState::unsealed;
  const SealKey* const with = providers.seal_key(key.master_key.provider);
  if (with == nullptr) return SealState::unchecked;
  FLE_TRY(const bool fits, with->fits(key));
  return fits ? SealState::sealed : SealState::broken;
}

Outcome<SealKeysResult> seal_keys(KeyVault& vault, const Providers& providers,
                                  const KeyFilter& filter, const SealKeysOptions& options) {
  FLE_TRY(const std::vector<KeyDocument> selected, vault.match(filter));
  FLE_TRY(const std::vector<KeyDocument> all, vault.list());
  Run run(vault, providers, options);
  for (const KeyDocument& key : all) FLE_CHECK(run.know(key));
  for (const KeyDocument& key : selected)
    if (const Done done = run.add(key); !done) return at_key(done.error(), key.id);
  FLE_CHECK(run.store());
  return std::move(run.result());
}

Outcome<Found> add_alt_name(KeyVault& vault, const Providers& providers, const KeyId& id,
                            std::string_view alt_name) {
  return edit_names(
      vault, providers, id,
      [&](const KeyDocument& key) {
        return has_name(key, alt_name) ? key : with_name(key, alt_name);
      },
      [&] { return vault.add_alt_name(id, alt_name); });
}

Outcome<Found> remove_alt_name(KeyVault& vault, const Providers& providers, const KeyId& id,
                               std::string_view alt_name) {
  return edit_names(
      vault, providers, id, [&](const KeyDocument& key) { return without_name(key, alt_name); },
      [&] { return vault.remove_alt_name(id, alt_name); });
}

}  // namespace fle::kms
