#ifndef FLE_TOOLS_CRYPTD_HANDLER_H_
#define FLE_TOOLS_CRYPTD_HANDLER_H_

#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

namespace fle::cryptd {

/// Room for one operation that waits: what is under way goes on when the heap has no more. Where it
/// is taken, or too small, the heap is asked.
///
/// Taken and given back on any thread. Outlives the io_context, or belongs to what its handlers
/// keep alive.
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  [[nodiscard]] void* take(std::size_t n) {
    if (n <= sizeof room_ && !taken_.exchange(true, std::memory_order_acquire)) return room_;
    return ::operator new(n);
  }
  void give_back(void* p) noexcept {
    if (p != room_) return ::operator delete(p);
    taken_.store(false, std::memory_order_release);
  }

 private:
  alignas(std::max_align_t) std::byte room_[512];
  std::atomic<bool> taken_{false};
};

template <class T>
class HandlerAllocator {
 public:
  using value_type = T;
  explicit HandlerAllocator(HandlerMemory& m) noexcept : memory_(&m) {}
  template <class U>
  HandlerAllocator(const HandlerAllocator<U>& o) noexcept  // NOLINT(google-explicit-constructor)
      : memory_(o.memory_) {}

  [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(memory_->take(n * sizeof(T))); }
  void deallocate(T* p, std::size_t) noexcept { memory_->give_back(p); }
  friend bool operator==(const HandlerAllocator& a, const HandlerAllocator& b) noexcept {
    return a.memory_ == b.memory_;
  }

 private:
  template <class U>
  friend class HandlerAllocator;
  HandlerMemory* memory_;
};

/// The one kind of handler that Asio gets from us: `call` with `owner`, and if that throws,
/// whatever it is, owner->failed() and nothing more. So an exception (of memory, above all) ends
/// what it happened to, not the process.
///
/// @tparam Owner  a pointer, of any kind, to something with a failed() that does not throw.
template <class Owner, class Call>
class Handler {
 public:
  using allocator_type = HandlerAllocator<std::byte>;

  Handler(HandlerMemory& memory, Owner owner, Call call)
      : memory_(&memory), owner_(std::move(owner)), call_(std::move(call)) {}

  [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }

  template <class... Args>
  void operator()(Args&&... args) noexcept {
    try {
      call_(*owner_, std::forward<Args>(args)...);
    } catch (...) {
      owner_->failed();
    }
  }

 private:
  HandlerMemory* memory_;
  Owner owner_;
  Call call_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_HANDLER_H_
