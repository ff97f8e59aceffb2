#include "fle/kms/rewrap.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

#include "document/bson_fields.h"
#include "document/master_key.h"
#include "document/master_key_pins.h"
#include "document/provider_id.h"
#include "provider/kms_call.h"
#include "sealing.h"
#include "vault/vault_common.h"
#include "verified_wrap.h"
#include "work_on_all.h"

namespace fle::kms {
namespace {

Failure about(Failure f, const KeyId& id) {
  if (f.message.find(id.to_string()) != std::string::npos) return f;
  f.message = "key " + id.to_string() + ": " + f.message;
  return f;
}

bool same_value(const bson_iter_t& a, const bson_iter_t& b) {
  if (BSON_ITER_HOLDS_BOOL(&a) && BSON_ITER_HOLDS_BOOL(&b))
    return bson_iter_bool(&a) == bson_iter_bool(&b);
  const auto text = string_of(a);
  return text && text == string_of(b);
}

/// Whether a key under `now` need not be wrapped to be under `target`.
bool is_under(const MasterKey& target, const MasterKey& now) {
  bson_t b;
  if (!init_view(b, now.bson)) return false;
  bool all = true;
  const Done read = each_field(target.bson, {}, [&](const bson_iter_t& want) -> Done {
    bson_iter_t have;
    all = all && bson_iter_init_find(&have, &b, bson_iter_key(&want)) && same_value(want, have);
    return ok;
  });
  return read && all;
}

/// Whether Provider::prepare() would make an object on a server.
bool makes_object(const MasterKey& master_key) {
  const auto id = parse_provider_id(master_key.provider);
  if (!id || id->type->made_field.empty()) return false;
  return !has_master_key_field(master_key, id->type->made_field);
}

/// Whether anything may be sent to the master key that a data key is under.
Done check_named(const Providers& providers, const RewrapOptions& options,
                 const MasterKey& master_key) {
  FLE_CHECK(providers.find(master_key.provider));
  FLE_CHECK(providers.check_pins(master_key));
  if (providers.is_pinned(master_key.provider)) return ok;
  // In both directions: a new master key that leaves its name to the server names no other.
  if (options.master_key && is_under(*options.master_key, master_key) &&
      is_under(master_key, *options.master_key))
    return ok;
  const auto from = options.from.find(master_key.provider);
  if (from != options.from.end() && is_pinned(master_key, from->second)) return ok;
  return Failure(Errc::master_key_not_pinned,
                 "its master key (" + master_key.provider + ": " + described(master_key) +
                     ") is known from the key vault alone, and nothing is sent to it: pin it in "
                     "KmsOptions::master_keys, or name it in RewrapOptions::from");
}

/// One run over the keys that were selected. Thread-safe.
class Run {
 public:
  Run(KeyVault& vault, const Providers& providers, const RewrapOptions& options)
      : vault_(vault), providers_(providers), options_(options) {}

  Done add(const KeyDocument& key) {
    if (vault_fails_) return Failure(Errc::vault_failed, "not tried: nothing could be stored");
    KmsCall call(KmsCall::after(providers_.call_timeout()));
    const KmsCall::Scope scope(call);
    call.bind_keys();  // what was named is what opens it
    auto made = wrap_anew(key);
    if (!made) return about(made.error(), key.id);
    if (options_.dry_run) return ok;
    std::vector<Rewrapping> batch;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(*made));
      if (options_.batch == 0 || waiting_.size() < options_.batch) return ok;
      batch = std::exchange(waiting_, {});
    }
    return store(batch);
  }

  Done store_rest() { return store(std::exchange(waiting_, {})); }

  /// The vault would not store what was ready: nothing else can be stored, either.
  [[nodiscard]] const Done& vault_state() const noexcept { return vault_state_; }
  [[nodiscard]] bool is_changed(const KeyId& id) const {
    return std::ranges::count(changed_, id) != 0;
  }

  [[nodiscard]] Failure after_some(Failure f) const {
    if (stored_ != 0)
      f.message += " (" + std::to_string(stored_) + " keys have been rewrapped: resume to go on)";
    return f;
  }

 private:
  Done store(const std::vector<Rewrapping>& batch) {
    const std::lock_guard lock(store_mutex_);
    if (!vault_state_ || batch.empty()) return vault_state_;
    const auto changed = vault_.rewrap(batch);
    if (!changed) {
      vault_fails_ = true;
      return vault_state_ = changed.error();
    }
    stored_ += batch.size() - changed->size();
    changed_.insert(changed_.end(), changed->begin(), changed->end());
    return ok;
  }

