#ifndef FLE_KERNELS_SINGLE_SEAL_H_
#define FLE_KERNELS_SINGLE_SEAL_H_

#include "kernels/hmac/lanes.h"
#include "kernels/kernel.h"

// One message alone, on scalar registers for the rounds of SHA-512 and on vector registers for its
// schedule and for AES: single/message.h, compiled for each of two tiers.
namespace fle::kernels {

// SHA-512 of one message as a width of hmac_lanes(): for the last message of a batch.

void compress_one_avx2(std::uint64_t* const* to, const std::uint64_t* const* from,
                       const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept;
void finish_one_avx2(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                     const std::uint64_t* const* inner) noexcept;
void whole_one_avx2(const MacJob* const* jobs, std::size_t inner_blocks) noexcept;
/// Need: kAvx2.
inline constexpr LaneWidth kSha512OneAvx2{1, 1, compress_one_avx2, finish_one_avx2, whole_one_avx2};

void compress_one_avx512(std::uint64_t* const* to, const std::uint64_t* const* from,
                         const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept;
void finish_one_avx512(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                       const std::uint64_t* const* inner) noexcept;
/// Need: kAvx2 | kAvx512.
inline constexpr LaneWidth kSha512OneAvx512{1, 1, compress_one_avx512, finish_one_avx512};

/// HMAC-SHA-512 of one message. Cleans up registers and dead stack behind itself.
void mac_one_avx2(const MacJob& job) noexcept;    // Need: kAvx2
void mac_one_avx512(const MacJob& job) noexcept;  // Need: kAvx2 | kAvx512

/// Encrypts and authenticates one message: its IV first, if `iv` is not null (a job that writes the
/// IV of `encrypt`), then the ciphertext, then the tag. A long one whose ciphertext lies in the
/// body of `tag` is encrypted and hashed in one pass. A member of a Kernel: it cleans up.
bool seal_one_avx2(const MacJob* iv, const CbcEncryptJob& encrypt,
                   const MacJob& tag) noexcept;  // Need: kAesNi | kAvx2
bool seal_one_avx512(const MacJob* iv, const CbcEncryptJob& encrypt,
                     const MacJob& tag) noexcept;  // Need: kAesNi | kAvx2 | kAvx512

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SINGLE_SEAL_H_
