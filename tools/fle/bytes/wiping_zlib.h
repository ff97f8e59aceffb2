#ifndef FLE_TOOLS_WIPING_ZLIB_H_
#define FLE_TOOLS_WIPING_ZLIB_H_

#include <cstdlib>

#include <string.h>  // explicit_bzero
#include <zlib.h>

namespace fle::tools {

/// zlib keeps the last 32 KiB of what it packs or unpacks, which is plaintext: its memory is zeros
/// by the time it is free. Before inflateInit or deflateInit.
inline void use_wiped_memory(z_stream& z) noexcept {
  // The size of a block stands before it, in a room that keeps what follows aligned.
  constexpr std::size_t kRoom = 64;
  z.zalloc = [](voidpf, uInt items, uInt size) -> voidpf {
    const std::size_t n = std::size_t{items} * size + kRoom;
    void* const p = std::calloc(1, n);
    if (p == nullptr) return Z_NULL;
    *static_cast<std::size_t*>(p) = n;
    return static_cast<char*>(p) + kRoom;
  };
  z.zfree = [](voidpf, voidpf block) {
    char* const p = static_cast<char*>(block) - kRoom;
    const std::size_t n = *reinterpret_cast<std::size_t*>(p);
    explicit_bzero(p, n);
    std::free(p);
  };
}

}  // namespace fle::tools

#endif  // FLE_TOOLS_WIPING_ZLIB_H_
