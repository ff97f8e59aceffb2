#ifndef FLE_KERNELS_SCRUB_H_
#define FLE_KERNELS_SCRUB_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/target.h"

// What a kernel calls last, so that no round key, message word or plaintext stays in a vector
// register, which the next signal or context switch would save, or in dead stack memory, where the
// compiler has spilled some of them out of reach of any other wipe.
namespace fle::kernels {

/// Wipes kN bytes of the stack below the caller: to be called where the functions to clean up
/// behind were called, kN no less than their frames. Those are [[gnu::noinline]]: as part of their
/// caller they would leave their variables in its frame, above what is wiped.
template <std::size_t kN>
[[gnu::noinline]] static void wipe_below() noexcept {  // static: no weak code in a kernel
  std::uint8_t below[kN];
  ::explicit_bzero(below, kN);
}
template <std::size_t kN>
FLE_INLINE void scrub_stack() noexcept {
  wipe_below<kN>();
  // As the last call of its caller it would be made from where the caller's own frame began.
  asm volatile("");
}

#if defined(__x86_64__)

#define FLE_ZERO_XMM(n) "pxor %%xmm" #n ", %%xmm" #n "\n\t"
#define FLE_ZERO_ZMM(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define FLE_REGISTERS_0_TO_15                                                              \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

FLE_INLINE void scrub_xmm() noexcept {
  asm volatile(FLE_ZERO_XMM(0) FLE_ZERO_XMM(1) FLE_ZERO_XMM(2) FLE_ZERO_XMM(3) FLE_ZERO_XMM(4)
                   FLE_ZERO_XMM(5) FLE_ZERO_XMM(6) FLE_ZERO_XMM(7) FLE_ZERO_XMM(8) FLE_ZERO_XMM(9)
                       FLE_ZERO_XMM(10) FLE_ZERO_XMM(11) FLE_ZERO_XMM(12) FLE_ZERO_XMM(13)
                           FLE_ZERO_XMM(14) FLE_ZERO_XMM(15)
               :
               :
               : FLE_REGISTERS_0_TO_15);
}

FLE_TARGET_AVX2 FLE_INLINE void scrub_ymm() noexcept {
  asm volatile("vzeroall" : : : FLE_REGISTERS_0_TO_15);
}

FLE_TARGET_AVX512 FLE_INLINE void scrub_zmm() noexcept {
  asm volatile(FLE_ZERO_ZMM(16) FLE_ZERO_ZMM(17) FLE_ZERO_ZMM(18) FLE_ZERO_ZMM(19) FLE_ZERO_ZMM(20)
                   FLE_ZERO_ZMM(21) FLE_ZERO_ZMM(22) FLE_ZERO_ZMM(23) FLE_ZERO_ZMM(24)
                       FLE_ZERO_ZMM(25) FLE_ZERO_ZMM(26) FLE_ZERO_ZMM(27) FLE_ZERO_ZMM(28)
                           FLE_ZERO_ZMM(29) FLE_ZERO_ZMM(30) FLE_ZERO_ZMM(31) "vzeroall"
               :
               :
               : FLE_REGISTERS_0_TO_15, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",
                 "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
                 "xmm31");
}

/// scrub_stack() where there are 512-bit registers: whole lines at a time, which for a few KiB
/// takes half as long as memset, and as often as a small batch is wiped behind that shows.
template <std::size_t kN>
[[gnu::noinline]] FLE_TARGET_AVX512 static void wipe_lines_below() noexcept {
  constexpr std::size_t kLine = 64;
  static_assert(kN % kLine == 0 && kN >= 2 * kLine);
  std::uint8_t below[kN];
  __m512i zeros = _mm512_setzero_si512();
  asm("" : "+v"(zeros));  // or the compiler sees that this is memset
  _mm512_storeu_si512(below, zeros);
  _mm512_storeu_si512(below + kN - kLine, zeros);
  std::uint8_t* const first = below + (-reinterpret_cast<std::uintptr_t>(below)) % kLine;
  for (std::size_t i = 0; i < kN - kLine; i += kLine) _mm512_store_si512(first + i, zeros);
  asm volatile("" : : "r"(below) : "memory");
}
template <std::size_t kN>
FLE_TARGET_AVX512 FLE_INLINE void scrub_stack_zmm() noexcept {
  wipe_lines_below<kN>();
  asm volatile("");
}

/// The registers that code for any CPU of this kind uses, libcrypto's included.
FLE_INLINE void scrub_baseline() noexcept { scrub_xmm(); }

#undef FLE_ZERO_XMM
#undef FLE_ZERO_ZMM
#undef FLE_REGISTERS_0_TO_15

#elif defined(__aarch64__)

#define FLE_ZERO(n) "movi v" #n ".2d, #0\n\t"

// Of v8 to v15 the compiler brings the lower halves back, which are the caller's (Procedure Call
// Standard for the Arm 64-bit Architecture, section 6.1.2).
FLE_INLINE void scrub_baseline() noexcept {
  asm volatile(FLE_ZERO(0) FLE_ZERO(1) FLE_ZERO(2) FLE_ZERO(3) FLE_ZERO(4) FLE_ZERO(5) FLE_ZERO(6)
                   FLE_ZERO(7) FLE_ZERO(8) FLE_ZERO(9) FLE_ZERO(10) FLE_ZERO(11) FLE_ZERO(12)
                       FLE_ZERO(13) FLE_ZERO(14) FLE_ZERO(15) FLE_ZERO(16) FLE_ZERO(17) FLE_ZERO(18)
                           FLE_ZERO(19) FLE_ZERO(20) FLE_ZERO(21) FLE_ZERO(22) FLE_ZERO(23)
                               FLE_ZERO(24) FLE_ZERO(25) FLE_ZERO(26) FLE_ZERO(27) FLE_ZERO(28)
                                   FLE_ZERO(29) FLE_ZERO(30) FLE_ZERO(31)
               :
               :
               : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",
                 "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
                 "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}

#undef FLE_ZERO

#else

inline void scrub_baseline() noexcept {}

#endif

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SCRUB_H_
