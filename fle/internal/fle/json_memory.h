#ifndef FLE_JSON_MEMORY_H_
#define FLE_JSON_MEMORY_H_

#include <cstddef>
#include <cstdlib>
#include <new>

namespace fle {

/// Memory for RapidJSON, which writes to what it gets without a look: null, too, where its own
/// allocator has none left. This one throws std::bad_alloc, like every other allocation of ours.
class JsonMemory {
 public:
  // The names are RapidJSON's.
  static constexpr bool kNeedFree = true;
  void* Malloc(std::size_t n) {  // NOLINT(readability-identifier-naming)
    return n == 0 ? nullptr : there(std::malloc(n));
  }
  void* Realloc(void* p, std::size_t, std::size_t n) {  // NOLINT(readability-identifier-naming)
    if (n != 0) return there(std::realloc(p, n));
    Free(p);
    return nullptr;
  }
  static void Free(void* p) noexcept { std::free(p); }  // NOLINT(readability-identifier-naming)

 private:
  static void* there(void* p) { return p != nullptr ? p : throw std::bad_alloc(); }
};

}  // namespace fle

#endif  // FLE_JSON_MEMORY_H_
