#ifndef FLE_KERNELS_TARGET_H_
#define FLE_KERNELS_TARGET_H_

// The only place that spells instruction sets. A kernel file is compiled with
// baseline flags; each function that uses intrinsics carries one of these.
#define FLE_TARGET_AESNI [[gnu::target("aes,pclmul,ssse3,sse4.1")]]
#define FLE_INLINE [[gnu::always_inline]] inline

#endif  // FLE_KERNELS_TARGET_H_
