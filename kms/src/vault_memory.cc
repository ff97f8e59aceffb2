#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "fle/kms/key_vault.h"
#include "vault_common.h"

namespace fle::kms {
namespace {

class MemoryVault final : public KeyVault {
 public:
  Done insert(const KeyDocument& key) override {
    FLE_CHECK(checked_bson(key));
    const std::scoped_lock lock(mutex_);
    if (keys_.contains(key.id)) return duplicate_id(key.id);
    for (const std::string& name : key.alt_names)
      if (ids_.contains(name)) return duplicate_name(name);
    for (const std::string& name : key.alt_names) ids_.emplace(name, key.id);
    keys_.emplace(key.id, key);
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

 private:
  std::mutex mutex_;
  std::map<KeyId, KeyDocument> keys_;
  std::unordered_map<std::string, KeyId> ids_;  // by alternate name
};

}  // namespace

std::unique_ptr<KeyVault> make_memory_vault() { return std::make_unique<MemoryVault>(); }

}  // namespace fle::kms
