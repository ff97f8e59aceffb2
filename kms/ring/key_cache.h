#ifndef FLE_KMS_SRC_KEY_CACHE_H_
#define FLE_KMS_SRC_KEY_CACHE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/kms/key_ring.h"
#include "fle/seeded_hash.h"
#include "key_id_table.h"
#include "key_index.h"
#include "reader_slots.h"

namespace fle::kms {

using TimePoint = std::chrono::steady_clock::time_point;

struct CachedKey;

/// An alternate name of a key in the cache.
struct alignas(64) CachedName {
  std::string name;
  std::uint64_t hash;
  const CachedKey* key;
};

/// A key in the cache, and what every KeyHandle points into.
struct alignas(64) CachedKey : ResolvedKey {
  CachedKey(ResolvedKey from, TimePoint when) : ResolvedKey(std::move(from)), loaded(when) {}
  [[nodiscard]] static std::shared_ptr<CachedKey> make(ResolvedKey from, TimePoint when) {
    auto made = std::make_shared<CachedKey>(std::move(from), when);
    made->self = made;
    return made;
  }
  /// Keeps the key alive. For a pinned reader, or whoever holds another handle.
  [[nodiscard]] KeyHandle handle() const { return {self.lock(), this}; }

  const TimePoint loaded;                           // before the vault was asked
  mutable std::atomic<std::uint32_t> used{0};       // since the hand of the clock came by
  mutable std::atomic<std::uint32_t> refreshes{0};  // tried since `loaded`; see KeyRing

  // Seldom read; set before the key can be found, and not changed after.
  alignas(64) std::uint64_t hash = 0;
  std::vector<CachedName> names;
  ReaderSlots::Objects::iterator position;               // among all keys by age
  std::list<const CachedKey*>::iterator clock_position;  // among all keys on the clock
  std::weak_ptr<const CachedKey> self;
};

/// The keys of a ring, found by id and by every alternate name. Readers are pinned and take no
/// lock; for writers, who hold one of the owner's, everything is amortised constant time.
///
/// Eviction, when `max_keys` are there: CLOCK, the second chance. A hand goes round the keys,
/// oldest first; one that was used since the hand last came by is passed over once, the next one
/// that was not is let go.
///
/// Padded, for readers write to cache lines of their own.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
class KeyCache {
 public:
  /// @param max_keys  0: any number.
  /// @param keep      how long after loading an entry may still be of use; zero: for ever.
  KeyCache(std::size_t max_keys, std::chrono::nanoseconds keep);
  ~KeyCache() = default;

  [[nodiscard]] ReaderSlots& readers() noexcept { return readers_; }
  [[nodiscard]] const ReaderSlots& readers() const noexcept { return readers_; }

  // For pinned readers, and for the writer. The key may be older than its lifetime.
  using Found = KeyIdTable<CachedKey>::Found;
  [[nodiscard]] std::uint64_t hash(const KeyId& id) const noexcept { return hash_(id); }
  [[nodiscard]] std::uint64_t hash(std::string_view name) const noexcept { return hash_(name); }
  [[nodiscard]] Found look_up(const KeyId& id, std::uint64_t hash) const noexcept {
    return ids_.find(id, hash);
  }
  [[nodiscard]] Found look_up(std::string_view name, std::uint64_t hash) const noexcept {
    const CachedName* found =
        names_.find(hash, [name](const CachedName& n) { return n.name == name; });
    return found == nullptr ? Found{nullptr, {}} : Found{found->key, found->key->loaded};
  }
  /// The key, or null.
  template <class Name>
  [[nodiscard]] const CachedKey* find(const Name& name) const noexcept {
    return look_up(name, hash(name)).key;
  }
  /// Asks the memory for what a look-up begins with, and then for what it goes on with.
  void prefetch_slot(const KeyId&, std::uint64_t hash) const noexcept { ids_.prefetch(hash); }
  void prefetch_slot(std::string_view, std::uint64_t hash) const noexcept {
    names_.prefetch_slot(hash);
  }
  void prefetch_item(const KeyId&, std::uint64_t) const noexcept {}
  void prefetch_item(std::string_view, std::uint64_t hash) const noexcept {
    names_.prefetch_item(hash);
  }
  /// Whether readers are to set CachedKey::used: not while there is plenty of room.
  [[nodiscard]] bool wants_marks() const noexcept {
    return wants_marks_.load(std::memory_order_relaxed);
  }

  // What follows is for the writer.

  /// Puts a key in place of every entry that shares its id or a name with it (libmongocrypt
  /// does the same): what the vault said last is right. Throws std::bad_alloc, without effect.
  void insert(std::shared_ptr<CachedKey> key, std::vector<std::string> names);
  void erase(const CachedKey& key) noexcept;
  /// Drops what is too old to be of use at `now`.
  void purge(TimePoint now) noexcept;
  /// Lets `n` keys go, as if the cache were full.
  void evict(std::size_t n) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return by_age_.size(); }
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  class Unlinked;
  static const CachedKey& key_of(const ReaderSlots::Object& o) noexcept {
    return *static_cast<const CachedKey*>(o.owner.get());
  }
  void unlink_names(const CachedKey& key) noexcept;
  void drop(const CachedKey& key, ReaderSlots::Objects& unlinked) noexcept;
  void remove(const CachedKey& key, ReaderSlots::Objects& unlinked) noexcept;
  const CachedKey& next_victim() noexcept;

  const std::size_t max_keys_;
  const std::chrono::nanoseconds keep_;
  const SeededHash hash_;
  ReaderSlots readers_;
  ReaderSlots::Objects by_age_;        // owns every key that is in the indexes, oldest first
  std::list<const CachedKey*> clock_;  // the same keys
  std::list<const CachedKey*>::iterator hand_ = clock_.end();
  KeyIdTable<CachedKey> ids_;
  KeyIndex<CachedName> names_;
  std::uint64_t evictions_ = 0;
  std::atomic<bool> wants_marks_{false};
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_CACHE_H_
