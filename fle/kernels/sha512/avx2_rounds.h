#ifndef FLE_KERNELS_SHA512_AVX2_ROUNDS_H_
#define FLE_KERNELS_SHA512_AVX2_ROUNDS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/sha512/constants.h"
#include "kernels/target.h"

// The 80 rounds of SHA-512 (FIPS 180-4 section 6.4.2) in assembly: of four messages in vector
// registers, and of a fifth in scalar registers beside them. A compiler would put either stream
// where it thinks best. Here a line is a vector instruction and, right of it, what the fifth
// message does meanwhile.
//
// Two things make it fast. A core that starts six operations in a cycle, of which four may be
// vector ones, has room for the fifth message: it adds a tenth to the time. And the code is short,
// for a core keeps only so much of it decoded, and decodes four instructions in a cycle: so eight
// rounds are unrolled, not sixteen, for which the words of the message schedule stand in a row of
// 80 where none replaces another; and what is hashed stands close to %rdi and %rsi.
//
// a to h are ymm0 to ymm7 and r8 to r15, in turn. a ^ b of a round, which is b ^ c of the next, is
// in ymm14 or ymm15 and in rbx or rcx, in turn. All others are scratch.
namespace fle::kernels {
namespace {

/// The words of all rounds, of which the first sixteen are given.
template <class V, unsigned kStates>
struct Lanes {
  static_assert(kStates == 1);
  typename V::T w[kStates][80];
  typename V::T* state;  // what rounds() is about
};

// Two columns.
// clang-format off
#define FLE_LINE(text) text "\n\t"
#define FLE_BESIDE(text) text "\n\t"
#define FLE_ALONE(text)

// Registers by number.
#define FLE_V(n) "%%ymm" #n
#define FLE_G0 "%%r8"
#define FLE_G1 "%%r9"
#define FLE_G2 "%%r10"
#define FLE_G3 "%%r11"
#define FLE_G4 "%%r12"
#define FLE_G5 "%%r13"
#define FLE_G6 "%%r14"
#define FLE_G7 "%%r15"
#define FLE_VX0 "%%ymm14"
#define FLE_VX1 "%%ymm15"
#define FLE_GX0 "%%rbx"
#define FLE_GX1 "%%rcx"
// The words of round `i`, of four messages and of the fifth; its constant. %rdi is 128 bytes behind
// those of the first of eight rounds, so that as many as can be are within a byte's reach.
#define FLE_W(i) "%c[row]*(" #i ")-128(%%rdi)"
#define FLE_F(i) "%c[row]*(" #i ")-96(%%rdi)"
#define FLE_K(i) "8*" #i "(%%rsi)"

// Word i + 16.
#define FLE_SCHEDULE(S, i, x)                                                                      \
  FLE_LINE("vmovdqa " FLE_W(i + 14) ", %%ymm8")          S("movq " FLE_F(i + 1) ", %%rax")         \
  FLE_LINE("vmovdqa " FLE_W(i + 1) ", %%ymm9")           S("rorxq $7, %%rax, %%rdx")               \
  FLE_LINE("vpsrlq $19, %%ymm8, %%ymm10")                S("movq " FLE_F(i + 14) ", " FLE_GX##x)   \
  FLE_LINE("vpsllq $45, %%ymm8, %%ymm11")                                                          \
  FLE_LINE("vpsrlq $61, %%ymm8, %%ymm12")                S("xorq %%rax, %%rdx")                    \
  FLE_LINE("vpsllq $3, %%ymm8, %%ymm13")                 S("shrq $7, %%rax")                       \
  FLE_LINE("vpxor %%ymm10, %%ymm11, %%ymm10")            S("rorq $1, %%rdx")                       \
  FLE_LINE("vpsrlq $1, %%ymm9, %%ymm11")                                                           \
  FLE_LINE("vpxor %%ymm12, %%ymm13, %%ymm12")            S("xorq %%rax, %%rdx")                    \
  FLE_LINE("vpsllq $63, %%ymm9, %%ymm13")                S("rorxq $42, " FLE_GX##x ", %%rax")      \
  FLE_LINE("vpxor %%ymm11, %%ymm13, %%ymm11")                                                      \
  FLE_LINE("vpshufb %[rotate8], %%ymm9, %%ymm13")        S("addq " FLE_F(i) ", %%rdx")             \
  FLE_LINE("vpsrlq $7, %%ymm9, %%ymm9")                  S("xorq " FLE_GX##x ", %%rax")            \
  FLE_LINE("vpxor %%ymm13, %%ymm9, %%ymm13")             S("rorq $19, %%rax")                      \
  FLE_LINE("vpsrlq $6, %%ymm8, %%ymm9")                                                            \
  FLE_LINE("vpxor %%ymm10, %%ymm12, %%ymm8")             S("addq " FLE_F(i + 9) ", %%rdx")         \
  FLE_LINE("vpxor %%ymm11, %%ymm13, %%ymm10")            S("shrq $6, " FLE_GX##x)                  \
  FLE_LINE("vpxor %%ymm8, %%ymm9, %%ymm12")              S("xorq " FLE_GX##x ", %%rax")            \
  FLE_LINE("vpaddq %%ymm10, %%ymm12, %%ymm11")                                                     \
  FLE_LINE("vpaddq " FLE_W(i + 9) ", %%ymm11, %%ymm11")  S("addq %%rax, %%rdx")                    \
  FLE_LINE("vpaddq " FLE_W(i) ", %%ymm11, %%ymm11")      S("movq %%rdx, " FLE_F(i + 16))           \
  FLE_LINE("vmovdqa %%ymm11, " FLE_W(i + 16))

// Round `i`: d becomes the next e, h the next a.
#define FLE_ROUND(S, i, a, b, d, e, f, g, h, x, y)                                                 \
  FLE_LINE("vpbroadcastq " FLE_K(i) ", %%ymm8")          S("addq " FLE_F(i) ", " FLE_G##h)         \
  FLE_LINE("vpxor " FLE_V(f) ", " FLE_V(g) ", %%ymm9")   S("movq " FLE_G##f ", %%rax")             \
  FLE_LINE("vpsrlq $14, " FLE_V(e) ", %%ymm10")          S("rorxq $23, " FLE_G##e ", %%rdx")       \
  FLE_LINE("vpsllq $50, " FLE_V(e) ", %%ymm11")                                                    \
  FLE_LINE("vpsrlq $18, " FLE_V(e) ", %%ymm12")          S("xorq " FLE_G##g ", %%rax")             \
  FLE_LINE("vpsllq $46, " FLE_V(e) ", %%ymm13")          S("xorq " FLE_G##e ", %%rdx")             \
  FLE_LINE("vpaddq " FLE_W(i) ", %%ymm8, %%ymm8")                                                  \
  FLE_LINE("vpand " FLE_V(e) ", %%ymm9, %%ymm9")         S("andq " FLE_G##e ", %%rax")             \
  FLE_LINE("vpxor %%ymm10, %%ymm11, %%ymm10")            S("addq " FLE_K(i) ", " FLE_G##h)         \
  FLE_LINE("vpsrlq $41, " FLE_V(e) ", %%ymm11")                                                    \
  FLE_LINE("vpxor %%ymm12, %%ymm13, %%ymm12")            S("rorq $4, %%rdx")                       \
  FLE_LINE("vpsllq $23, " FLE_V(e) ", %%ymm13")          S("xorq " FLE_G##g ", %%rax")             \
  FLE_LINE("vpaddq " FLE_V(h) ", %%ymm8, " FLE_V(h))     S("xorq " FLE_G##e ", %%rdx")             \
  FLE_LINE("vpxor " FLE_V(g) ", %%ymm9, %%ymm8")                                                   \
  FLE_LINE("vpxor %%ymm11, %%ymm13, %%ymm9")             S("addq %%rax, " FLE_G##h)                \
  FLE_LINE("vpxor %%ymm10, %%ymm12, %%ymm13")            S("rorq $14, %%rdx")                      \
  FLE_LINE("vpxor " FLE_V(a) ", " FLE_V(b) ", " FLE_VX##x)                                         \
  FLE_LINE("vpsrlq $28, " FLE_V(a) ", %%ymm11")          S("movq " FLE_G##a ", " FLE_GX##x)        \
  FLE_LINE("vpsllq $36, " FLE_V(a) ", %%ymm12")          S("addq %%rdx, " FLE_G##h)                \
  FLE_LINE("vpsrlq $34, " FLE_V(a) ", %%ymm10")                                                    \
  FLE_LINE("vpaddq " FLE_V(h) ", %%ymm8, " FLE_V(h))     S("xorq " FLE_G##b ", " FLE_GX##x)        \
  FLE_LINE("vpsllq $30, " FLE_V(a) ", %%ymm8")           S("rorxq $5, " FLE_G##a ", %%rdx")        \
  FLE_LINE("vpxor %%ymm13, %%ymm9, %%ymm9")                                                        \
  FLE_LINE("vpand " FLE_VX##x ", " FLE_VX##y ", " FLE_VX##y) S("addq " FLE_G##h ", " FLE_G##d)     \
  FLE_LINE("vpsrlq $39, " FLE_V(a) ", %%ymm13")          S("andq " FLE_GX##x ", " FLE_GX##y)       \
  FLE_LINE("vpxor %%ymm11, %%ymm12, %%ymm11")            S("xorq " FLE_G##a ", %%rdx")             \
  FLE_LINE("vpsllq $25, " FLE_V(a) ", %%ymm12")                                                    \
  FLE_LINE("vpxor %%ymm10, %%ymm8, %%ymm8")              S("xorq " FLE_G##b ", " FLE_GX##y)        \
  FLE_LINE("vpaddq " FLE_V(h) ", %%ymm9, " FLE_V(h))     S("rorq $6, %%rdx")                       \
  FLE_LINE("vpxor " FLE_V(b) ", " FLE_VX##y ", " FLE_VX##y)                                        \
  FLE_LINE("vpxor %%ymm13, %%ymm12, %%ymm10")            S("addq " FLE_GX##y ", " FLE_G##h)        \
  FLE_LINE("vpxor %%ymm11, %%ymm8, %%ymm9")              S("xorq " FLE_G##a ", %%rdx")             \
  FLE_LINE("vpaddq " FLE_V(h) ", " FLE_V(d) ", " FLE_V(d))                                         \
  FLE_LINE("vpaddq " FLE_V(h) ", " FLE_VX##y ", " FLE_V(h)) S("rorq $28, %%rdx")                   \
  FLE_LINE("vpxor %%ymm9, %%ymm10, %%ymm13")             S("addq %%rdx, " FLE_G##h)                \
  FLE_LINE("vpaddq " FLE_V(h) ", %%ymm13, " FLE_V(h))

#define FLE_SCHEDULE_AND_ROUND(S, i, a, b, d, e, f, g, h, x, y)                                    \
  FLE_SCHEDULE(S, i, x) FLE_ROUND(S, i, a, b, d, e, f, g, h, x, y)
#define FLE_EIGHT(M, S)                                                                            \
  M(S, 0, 0, 1, 3, 4, 5, 6, 7, 0, 1) M(S, 1, 7, 0, 2, 3, 4, 5, 6, 1, 0)                            \
  M(S, 2, 6, 7, 1, 2, 3, 4, 5, 0, 1) M(S, 3, 5, 6, 0, 1, 2, 3, 4, 1, 0)                            \
  M(S, 4, 4, 5, 7, 0, 1, 2, 3, 0, 1) M(S, 5, 3, 4, 6, 7, 0, 1, 2, 1, 0)                            \
  M(S, 6, 2, 3, 5, 6, 7, 0, 1, 0, 1) M(S, 7, 1, 2, 4, 5, 6, 7, 0, 1, 0)                            \
  FLE_LINE("addq $64, %%rsi") FLE_LINE("addq $8*%c[row], %%rdi")

#define FLE_MOVE_IN(S, i)                                                                          \
  FLE_LINE("vmovdqa %c[row]*" #i "(%%rax), " FLE_V(i))                                             \
  S("movq %c[row]*" #i "+32(%%rax), " FLE_G##i)
#define FLE_ADD(S, i)                                                                              \
  FLE_LINE("vpaddq %c[row]*" #i "(%%rax), " FLE_V(i) ", " FLE_V(i))                                \
  FLE_LINE("vmovdqa " FLE_V(i) ", %c[row]*" #i "(%%rax)")                                          \
  S("addq " FLE_G##i ", %c[row]*" #i "+32(%%rax)")
#define FLE_STATE(M, S) M(S, 0) M(S, 1) M(S, 2) M(S, 3) M(S, 4) M(S, 5) M(S, 6) M(S, 7)

// A loop ends behind the round of its last constant: there is no register left for a counter. Rounds
// are entered with the state of Lanes::state, and what they make of it is added to that.
#define FLE_80_ROUNDS(S)                                                                           \
  FLE_LINE("movq %c[row]*80(%%rdi), %%rax") FLE_LINE("addq $128, %%rdi") FLE_STATE(FLE_MOVE_IN, S) \
  FLE_LINE("vpxor %%ymm1, %%ymm2, %%ymm15")                                                        \
  S("movq %%r9, %%rcx") S("xorq %%r10, %%rcx")                                                     \
  ".p2align 6\n1:\n\t" FLE_EIGHT(FLE_SCHEDULE_AND_ROUND, S)                                        \
  FLE_LINE("cmpl %[last_scheduled], -8(%%rsi)") FLE_LINE("jne 1b")                                 \
  ".p2align 6\n2:\n\t" FLE_EIGHT(FLE_ROUND, S)                                                     \
  FLE_LINE("cmpl %[last], -8(%%rsi)") FLE_LINE("jne 2b")                                           \
  FLE_LINE("movq -128(%%rdi), %%rax") FLE_STATE(FLE_ADD, S)

// clang-format on

// Of a shuffle that rotates each word by 8.
alignas(32) constexpr std::uint8_t kRotate8[32] = {1,  2,  3,  4,  5,  6,  7,  0,  9,  10, 11,
                                                   12, 13, 14, 15, 8,  1,  2,  3,  4,  5,  6,
                                                   7,  0,  9,  10, 11, 12, 13, 14, 15, 8};

constexpr int low_half(std::uint64_t word) noexcept {
  return static_cast<int>(static_cast<std::uint32_t>(word));
}

/// Adds what the rounds over l.w make of `l.state` to it. A function of its own, without a variable
/// in memory, which no register would be left to find.
template <class V>
[[gnu::noinline]] FLE_TARGET_AVX2 void all_rounds(Lanes<V, 1>& l) noexcept {
  using L = Lanes<V, 1>;
  static_assert(offsetof(L, w) == 0 && offsetof(L, state) == 80 * sizeof(typename V::T));
  constexpr bool kFifth = V::kLanes == 5;
  auto* w = l.w[0];
  const std::uint64_t* k = kSha512K;
  // clang-format off
#define FLE_OPERANDS                                                                               \
  : "+D"(w), "+S"(k)                                                                               \
  : [row] "i"(sizeof(typename V::T)), [rotate8] "m"(kRotate8),                                     \
    [last_scheduled] "i"(low_half(kSha512K[63])), [last] "i"(low_half(kSha512K[79]))               \
  : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",        \
    "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "rax"
  if constexpr (kFifth) {
    asm volatile(FLE_80_ROUNDS(FLE_BESIDE) FLE_OPERANDS, "rbx", "rcx", "rdx", "r8", "r9",
                 "r10", "r11", "r12", "r13", "r14", "r15");
  } else {
    asm volatile(FLE_80_ROUNDS(FLE_ALONE) FLE_OPERANDS);
  }
  // clang-format on
}

/// Adds what the 80 rounds over l.w make of `state` to it. FIPS 180-4 section 6.4.2, steps 2 to 4.
template <class V, unsigned kStates>
FLE_TARGET_AVX2 FLE_INLINE void rounds(typename V::T (&state)[kStates][8],
                                       Lanes<V, kStates>& l) noexcept {
  l.state = state[0];
  all_rounds(l);
}

}  // namespace
}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_AVX2_ROUNDS_H_
