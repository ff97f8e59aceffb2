#ifndef FLE_JSON_MEMORY_H_
#define FLE_JSON_MEMORY_H_

#include <cstddef>
#include <cstdlib>
#include <new>

namespace fle {

/// Memory for RapidJSON (its concept Allocator). RapidJSON writes to whatever it is given, also to
/// the null pointer that its own CrtAllocator hands out when there is no more memory.
class JsonMemory {
 public:
  static const bool kNeedFree = true;

  void* Malloc(std::size_t size) { return size == 0 ? nullptr : given(std::malloc(size)); }
  void* Realloc(void* p, std::size_t, std::size_t size) {
    if (size != 0) return given(std::realloc(p, size));
    Free(p);
    return nullptr;
  }
  static void Free(void* p) noexcept { std::free(p); }

 private:
  static void* given(void* p) { return p != nullptr ? p : throw std::bad_alloc(); }
};

}  // namespace fle

#endif  // FLE_JSON_MEMORY_H_
