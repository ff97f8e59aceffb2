#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "fle/kms/key_vault.h"
#include "vault_common.h"

namespace fle::kms {
namespace {

using Found = std::optional<KeyDocument>;

class MemoryVault final : public KeyVault {
 public:
  Done insert(const KeyDocument& key) override {
    const std::scoped_lock lock(mutex_);
    return insert_one(key);
  }

  Done insert_many(std::span<const KeyDocument> keys) override {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Done done = all_or_none([&] { return insert_one(keys[i]); },
                                    [&] {
                                      for (const KeyDocument& inserted : keys.first(i))
                                        erase(inserted.id);
                                    });
      if (!done) return at_key(done.error(), i);
    }
    return ok;
  }

  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> alt_names) override {
    const std::scoped_lock lock(mutex_);
    std::set<KeyId> wanted(ids.begin(), ids.end());
    for (const std::string& name : alt_names)
      if (const auto it = ids_.find(name); it != ids_.end()) wanted.insert(it->second);
    std::vector<KeyDocument> out;
    for (const KeyId& id : wanted)
      if (const auto it = keys_.find(id); it != keys_.end()) out.push_back(it->second);
    return out;
  }

  Outcome<std::vector<KeyDocument>> list() override {
    std::vector<KeyDocument> out;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& [id, key] : keys_) out.push_back(key);
    }
    std::ranges::stable_sort(out, {}, &KeyDocument::creation_date);  // ids are in order already
    return out;
  }

  Outcome<Found> add_alt_name(const KeyId& id, std::string_view alt_name) override {
    const std::scoped_lock lock(mutex_);
    const auto it = keys_.find(id);
    if (it == keys_.end()) return Found{};
    if (has_name(it->second, alt_name)) return Found{it->second};
    std::string name(alt_name);
    if (ids_.contains(name)) return duplicate_name(name);
    FLE_TRY(KeyDocument after, as_stored(with_name(it->second, alt_name)));
    ids_.emplace(std::move(name), id);
    return Found{std::exchange(it->second, std::move(after))};
  }

  Outcome<Found> remove_alt_name(const KeyId& id, std::string_view alt_name) override {
    const std::scoped_lock lock(mutex_);
    const auto it = keys_.find(id);
    if (it == keys_.end()) return Found{};
    if (!has_name(it->second, alt_name)) return Found{it->second};
    FLE_TRY(KeyDocument after, as_stored(without_name(it->second, alt_name)));
    ids_.erase(std::string(alt_name));
    return Found{std::exchange(it->second, std::move(after))};
  }

  Outcome<bool> delete_key(const KeyId& id) override {
    const std::scoped_lock lock(mutex_);
    return erase(id);
  }

  Outcome<std::vector<KeyId>> rewrap(std::span<const Rewrapping> keys) override {
    const std::scoped_lock lock(mutex_);
    std::vector<KeyId> left_alone;
    std::vector<KeyDocument> changed;
    const KeyDocument::Time time = now();
    for (const Rewrapping& r : keys) {
      const auto it = keys_.find(r.id);
      if (it == keys_.end() || !is_as_before(it->second, r)) {
        left_alone.push_back(r.id);
        continue;
      }
      FLE_TRY(KeyDocument after, as_stored(rewrapped(it->second, r, time)));
      changed.push_back(std::move(after));
    }
    for (KeyDocument& key : changed) keys_[key.id] = std::move(key);
    return left_alone;
  }

  Outcome<bool> replace(const KeyDocument& before, const KeyDocument& after) override {
    const std::scoped_lock lock(mutex_);
    const auto it = keys_.find(before.id);
    if (it == keys_.end() || to_bson(it->second) != to_bson(before)) return false;
    for (const std::string& name : after.alt_names)
      if (const auto owner = ids_.find(name); owner != ids_.end() && owner->second != before.id)
        return duplicate_name(name);
    FLE_TRY(KeyDocument stored, as_stored(after));
    FLE_CHECK(take_names(after));
    for (const std::string& name : before.alt_names)
      if (!has_name(after, name)) ids_.erase(name);
    it->second = std::move(stored);
    return true;
  }

 private:
  /// As another reader of the vault would get it.
  static Outcome<KeyDocument> as_stored(const KeyDocument& key) {
    FLE_TRY(const auto bson, checked_bson(key));
    return parse_key_document(bson);
  }

  Done insert_one(const KeyDocument& key) {
    FLE_TRY(KeyDocument stored, as_stored(key));
    if (keys_.contains(key.id)) return duplicate_id(key.id);
    for (const std::string& name : key.alt_names)
      if (ids_.contains(name)) return duplicate_name(name);
    const auto it = keys_.emplace(key.id, std::move(stored)).first;
    return all_or_none([&] { return take_names(key); }, [&] { keys_.erase(it); });
  }

  /// Calls `change`, and `undo` where that fails or has no memory to go on.
  template <class Change, class Undo>
  static Done all_or_none(Change change, Undo undo) {
    try {
      Done done = change();
      if (!done) undo();
      return done;
    } catch (...) {
      undo();
      throw;
    }
  }

  /// Notes the names of a key, of which none is another's.
  Done take_names(const KeyDocument& key) {
    std::vector<const std::string*> taken;
    taken.reserve(key.alt_names.size());
    return all_or_none(
        [&]() -> Done {
          for (const std::string& name : key.alt_names)
            if (ids_.emplace(name, key.id).second) taken.push_back(&name);
          return ok;
        },
        [&] {
          for (const std::string* name : taken) ids_.erase(*name);
        });
  }

  bool erase(const KeyId& id) {
    const auto it = keys_.find(id);
    if (it == keys_.end()) return false;
    for (const std::string& name : it->second.alt_names) ids_.erase(name);
    keys_.erase(it);
    return true;
  }

  std::mutex mutex_;
  std::map<KeyId, KeyDocument> keys_;
  std::unordered_map<std::string, KeyId> ids_;  // by alternate name
};

}  // namespace

std::unique_ptr<KeyVault> make_memory_vault() { return std::make_unique<MemoryVault>(); }

}  // namespace fle::kms