  [[nodiscard]] Outcome<Rewrapping> wrap_anew(const KeyDocument& key) const {
    FLE_TRY(Provider * from, providers_.find(key.master_key.provider));
    FLE_CHECK(check_seal(providers_, key));
    if (!key.seal.empty()) FLE_CHECK(sealing_key_for(providers_, key));
    Observer* const observer = options_.observer.get();
    FLE_TRY(const SecretBytes data_key, observed(observer, "unwrap", key.master_key.provider, [&] {
              return from->unwrap(key.key_material, key.master_key);
            }));
    FLE_CHECK(check_sealed_material(providers_, key, data_key.expose()));
    const MasterKey& asked = options_.master_key ? *options_.master_key : key.master_key;
    FLE_TRY(Provider * to, providers_.find(asked.provider));
    if (!key.seal.empty()) {  // before an object is made that could not be used
      KeyDocument after = key;
      after.master_key = asked;
      FLE_CHECK(sealing_key_for(providers_, after));
    }
    if (options_.dry_run && makes_object(asked)) return Rewrapping{};
    FLE_TRY(const MasterKey master_key, prepared(*to, asked, observer));
    FLE_TRY(auto wrapped, verified_wrap(*to, data_key, master_key, observer));
    Rewrapping made{key.id, key.key_material, std::move(wrapped), master_key};
    FLE_CHECK(seal(made, key, data_key));
    return made;
  }

  /// A sealed key stays sealed; under another local master key, by that one.
  [[nodiscard]] Done seal(Rewrapping& made, const KeyDocument& key,
                          const SecretBytes& data_key) const {
    if (key.seal.empty()) return ok;
    const KeyDocument after = rewrapped(key, made, key.update_date);
    FLE_TRY(const SealKey* with, sealing_key_for(providers_, after));
    FLE_TRY(const Mac commitment, with->commit(data_key.expose()));
    FLE_TRY(made.new_seal, with->seal(after, commitment));
    made.alt_names = key.alt_names;
    return ok;
  }

  KeyVault& vault_;
  const Providers& providers_;
  const RewrapOptions& options_;
  std::mutex mutex_;
  std::vector<Rewrapping> waiting_;  // to be stored: nothing secret. Guarded by mutex_
  std::atomic<bool> vault_fails_{false};
  std::mutex store_mutex_;
  // Guarded by store_mutex_.
  Done vault_state_ = ok;
  std::vector<KeyId> changed_;
  std::size_t stored_ = 0;
};

/// Takes away what need not be wrapped anew.
std::vector<KeyDocument> left_out(std::vector<KeyDocument>& keys, const RewrapOptions& options) {
  if (!options.resume || !options.master_key) return {};
  const auto rest = std::stable_partition(keys.begin(), keys.end(), [&](const KeyDocument& key) {
    return !is_under(*options.master_key, key.master_key);
  });
  std::vector<KeyDocument> out(std::make_move_iterator(rest), std::make_move_iterator(keys.end()));
  keys.erase(rest, keys.end());
  return out;
}

}  // namespace

Outcome<RewrapResult> rewrap_many_data_key(KeyVault& vault, const Providers& providers,
                                           const KeyFilter& filter, const RewrapOptions& options) {
  if (options.master_key) {
    FLE_TRY(const MasterKey target, parse_master_key(options.master_key->bson));
    FLE_CHECK(providers.find(target.provider));
    FLE_CHECK(providers.check_pins(target));
  }
  for (const auto& [id, pins] : options.from) FLE_CHECK(check_pins_of(id, pins));
  FLE_TRY(std::vector<KeyDocument> keys, vault.match(filter));
  for (const KeyDocument& key : keys) {
    if (const Done may = check_named(providers, options, key.master_key); !may)
      return about(may.error(), key.id);
  }
  RewrapResult result;
  for (const KeyDocument& key : left_out(keys, options)) result.current.push_back(key.id);
  Run run(vault, providers, options);
  const WorkOptions work{options.threads, options.retries, options.keep_going, options.wait};
  std::vector<Undone> undone =
      work_on_all(keys.size(), work, [&](std::size_t i) { return run.add(keys[i]); });
  const bool ends = !undone.empty() && !options.keep_going;
  if (!ends) (void)run.store_rest();
  if (!run.vault_state()) return run.after_some(run.vault_state().error());
  if (ends) return run.after_some(std::move(undone.front().failure));
  auto next = undone.begin();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (next != undone.end() && next->item == i) {
      result.failed.push_back({keys[i].id, about(std::move(next->failure), keys[i].id)});
      ++next;
    } else if (run.is_changed(keys[i].id)) {
      result.changed.push_back(keys[i].id);
    } else {
      result.rewrapped.push_back(keys[i].id);
    }
  }
  return result;
}

}  // namespace fle::kms
