#include "fle/secret.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace fle {
namespace {

constexpr std::size_t kUnit = 64;             // a secret takes whole cache lines
constexpr std::size_t kSlabSize = 64 * 1024;  // many small secrets share one locked mapping
constexpr std::size_t kSlabUnits = kSlabSize / kUnit;
constexpr std::size_t kLargest = kSlabSize / 4;  // beyond this a secret has a mapping of its own

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t round_up(std::size_t n, std::size_t to) noexcept { return (n + to - 1) / to * to; }

constexpr const char* kCreate = "SecretBytes::create";

/// Pages that read as zeros in forked children. `is_protected`: locked and out of core dumps too.
struct Mapping {
  std::uint8_t* p = nullptr;
  bool is_protected = false;
};

Result<Mapping> map_pages(std::size_t len, LockPolicy policy) noexcept {
  void* p = ::mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return Error{Errc::no_memory, kCreate};
  // MADV_WIPEONFORK, not MADV_DONTFORK: a child that touches an inherited secret must get an
  // error (the `live` word of a key reads as 0), not a segmentation fault. Demanded whatever the
  // policy: without it a child's random generator would repeat its parent's.
  const bool wiped_on_fork = ::madvise(p, len, MADV_WIPEONFORK) == 0;
  const bool is_protected = ::madvise(p, len, MADV_DONTDUMP) == 0 && ::mlock(p, len) == 0;
  if (!wiped_on_fork || (!is_protected && policy == LockPolicy::required)) {
    ::munmap(p, len);
    return Error{Errc::lock_failed, kCreate};
  }
  return Mapping{static_cast<std::uint8_t*>(p), is_protected};
}

class Arena;

/// Where the process's arena is noted: on a page that reads as zeros in a child, however it was
/// made (fork, _Fork, clone). So a child makes an arena of its own, and takes neither locked pages
/// that are no longer locked there nor a mutex that another thread of its parent held. Null: no
/// such page.
std::atomic<Arena*>* note_of_arena() noexcept {
  static std::atomic<std::atomic<Arena*>*> note{nullptr};
  if (auto* const there = note.load(std::memory_order_acquire)) return there;
  const std::size_t len = page_size();
  void* p = ::mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  std::atomic<Arena*>* none = nullptr;
  if (::madvise(p, len, MADV_WIPEONFORK) == 0) {
    auto* const mine = ::new (p) std::atomic<Arena*>(nullptr);
    if (note.compare_exchange_strong(none, mine, std::memory_order_acq_rel)) return mine;
  }
  ::munmap(p, len);
  return none;
}

/// Every live secret of the process. The books are kept outside the locked pages.
class Arena {
 public:
  /// Never destroyed: secrets of other static objects may outlive any order of destruction.
  /// Null: the pages of a child would not be wiped here.
  static Arena* instance() {
    std::atomic<Arena*>* const note = note_of_arena();
    if (note == nullptr) return nullptr;
    if (Arena* const there = note->load(std::memory_order_acquire)) return there;
    auto made = std::make_unique<Arena>();
    Arena* now = nullptr;
    if (!note->compare_exchange_strong(now, made.get(), std::memory_order_acq_rel)) return now;
    static std::atomic<Arena*> newest{nullptr};
    made->parents_ = newest.exchange(made.get());
    return made.release();
  }

  Result<std::uint8_t*> allocate(std::size_t size, LockPolicy policy) {
    const std::lock_guard lock(mutex_);
    return size > kLargest ? allocate_alone(size, policy) : allocate_shared(size, policy);
  }

  /// Gives a secret back, whichever process of this family took it.
  static void release_anywhere(std::uint8_t* p, std::size_t size) noexcept {
    wipe({p, size});
    if (size > kLargest) {
      ::munmap(p, round_up(size, page_size()));
      return;
    }
    // A child that has made no secret yet has no arena, and nothing to note either.
    std::atomic<Arena*>* const note = note_of_arena();
    Arena* const arena = note == nullptr ? nullptr : note->load(std::memory_order_acquire);
    if (arena != nullptr) arena->release(p, size);
  }

