#ifndef FLE_WIPED_H_
#define FLE_WIPED_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include <string.h>  // explicit_bzero

namespace fle {

/// Memory that is zeroes by the time it is free: for documents, their texts, and whatever else
/// holds plaintext for a while. Not locked, unlike SecretBytes: documents are far larger than
/// RLIMIT_MEMLOCK.
///
/// resize() leaves new elements as they are in memory: who asks for room is going to fill it.
///
/// Thread safety: as std::allocator.
template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() noexcept = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept {
    ::explicit_bzero(p, n * sizeof(T));
    ::operator delete(p);
  }
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
  friend bool operator==(WipingAllocator, WipingAllocator) noexcept { return true; }
};

/// No byte of these is left in freed memory. Vectors and not strings: short strings live inside the
/// object, where nothing wipes.
using WipedBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;
using WipedChars = std::vector<char, WipingAllocator<char>>;

}  // namespace fle

#endif  // FLE_WIPED_H_
