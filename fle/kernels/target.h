#ifndef FLE_KERNELS_TARGET_H_
#define FLE_KERNELS_TARGET_H_

// The only place that spells instruction sets. A kernel file is compiled with baseline flags; each
// function that uses intrinsics carries one of these. Which CPU and OS have them: dispatch.cc.
#define FLE_TARGET_AESNI [[gnu::target("aes,pclmul,ssse3,sse4.1")]]
#define FLE_TARGET_AVX2 [[gnu::target("avx2,bmi,bmi2")]]
#define FLE_TARGET_AES_AVX2 [[gnu::target("avx2,bmi,bmi2,aes,pclmul")]]
#define FLE_TARGET_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2")]]
#define FLE_TARGET_AES_AVX512 \
  [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,aes,pclmul")]]
#define FLE_TARGET_VAES256 [[gnu::target("avx2,bmi,bmi2,vaes,vpclmulqdq,aes,pclmul")]]
#define FLE_TARGET_VAES512 \
  [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,vaes,vpclmulqdq,aes,pclmul")]]
// ARM64: AES stands with SHA-1 and SHA-2 in one extension of ARMv8, SHA-512 with SHA-3 in one of
// ARMv8.2. Clang before 16 knows neither here: fle/CMakeLists.txt tells it for the whole file.
#if defined(__clang__) && __clang_major__ < 16
#define FLE_TARGET_ARM_AES
#define FLE_TARGET_ARM_SHA512
#else
#define FLE_TARGET_ARM_AES [[gnu::target("+crypto")]]
#define FLE_TARGET_ARM_SHA512 [[gnu::target("arch=armv8.2-a+sha3")]]
#endif
#define FLE_INLINE [[gnu::always_inline]] inline

#endif  // FLE_KERNELS_TARGET_H_