 private:
  void release(std::uint8_t* p, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    auto it = slabs_.upper_bound(p);
    // Of the parent: its pages were wiped, and are not ours to use again.
    if (it == slabs_.begin() || p >= std::prev(it)->first + kSlabSize) return;
    --it;
    Slab& slab = it->second;
    const auto first = static_cast<std::size_t>(p - it->first) / kUnit;
    for (std::size_t u = first; u < first + units(size); ++u) slab.used.reset(u);
    if (!slab.used.none()) return note_room(it->first, slab, kSlabUnits - slab.used.count());
    rooms_[slab.is_protected].erase({slab.room, it->first});
    ::munmap(it->first, kSlabSize);
    slabs_.erase(it);
  }

  struct Slab {
    bool is_protected = false;
    std::size_t room = 0;  // no run of free units is longer than this
    std::bitset<kSlabUnits> used;
  };
  /// Slabs by the room they may have, so that a place is found without a look at those that are
  /// full: a million keys fill thousands of slabs. A search that fails corrects the number, so it
  /// is paid for by the release that raised it.
  using Rooms = std::set<std::pair<std::size_t, std::uint8_t*>>;

  static std::size_t units(std::size_t size) noexcept { return round_up(size, kUnit) / kUnit; }

  Result<std::uint8_t*> allocate_alone(std::size_t size, LockPolicy policy) noexcept {
    const std::size_t len = round_up(size, page_size());
    if (len < size) return Error{Errc::no_memory, kCreate};  // wrapped around
    FLE_TRY(const Mapping m, map_pages(len, policy));
    return m.p;
  }

  Result<std::uint8_t*> allocate_shared(std::size_t size, LockPolicy policy) {
    const std::size_t want = units(size);
    while (std::uint8_t* const base = slab_with_room(want, policy)) {
      Slab& slab = slabs_.find(base)->second;
      const std::size_t at = find_run(slab.used, want);
      if (at != kSlabUnits) return take(base, slab, at, want);
      note_room(base, slab, want - 1);
    }
    FLE_TRY(std::uint8_t* const base, add_slab(policy));
    return take(base, slabs_.find(base)->second, 0, want);
  }

  /// Null when none may have that much.
  [[nodiscard]] std::uint8_t* slab_with_room(std::size_t want, LockPolicy policy) const noexcept {
    for (const bool is_protected : {true, false}) {
      if (!is_protected && policy == LockPolicy::required) break;
      const Rooms& rooms = rooms_[is_protected];
      const auto it = rooms.lower_bound({want, nullptr});
      if (it != rooms.end()) return it->second;
    }
    return nullptr;
  }

  Result<std::uint8_t*> add_slab(LockPolicy policy) {
    FLE_TRY(const Mapping m, map_pages(kSlabSize, policy));
    Rooms& rooms = rooms_[m.is_protected];
    try {
      rooms.emplace(kSlabUnits, m.p);
      Slab& slab = slabs_[m.p];
      slab.is_protected = m.is_protected;
      slab.room = kSlabUnits;
    } catch (const std::bad_alloc&) {
      rooms.erase({kSlabUnits, m.p});
      ::munmap(m.p, kSlabSize);
      return Error{Errc::no_memory, kCreate};
    }
    return m.p;
  }

  std::uint8_t* take(std::uint8_t* base, Slab& slab, std::size_t at, std::size_t n) noexcept {
    for (std::size_t u = at; u < at + n; ++u) slab.used.set(u);
    note_room(base, slab, std::min(slab.room, kSlabUnits - slab.used.count()));
    return base + at * kUnit;
  }

  /// Allocates nothing: a node moves.
  void note_room(std::uint8_t* base, Slab& slab, std::size_t room) noexcept {
    if (slab.room == room) return;
    Rooms& rooms = rooms_[slab.is_protected];
    auto node = rooms.extract({slab.room, base});
    slab.room = room;
    node.value().first = room;
    rooms.insert(std::move(node));
  }

