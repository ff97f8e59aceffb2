#ifndef FLE_KERNELS_KERNEL_H_
#define FLE_KERNELS_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>

// A kernel sees bytes and expanded keys: no BSON, no Result, no allocation for each job. It gets
// whole batches, of mixed lengths and keys, and is free to fill its lanes as it likes.
namespace fle::kernels {

/// CPU features a kernel may ask for; the OS must save the matching registers too.
enum Need : std::uint32_t {
  kNone = 0,
  kAesNi = 1U << 0,   // AES, PCLMULQDQ, SSSE3, SSE4.1
  kAvx2 = 1U << 1,    // AVX2, BMI1, BMI2, XCR0 bits 1, 2
  kAvx512 = 1U << 2,  // AVX-512 F/BW/DQ/VL, XCR0 bits 1, 2, 5, 6, 7
  kVaes = 1U << 3,    // VAES, VPCLMULQDQ
  // No feature: of six operations that the core starts in a cycle, four may be vector ones.
  kFourVectorPorts = 1U << 6,
  // ARM64, as HWCAP tells them.
  kArmAes = 1U << 4,
  kArmSha512 = 1U << 5,
};

/// SHA-512 state after the 128-byte padded key block of HMAC (RFC 2104), inner and outer.
struct HmacState {
  std::uint64_t inner[8];
  std::uint64_t outer[8];
};

/// All that is derived from one 96-byte key. Lives in SecretBytes, 64-byte aligned.
struct KeyState {
  alignas(64) std::uint8_t enc[15][16];  // AES-256 round keys (FIPS 197 section 5.2)
  std::uint8_t dec[15][16];  // the same for the equivalent inverse cipher (section 5.3.5)
  std::uint8_t aes_key[32];  // for kernels that let libcrypto expand it
  HmacState mac;             // key bytes 0..31
  HmacState iv;              // key bytes 64..95
  std::uint64_t live;        // kLive; reads as 0 in a forked child
};
inline constexpr std::uint64_t kLive = 0x6c69626c69766521ULL;

/// HMAC-SHA-512 over head || body || tail, truncated to out_len bytes.
struct MacJob {
  const HmacState* key;
  const std::uint8_t* head;
  const std::uint8_t* body;
  const std::uint8_t* tail;
  std::size_t head_len;
  std::size_t body_len;
  std::size_t tail_len;
  std::uint8_t* out;
  std::size_t out_len;  // 1..64
};

/// AES-256-CBC of `len` plaintext bytes with PKCS#7 padding: writes (len / 16 + 1) * 16 bytes.
struct CbcEncryptJob {
  const KeyState* key;
  const std::uint8_t* iv;  // 16 bytes
  const std::uint8_t* in;
  std::size_t len;
  std::uint8_t* out;  // may not overlap `in`
};

/// AES-256-CBC of whole blocks; padding is the caller's business.
struct CbcDecryptJob {
  const KeyState* key;
  const std::uint8_t* iv;  // 16 bytes
  const std::uint8_t* in;
  std::size_t n_blocks;
  std::uint8_t* out;  // may not overlap `in`
};

/// One implementation tier. Each function returns false only when libcrypto itself failed.
struct Kernel {
  const char* name;     // what FLE_KERNEL says, e.g. "aesni"
  std::uint32_t needs;  // Need bits
  bool (*expand)(KeyState& out, const std::uint8_t key[96]) noexcept;
  bool (*mac)(const MacJob* jobs, std::size_t n) noexcept;
  bool (*cbc_encrypt)(const CbcEncryptJob* jobs, std::size_t n) noexcept;
  bool (*cbc_decrypt)(const CbcDecryptJob* jobs, std::size_t n) noexcept;
  /// Fast-key-erasure step of the CSPRNG: writes n_blocks blocks of AES-256(key, counter 0, 1, ...)
  /// to `out` under the raw 32-byte `key`.
  bool (*ctr_fill)(std::uint8_t* out, std::size_t n_blocks, const std::uint8_t key[32]) noexcept;
  /// A message alone, in one call: `iv`, if not null, then `encrypt`, then `tag`. Null where this
  /// would be no faster than the three functions above.
  bool (*seal_one)(const MacJob* iv, const CbcEncryptJob& encrypt, const MacJob& tag) noexcept;
};

/// All kernels compiled in, fastest first; the last one is portable, the reference.
[[nodiscard]] std::span<const Kernel* const> all() noexcept;
/// Fastest kernel this CPU and OS can run, or the one FLE_KERNEL names. Null where FLE_KERNEL names
/// none that runs here: who asks for one must get it or know. Decided once; thread-safe.
[[nodiscard]] const Kernel* chosen() noexcept;
/// What to say then, beside Errc::kernel_unavailable.
inline constexpr const char* kUnavailable =
    "FLE_KERNEL names no kernel that this CPU and build can run";
[[nodiscard]] bool runs_here(const Kernel& k) noexcept;

/// Both midstates of an HMAC key of 32 bytes (shorter than a block: zero-filled).
[[nodiscard]] bool expand_hmac(HmacState& out, const std::uint8_t* key) noexcept;

extern const Kernel kPortable;
#if defined(__x86_64__)
extern const Kernel kAesNiKernel;
extern const Kernel kAvx2Kernel;
extern const Kernel kVaesAvx2Kernel;
extern const Kernel kVaesAvx2FiveKernel;
extern const Kernel kAvx512Kernel;
extern const Kernel kVaesKernel;
#elif defined(__aarch64__)
extern const Kernel kArmAesKernel;
extern const Kernel kArmSha512Kernel;
#endif

}  // namespace fle::kernels

#endif  // FLE_KERNELS_KERNEL_H_
