#ifndef FLE_KMS_SRC_READER_SLOTS_H_
#define FLE_KMS_SRC_READER_SLOTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

namespace fle::kms {

/// A reader's place.
struct alignas(64) ReaderSlot {
  std::atomic<std::uint64_t> epoch{0};  // 0: free
  std::atomic<std::uint64_t> hits{0};   // written by the reader that has the slot, and only then
};

/// Lets readers use objects that a writer may take out of a structure at any moment, without a lock
/// and without a count that all readers share: epoch-based reclamation.
///
/// A reader pins: it claims a slot, a cache line of its own, and writes the current epoch there.
/// Until it unpins it may follow every pointer that it loads from the structure. A writer first
/// unlinks an object, so that nobody finds it any more, and then retires it: the epoch moves on, to
/// E say, and the object is kept until no slot holds an epoch before E.
///
/// Why that is right. Slots, the epoch, and the structure's pointers are all read and written with
/// memory_order_seq_cst, so there is one order of all these operations. Take a writer that unlinked
/// an object, moved the epoch to E, and now looks at a reader's slot.
///  - It sees 0. Then the reader claims its slot later in that order, loads pointers later still,
///    and cannot find what is unlinked; or it has unpinned, and does not use it any more.
///  - It sees an epoch >= E. The reader read the epoch after it had moved, so after the unlinking,
///    and loads pointers later still: it cannot find the object either.
///  - It sees an epoch < E. The reader may have the object; the object is kept.
///
/// What is retired while a reader is pinned stays until that reader unpins, and is freed then.
/// Retiring allocates nothing, so memory running out cannot free something that is in use: an
/// object lives in a node of a std::list from the start, and the node changes lists.
class ReaderSlots {
 public:
  static constexpr std::size_t kSlots = 256;

  /// An object that readers may see: its owner.
  struct Object {
    std::shared_ptr<const void> owner;
    std::uint64_t epoch = 0;  // when it was retired
  };
  using Objects = std::list<Object>;

  ReaderSlots() = default;
  ReaderSlots(const ReaderSlots&) = delete;
  ReaderSlots& operator=(const ReaderSlots&) = delete;

  /// A slot, or null when kSlots readers are pinned already. A thread may pin more than once.
  [[nodiscard]] ReaderSlot* pin() noexcept;
  void unpin(ReaderSlot& slot) noexcept;

  /// Takes over objects that are unlinked already. One writer at a time.
  void retire(Objects unlinked) noexcept;

  /// Sum of all ReaderSlot::hits.
  [[nodiscard]] std::uint64_t hits() const noexcept;

 private:
  void free_unused() noexcept;

  std::array<ReaderSlot, kSlots> slots_;
  alignas(64) std::atomic<std::uint64_t> epoch_{1};
  std::atomic<std::uint64_t> newest_retired_{0};  // its epoch; 0: nothing is retired
  std::mutex mutex_;                              // guards retired_
  Objects retired_;                               // by epoch
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_READER_SLOTS_H_
