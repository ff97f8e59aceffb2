#ifndef FLE_KERNELS_AES_H_
#define FLE_KERNELS_AES_H_

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fle::kernels {

// AES-256 (FIPS 197).
inline constexpr std::size_t kBlock = 16;  // bytes
inline constexpr int kRounds = 14;

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

#endif  // FLE_KERNELS_AES_H_
