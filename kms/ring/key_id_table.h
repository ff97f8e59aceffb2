#ifndef FLE_KMS_SRC_KEY_ID_TABLE_H_
#define FLE_KMS_SRC_KEY_ID_TABLE_H_

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "fle/types.h"
#include "reader_slots.h"

namespace fle::kms {

/// A hash table of keys by id, that any number of pinned readers (ReaderSlots) search without a
/// lock while one writer changes it. It owns no key.
///
/// All that a look-up needs stands in the slot, which is half a cache line: the id, where the key
/// is, and how old it is. At most a quarter of the slots are in use, so that the first one nearly
/// always is the one, and a look-up costs one line however many keys there are.
///
/// Why readers are right:
///  - The id of a slot is written before the slot's key is, and never changes in this table: a
///    reader who sees a key sees its id. A key that is erased leaves the slot to its id.
///  - A key that takes the place of one with the same id is written before its time: a reader who
///    reads the time first may think a new key old, and then asks again under a lock, but never an
///    old one new.
///  - A larger table is complete before its address is published; the old one is retired.
///
/// @tparam Key  with members `id`, `hash` and `loaded` that never change.
template <class Key>
class KeyIdTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Found {
    const Key* key;  // null: none
    TimePoint loaded;
  };

  KeyIdTable() : owner_(std::make_shared<Table>(kSmallest)) { table_.store(owner_.get()); }
  KeyIdTable(const KeyIdTable&) = delete;
  KeyIdTable& operator=(const KeyIdTable&) = delete;
  ~KeyIdTable() = default;

  /// For pinned readers, and for the writer.
  [[nodiscard]] Found find(const KeyId& id, std::uint64_t hash) const noexcept {
    const Words words = words_of(id);
    const Table& table = *table_.load();
    for (std::size_t i = hash & table.mask;; i = (i + 1) & table.mask) {
      const Slot& slot = table.slots[i];
      if (slot.key.load() == nullptr) return {nullptr, {}};
      if (!slot.has(words)) continue;
      const TimePoint loaded{TimePoint::duration(slot.loaded.load())};
      const Key* const key = slot.key.load();
      return {key == removed() ? nullptr : key, loaded};
    }
  }
  /// Asks the memory for the slot, so that look-ups of a batch wait for memory together.
  void prefetch(std::uint64_t hash) const noexcept {
    const Table& table = *table_.load();
    __builtin_prefetch(&table.slots[hash & table.mask]);
  }

  // What follows is for the writer.

  /// Makes room for one more key. An old table goes to `unlinked`.
  /// The only function here that allocates: when it throws, nothing has changed.
  void reserve_one(ReaderSlots::Objects& unlinked) {
    if (4 * (n_used_ + 1) <= owner_->mask + 1) return;
    ReaderSlots::Objects old(1);
    const auto fresh = std::make_shared<Table>(std::bit_ceil(5 * (n_keys_ + 1)));
    for (std::size_t i = 0; i <= owner_->mask; ++i) {
      const Key* const key = owner_->slots[i].key.load(std::memory_order_relaxed);
      if (key != nullptr && key != removed()) write(*fresh, *key);
    }
    old.front().owner = std::exchange(owner_, fresh);
    n_used_ = n_keys_;
    table_.store(fresh.get());
    unlinked.splice(unlinked.end(), old);
  }
  /// Adds a key, or puts it in place of the one with its id: no reader misses it meanwhile.
  /// reserve_one() comes first.
  void put(const Key& key) noexcept {
    const Key* const before = write(*owner_, key);
    if (before == nullptr) ++n_used_;
    if (before == nullptr || before == removed()) ++n_keys_;
  }
  void erase(const Key& key) noexcept {
    slot_of(*owner_, key).key.store(removed());
    --n_keys_;
  }

 private:
  static constexpr std::size_t kSmallest = 16;
  using Words = std::array<std::uint64_t, 2>;
  static Words words_of(const KeyId& id) noexcept { return std::bit_cast<Words>(id.bytes); }

  struct alignas(32) Slot {
    std::array<std::atomic<std::uint64_t>, 2> id;
    std::atomic<const Key*> key;  // null: the slot is free
    std::atomic<TimePoint::rep> loaded;

    [[nodiscard]] bool has(const Words& words) const noexcept {
      return id[0].load(std::memory_order_relaxed) == words[0] &&
             id[1].load(std::memory_order_relaxed) == words[1];
    }
  };
  struct Table {
    explicit Table(std::size_t n_slots)
        : mask(n_slots - 1), slots(std::make_unique<Slot[]>(n_slots)) {}
    const std::size_t mask;
    const std::unique_ptr<Slot[]> slots;
  };

  /// Stands for a key that was erased. Never looked into.
  static const Key* removed() noexcept {
    return reinterpret_cast<const Key*>(alignof(Key));  // NOLINT(performance-no-int-to-ptr)
  }

  /// The slot of the key's id, or the free one that it may take.
  static Slot& slot_of(const Table& table, const Key& key) noexcept {
    const Words words = words_of(key.id);
    std::size_t i = key.hash & table.mask;
    while (table.slots[i].key.load(std::memory_order_relaxed) != nullptr &&
           !table.slots[i].has(words))
      i = (i + 1) & table.mask;
    return table.slots[i];
  }
  /// Returns what was there.
  static const Key* write(const Table& table, const Key& key) noexcept {
    Slot& slot = slot_of(table, key);
    const Key* const before = slot.key.load(std::memory_order_relaxed);
    const auto loaded = key.loaded.time_since_epoch().count();
    if (before == nullptr) {
      const Words words = words_of(key.id);
      for (std::size_t w = 0; w < words.size(); ++w)
        slot.id[w].store(words[w], std::memory_order_relaxed);
      slot.loaded.store(loaded);
    }
    slot.key.store(&key);
    slot.loaded.store(loaded);
    return before;
  }

  std::atomic<const Table*> table_{nullptr};  // what readers search
  std::shared_ptr<Table> owner_;              // the same
  std::size_t n_keys_ = 0;
  std::size_t n_used_ = 0;  // slots that have an id
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_ID_TABLE_H_
