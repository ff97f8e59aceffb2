#include "fle/kms/key_ring.h"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "text.h"

namespace fle::kms {
namespace {

using Clock = std::chrono::steady_clock;

/// A key in the cache. Immutable, found by its id and by every name of its document.
struct Entry {
  KeyHandle key;
  std::vector<std::string> names;
  Clock::time_point loaded;
};
using EntryPtr = std::shared_ptr<const Entry>;

/// What one resolve() has to ask the vault for; each id and name once.
struct Missing {
  std::vector<KeyId> ids;
  std::vector<std::string> names;
  [[nodiscard]] bool empty() const noexcept { return ids.empty() && names.empty(); }
};

/// Keys by id and by alternate name: the cache, and what one query brought.
struct Index {
  std::unordered_map<KeyId, EntryPtr> by_id;
  std::unordered_map<std::string, EntryPtr> by_name;

  [[nodiscard]] const Entry* find(const KeyId& id) const {
    const auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : it->second.get();
  }
  [[nodiscard]] const Entry* find(const std::string& name) const {
    const auto it = by_name.find(name);
    return it == by_name.end() ? nullptr : it->second.get();
  }
  /// A name may belong to another entry by now, which then keeps it.
  void erase(const EntryPtr& entry) {
    by_id.erase(entry->key->id);
    for (const std::string& name : entry->names)
      if (const auto it = by_name.find(name); it != by_name.end() && it->second == entry)
        by_name.erase(it);
  }
  /// Drops every entry that shares the id or a name with `entry` (libmongocrypt does the same):
  /// what the vault said last is right.
  void insert(const EntryPtr& entry) {
    if (const auto it = by_id.find(entry->key->id); it != by_id.end()) erase(EntryPtr(it->second));
    for (const std::string& name : entry->names)
      if (const auto it = by_name.find(name); it != by_name.end()) erase(EntryPtr(it->second));
    by_id.emplace(entry->key->id, entry);
    for (const std::string& name : entry->names) by_name.emplace(name, entry);
  }
};

Failure not_found(const std::string& what) {
  return {Errc::key_not_found,
          what +
              " is not in the key vault: not all keys requested were satisfied. Verify that the "
              "key vault was correctly specified"};
}

/// The vault's answer must fit the question: a vault is an outside party.
Done check_answer(const std::vector<KeyDocument>& keys, const Missing& missing) {
  const std::unordered_set<KeyId> wanted_ids(missing.ids.begin(), missing.ids.end());
  const std::unordered_set<std::string_view> wanted_names(missing.names.begin(),
                                                          missing.names.end());
  std::unordered_set<KeyId> ids;
  std::unordered_set<std::string_view> names;
  for (const KeyDocument& key : keys) {
    bool wanted = wanted_ids.contains(key.id);
    bool unique = ids.insert(key.id).second;
    for (const std::string& name : key.alt_names) {
      wanted |= wanted_names.contains(name);
      unique &= names.insert(name).second;
    }
    if (!wanted)
      return Failure{Errc::vault_failed, "unexpected key returned, does not match any requests: " +
                                             to_uuid_string(key.id)};
    if (!unique)
      return Failure{Errc::vault_failed,
                     "keys returned have duplicate keyAltNames or _id: " + to_uuid_string(key.id)};
  }
  for (const KeyId& id : missing.ids)
    if (!ids.contains(id)) return not_found("data key " + to_uuid_string(id));
  for (const std::string& name : missing.names)
    if (!names.contains(name))
      return not_found("a data key with the alternate name " + quoted(name));
  return ok;
}

Outcome<KeyHandle> unwrap(const KeyDocument& doc, const Providers& providers, LockPolicy policy) {
  const auto attempt = [&]() -> Outcome<KeyHandle> {
    FLE_TRY(Provider * provider, providers.find(doc.master_key.provider));
    FLE_TRY(const SecretBytes raw, provider->unwrap(doc.key_material, doc.master_key));
    FLE_TRY(DataKey key, DataKey::create(raw.expose(), policy));
    return std::make_shared<const ResolvedKey>(ResolvedKey{doc.id, std::move(key)});
  };
  auto key = attempt();
  if (!key) key.error().message = "data key " + to_uuid_string(doc.id) + ": " + key.error().message;
  return key;
}

}  // namespace

struct KeyRing::State {
  std::shared_ptr<KeyVault> vault;
  std::shared_ptr<const Providers> providers;
  KeyRingOptions options;

  std::shared_mutex mutex;  // guards what follows; never held while a vault or a KMS is asked
  Index cache;
  std::uint64_t cleared = 0;  // calls of clear()

