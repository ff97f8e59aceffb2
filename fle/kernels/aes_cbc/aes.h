#ifndef FLE_KERNELS_AES_CBC_AES_H_
#define FLE_KERNELS_AES_CBC_AES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fle::kernels {

// AES-256 (FIPS 197).
inline constexpr std::size_t kBlock = 16;  // bytes
inline constexpr int kRounds = 14;

/// The block that ends a message: `rest` bytes, fewer than a block, and PKCS#7 padding (RFC 5652
/// section 6.3). Without a call, and written at once: what is put together of small pieces cannot
/// be read as a whole for some time.
inline void pad(std::uint8_t* block, const std::uint8_t* tail, std::size_t rest) noexcept {
  const std::uint64_t filler = 0x0101010101010101U * (kBlock - rest);
  std::uint64_t half[2] = {0, filler};
  const std::size_t n = rest % 8;
  if (rest >= 8) {
    std::memcpy(half, tail, 8);
    tail += 8;
  }
  std::uint64_t last = 0;
  if (n >= 4) {
    std::uint32_t ends[2];
    std::memcpy(&ends[0], tail, 4);
    std::memcpy(&ends[1], tail + n - 4, 4);
    last = ends[0] | std::uint64_t{ends[1]} << (8 * (n - 4));
  } else {
    for (std::size_t i = n; i-- != 0;) last = last << 8 | tail[i];
  }
  half[rest / 8] = last | filler << (8 * n);
  std::memcpy(block, half, kBlock);
}

#if defined(__x86_64__)
// SSE2 is part of x86-64, so these need no target of their own and become part of their callers'.
[[gnu::always_inline]] inline __m128i load(const std::uint8_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
[[gnu::always_inline]] inline void store(std::uint8_t* p, __m128i v) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
}
#endif

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_AES_H_
