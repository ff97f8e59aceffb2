#include "key_cache.h"

#include <algorithm>

namespace fle::kms {

static_assert(sizeof(CachedKey) == 128, "what a batch uses is one cache line, the first");

/// Retires what was unlinked, also when an exception comes between.
class KeyCache::Unlinked {
 public:
  explicit Unlinked(ReaderSlots& readers) noexcept : readers_(readers) {}
  Unlinked(const Unlinked&) = delete;
  Unlinked& operator=(const Unlinked&) = delete;
  ~Unlinked() { readers_.retire(std::move(objects)); }
  ReaderSlots::Objects objects;

 private:
  ReaderSlots& readers_;
};

KeyCache::KeyCache(std::size_t max_keys, std::chrono::nanoseconds keep)
    : max_keys_(max_keys), keep_(keep), hash_(SeededHash::random()) {}

void KeyCache::insert(std::shared_ptr<CachedKey> key, std::vector<std::string> names) {
  Unlinked unlinked(readers_);
  // First all that may throw.
  key->hash = hash_(key->id);
  key->names.reserve(names.size());
  for (std::string& name : names) {
    const std::uint64_t name_hash = hash_(name);
    key->names.push_back({std::move(name), name_hash, key.get()});
  }
  std::vector<const CachedKey*> gone;  // those that it shares a name with
  gone.reserve(names.size());
  ReaderSlots::Objects fresh(1);
  std::list<const CachedKey*> on_clock(1, key.get());
  ids_.reserve_one(unlinked.objects);
  names_.reserve(names.size(), unlinked.objects);

  fresh.front().owner = key;
  key->position = fresh.begin();
  key->clock_position = on_clock.begin();
  const CachedKey* const before = find(key->id);
  if (before == nullptr && max_keys_ != 0)
    while (by_age_.size() >= max_keys_) {
      remove(next_victim(), unlinked.objects);
      ++evictions_;
    }
  by_age_.splice(by_age_.end(), fresh);
  clock_.splice(hand_, on_clock);
  ids_.put(*key);
  for (const CachedName& name : key->names) {
    const CachedName* const taken =
        names_.find(name.hash, [&name](const CachedName& n) { return n.name == name.name; });
    if (taken == nullptr) {
      names_.insert(name);
      continue;
    }
    names_.replace(*taken, name);
    if (taken->key != before && taken->key != key.get() &&
        std::ranges::find(gone, taken->key) == gone.end())
      gone.push_back(taken->key);
  }
  if (before != nullptr) {
    unlink_names(*before);
    drop(*before, unlinked.objects);
  }
  for (const CachedKey* other : gone) remove(*other, unlinked.objects);
  wants_marks_.store(max_keys_ != 0 && by_age_.size() > max_keys_ / 2, std::memory_order_relaxed);
}

void KeyCache::erase(const CachedKey& key) noexcept {
  Unlinked unlinked(readers_);
  remove(key, unlinked.objects);
}

void KeyCache::purge(TimePoint now) noexcept {
  if (keep_.count() == 0) return;
  Unlinked unlinked(readers_);
  // Loads end in another order than they began, by little: what is too old behind a key that is
  // not goes with it.
  while (!by_age_.empty() && now - key_of(by_age_.front()).loaded > keep_)
    remove(key_of(by_age_.front()), unlinked.objects);
}

void KeyCache::evict(std::size_t n) noexcept {
  Unlinked unlinked(readers_);
  for (; n > 0 && !by_age_.empty(); --n) {
    remove(next_victim(), unlinked.objects);
    ++evictions_;
  }
}

void KeyCache::clear() noexcept {
  Unlinked unlinked(readers_);
  while (!by_age_.empty()) remove(key_of(by_age_.front()), unlinked.objects);
}

/// Names may belong to another key by now, which then keeps them.
void KeyCache::unlink_names(const CachedKey& key) noexcept {
  for (const CachedName& name : key.names)
    if (names_.find(name.hash, [&name](const CachedName& n) { return &n == &name; }) != nullptr)
      names_.erase(name);
}

void KeyCache::drop(const CachedKey& key, ReaderSlots::Objects& unlinked) noexcept {
  if (hand_ == key.clock_position) ++hand_;
  clock_.erase(key.clock_position);
  unlinked.splice(unlinked.end(), by_age_, key.position);
}

void KeyCache::remove(const CachedKey& key, ReaderSlots::Objects& unlinked) noexcept {
  ids_.erase(key);
  unlink_names(key);
  drop(key, unlinked);
}

/// The cache is not empty.
const CachedKey& KeyCache::next_victim() noexcept {
  // Two rounds are enough, unless readers mark keys as fast as the hand clears them.
  for (std::size_t step = 0; step < 2 * clock_.size(); ++step) {
    if (hand_ == clock_.end()) hand_ = clock_.begin();
    const CachedKey& key = **hand_;
    if (key.used.exchange(0, std::memory_order_relaxed) == 0) return key;
    ++hand_;
  }
  return *clock_.front();
}

}  // namespace fle::kms