  [[nodiscard]] Clock::time_point now() const { return options.now ? options.now() : Clock::now(); }
  [[nodiscard]] bool expired(const Entry& e, Clock::time_point t) const noexcept {
    return options.lifetime.count() != 0 && t - e.loaded > options.lifetime;
  }

  /// Null when it is not there or too old. The caller holds the lock.
  template <class Name>
  [[nodiscard]] KeyHandle fresh(const Name& name, Clock::time_point t) const {
    const Entry* e = cache.find(name);
    return e != nullptr && !expired(*e, t) ? e->key : nullptr;
  }

  template <class Name>
  [[nodiscard]] Outcome<KeyHandle> one(const Name& name, std::span<const KeyId> ids,
                                       std::span<const std::string> names) {
    {
      const std::shared_lock lock(mutex);
      if (KeyHandle key = fresh(name, now())) return key;
    }
    FLE_TRY(const Index loaded,
            load(Missing{{ids.begin(), ids.end()}, {names.begin(), names.end()}}));
    return loaded.find(name)->key;
  }

  /// Asks the vault, unwraps, and puts everything into the cache: all or nothing.
  [[nodiscard]] Outcome<Index> load(const Missing& missing) {
    std::uint64_t cleared_before = 0;
    {
      const std::shared_lock lock(mutex);
      cleared_before = cleared;
    }
    const Clock::time_point t = now();  // before the query: a key is never used for too long
    FLE_TRY(const std::vector<KeyDocument> docs, vault->find(missing.ids, missing.names));
    FLE_CHECK(check_answer(docs, missing));
    Index loaded;
    for (const KeyDocument& doc : docs) {
      FLE_TRY(KeyHandle key, unwrap(doc, *providers, options.lock_policy));
      loaded.insert(std::make_shared<const Entry>(Entry{std::move(key), doc.alt_names, t}));
    }
    const std::unique_lock lock(mutex);
    if (cleared != cleared_before) return loaded;  // clear() must not be undone by a slow load
    drop_expired(t);
    for (const auto& [id, entry] : loaded.by_id) cache.insert(entry);
    return loaded;
  }

  void drop_expired(Clock::time_point t) {
    const auto old = [&](const auto& item) { return expired(*item.second, t); };
    std::erase_if(cache.by_name, old);
    std::erase_if(cache.by_id, old);
  }
};

KeyRing::KeyRing(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
                 KeyRingOptions options)
    : s_(std::make_unique<State>()) {
  s_->vault = std::move(vault);
  s_->providers = std::move(providers);
  s_->options = std::move(options);
}

KeyRing::~KeyRing() = default;

namespace {

/// Each of `wanted` once, in the order of first appearance, where `got` is still null.
template <class Name>
std::vector<Name> still_missing(std::span<const KeyHandle> got, std::span<const Name> wanted) {
  std::vector<Name> out;
  std::unordered_set<Name> seen;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (got[i] == nullptr && seen.insert(wanted[i]).second) out.push_back(wanted[i]);
  return out;
}

}  // namespace

Done KeyRing::resolve(std::span<KeyHandle> out_by_id, std::span<KeyHandle> out_by_name,
                      std::span<const KeyId> ids, std::span<const std::string> alt_names) {
  if (out_by_id.size() != ids.size() || out_by_name.size() != alt_names.size())
    return Failure{Errc::invalid_argument, "KeyRing::resolve: outputs must be as long as inputs"};
  {
    const Clock::time_point t = s_->now();
    const std::shared_lock lock(s_->mutex);
    for (std::size_t i = 0; i < ids.size(); ++i) out_by_id[i] = s_->fresh(ids[i], t);
    for (std::size_t i = 0; i < alt_names.size(); ++i) out_by_name[i] = s_->fresh(alt_names[i], t);
  }
  const Missing missing{still_missing<KeyId>(out_by_id, ids),
                        still_missing<std::string>(out_by_name, alt_names)};
  if (missing.empty()) return ok;
  FLE_TRY(const Index loaded, s_->load(missing));
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (out_by_id[i] == nullptr) out_by_id[i] = loaded.find(ids[i])->key;
  for (std::size_t i = 0; i < alt_names.size(); ++i)
    if (out_by_name[i] == nullptr) out_by_name[i] = loaded.find(alt_names[i])->key;
  return ok;
}

Outcome<KeyHandle> KeyRing::by_id(const KeyId& id) { return s_->one(id, {&id, 1}, {}); }

Outcome<KeyHandle> KeyRing::by_alt_name(const std::string& alt_name) {
  return s_->one(alt_name, {}, {&alt_name, 1});
}

void KeyRing::clear() {
  const std::unique_lock lock(s_->mutex);
  ++s_->cleared;
  s_->cache = {};
}

}  // namespace fle::kms