  static std::size_t find_run(const std::bitset<kSlabUnits>& used, std::size_t want) noexcept {
    std::size_t run = 0;
    for (std::size_t u = 0; u < kSlabUnits; ++u) {
      run = used[u] ? 0 : run + 1;
      if (run == want) return u + 1 - want;
    }
    return kSlabUnits;
  }

  std::mutex mutex_;
  std::map<std::uint8_t*, Slab> slabs_;
  std::array<Rooms, 2> rooms_;  // of unprotected and of protected slabs
  // Of the processes that this one comes from: a child cannot free it, nor may it look like a leak.
  Arena* parents_ = nullptr;
};

}  // namespace

void wipe(MutBytes b) noexcept {
  if (!b.empty()) ::explicit_bzero(b.data(), b.size());
}

[[gnu::noinline]] void wipe_stack() noexcept {
  std::uint8_t room[16 * 1024];
  wipe(room);
}

bool ct_equal(Bytes a, Bytes b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t diff = 0;
  std::size_t i = 0;
  for (; i + sizeof diff <= a.size(); i += sizeof diff) {
    std::uint64_t x = 0;
    std::uint64_t y = 0;
    std::memcpy(&x, a.data() + i, sizeof x);
    std::memcpy(&y, b.data() + i, sizeof y);
    diff |= x ^ y;
    asm("" : "+r"(diff));  // keeps the compiler from leaving the loop early
  }
  for (; i < a.size(); ++i) {
    diff |= static_cast<std::uint64_t>(a[i] ^ b[i]);
    asm("" : "+r"(diff));
  }
  return diff == 0;
}

Result<SecretBytes> SecretBytes::create(std::size_t size, LockPolicy policy) {
  if (size == 0) return Error{Errc::invalid_argument, kCreate};
  try {
    Arena* const arena = Arena::instance();
    if (arena == nullptr) return Error{Errc::lock_failed, kCreate};
    FLE_TRY(std::uint8_t* const p, arena->allocate(size, policy));
    return SecretBytes{p, size};
  } catch (const std::bad_alloc&) {  // the arena itself, on first use
    return Error{Errc::no_memory, kCreate};
  }
}

Result<SecretBytes> SecretBytes::copy_of(Bytes from, LockPolicy policy) {
  FLE_TRY(SecretBytes s, create(from.size(), policy));
  std::memcpy(s.expose_mut().data(), from.data(), from.size());
  return s;
}

SecretBytes::~SecretBytes() {
  if (p_ != nullptr) Arena::release_anywhere(p_, size_);
}

Result<WipedBuffer> WipedBuffer::copy_of(Bytes from) noexcept {
  WipedBuffer b;
  if (const Status made = b.reset(from.size()); !made)
    return Error{made.error().code, "WipedBuffer::copy_of"};
  std::copy(from.begin(), from.end(), b.bytes().begin());
  return b;
}

Result<WipedBuffer> WipedBuffer::copy_of(std::string_view from) noexcept {
  return copy_of(Bytes(reinterpret_cast<const std::uint8_t*>(from.data()), from.size()));
}

Status WipedBuffer::reset(std::size_t size) noexcept {
  clear();
  if (size > cap_) {
    delete[] std::exchange(p_, nullptr);  // first, so that both blocks never stand side by side
    cap_ = 0;
    p_ = new (std::nothrow) std::uint8_t[size];
    if (p_ == nullptr) return Error{Errc::no_memory, "WipedBuffer::reset"};
    cap_ = size;
  }
  size_ = size;
  return ok;
}

void WipedBuffer::clear() noexcept {
  wipe({p_, size_});
  size_ = 0;
}

WipedBuffer::~WipedBuffer() {
  clear();
  delete[] p_;
}

}  // namespace fle
