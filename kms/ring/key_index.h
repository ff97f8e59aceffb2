#ifndef FLE_KMS_SRC_KEY_INDEX_H_
#define FLE_KMS_SRC_KEY_INDEX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "reader_slots.h"

namespace fle::kms {

/// A hash table that any number of pinned readers (ReaderSlots) search without a lock while one
/// writer changes it. It owns no item.
///
/// Open addressing with linear probing over slots of one atomic word: an item's address, with six
/// bits of its hash in the bits that its alignment leaves free. A probe therefore seldom touches an
/// item that is not the one sought, and a look-up costs two cache lines, the slot's and the item's,
/// however large the table is. At most half of the slots are in use, tombstones counted.
///
/// Why readers are right: items do not move within a table, and a slot changes in one store, so a
/// reader finds an item that stays from before its look-up until after it. When the table grows the
/// new one is complete before its address is published; the old one is retired.
///
/// @tparam Item  aligned to 64 bytes, with a member `hash` that never changes.
template <class Item>
class KeyIndex {
 public:
  KeyIndex() { table_.store(keep(kSmallest)); }
  KeyIndex(const KeyIndex&) = delete;
  KeyIndex& operator=(const KeyIndex&) = delete;
  ~KeyIndex() = default;

  /// The item with this hash for which is_it(item) is true, or null. For pinned readers, and for
  /// the writer.
  template <class IsIt>
  [[nodiscard]] const Item* find(std::uint64_t hash, IsIt is_it) const noexcept {
    const Table& table = *table_.load();
    for (std::size_t i = hash & table.mask;; i = (i + 1) & table.mask) {
      const std::uintptr_t word = table.slots[i].load();
      if (word == kFree) return nullptr;
      if (const Item* item = candidate(word, hash); item != nullptr && is_it(*item)) return item;
    }
  }

  /// Asks the memory for the slot, and next() for the item that probably is the one: so that a
  /// batch of look-ups waits for memory once and not once for each key.
  void prefetch_slot(std::uint64_t hash) const noexcept {
    const Table& table = *table_.load();
    __builtin_prefetch(&table.slots[hash & table.mask]);
  }
  void prefetch_item(std::uint64_t hash) const noexcept {
    const Table& table = *table_.load();
    const std::uintptr_t word = table.slots[hash & table.mask].load();
    if (const Item* item = candidate(word, hash)) __builtin_prefetch(item);
  }

  // What follows is for the writer.

  /// Makes room for `n` more items. An old table goes to `unlinked`.
  /// The only function here that allocates: when it throws, nothing has changed.
  void reserve(std::size_t n, ReaderSlots::Objects& unlinked) {
    const std::size_t n_slots = owner_->mask + 1;
    if (2 * (n_used_ + n) <= n_slots) return;
    std::size_t wanted = kSmallest;
    while (wanted < 3 * (n_items_ + n)) wanted *= 2;
    ReaderSlots::Objects old(1);
    const std::shared_ptr<Table> fresh = std::make_shared<Table>(wanted);
    for (std::size_t i = 0; i < n_slots; ++i) {
      const std::uintptr_t word = owner_->slots[i].load(std::memory_order_relaxed);
      if (is_item(word)) fresh->slots[free_slot(*fresh, item_of(word)->hash)].store(word);
    }
    old.front().owner = std::exchange(owner_, fresh);
    n_used_ = n_items_;
    table_.store(fresh.get());
    unlinked.splice(unlinked.end(), old);
  }
  /// Adds an item whose key is not there. reserve() comes first.
  void insert(const Item& item) noexcept {
    const std::size_t i = free_slot(*owner_, item.hash);
    if (owner_->slots[i].load(std::memory_order_relaxed) == kFree) ++n_used_;
    ++n_items_;
    owner_->slots[i].store(word_of(item));
  }
  /// Puts `item` in place of `old`, which has the same key: no reader misses it meanwhile.
  void replace(const Item& old, const Item& item) noexcept {
    owner_->slots[slot_of(old)].store(word_of(item));
  }
  void erase(const Item& item) noexcept {
    owner_->slots[slot_of(item)].store(kTombstone);
    --n_items_;
  }

 private:
  static_assert(alignof(Item) >= 64);
  static constexpr std::size_t kSmallest = 16;
  static constexpr std::uintptr_t kFree = 0;
  static constexpr std::uintptr_t kTombstone = 1;  // the address is null: no item
  static constexpr std::uintptr_t kTagMask = 63;

  struct Table {
    explicit Table(std::size_t n_slots)
        : mask(n_slots - 1), slots(std::make_unique<std::atomic<std::uintptr_t>[]>(n_slots)) {}
    const std::size_t mask;
    const std::unique_ptr<std::atomic<std::uintptr_t>[]> slots;
  };

  const Table* keep(std::size_t n_slots) {
    owner_ = std::make_shared<Table>(n_slots);
    return owner_.get();
  }
  static bool is_item(std::uintptr_t word) noexcept { return (word & ~kTagMask) != 0; }
  static const Item* item_of(std::uintptr_t word) noexcept {
    return reinterpret_cast<const Item*>(word & ~kTagMask);  // NOLINT(performance-no-int-to-ptr)
  }
  static std::uintptr_t tag_of(std::uint64_t hash) noexcept { return hash >> 58; }
  static std::uintptr_t word_of(const Item& item) noexcept {
    return reinterpret_cast<std::uintptr_t>(&item) | tag_of(item.hash);
  }
  static const Item* candidate(std::uintptr_t word, std::uint64_t hash) noexcept {
    return (word & kTagMask) == tag_of(hash) && is_item(word) ? item_of(word) : nullptr;
  }
  static std::size_t free_slot(const Table& table, std::uint64_t hash) noexcept {
    std::size_t i = hash & table.mask;
    while (is_item(table.slots[i].load(std::memory_order_relaxed))) i = (i + 1) & table.mask;
    return i;
  }
  [[nodiscard]] std::size_t slot_of(const Item& item) const noexcept {
    std::size_t i = item.hash & owner_->mask;
    while (owner_->slots[i].load(std::memory_order_relaxed) != word_of(item))
      i = (i + 1) & owner_->mask;
    return i;
  }

  std::atomic<const Table*> table_{nullptr};  // what readers search
  std::shared_ptr<Table> owner_;              // the same
  std::size_t n_items_ = 0;
  std::size_t n_used_ = 0;  // items and tombstones
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_KEY_INDEX_H_
