#ifndef FLE_KERNELS_SHA512_TWO_LANES_H_
#define FLE_KERNELS_SHA512_TWO_LANES_H_

#include "kernels/hmac/lanes.h"

namespace fle::kernels {

void compress_two_avx512(std::uint64_t* const* to, const std::uint64_t* const* from,
                         const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept;
void finish_two_avx512(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                       const std::uint64_t* const* inner) noexcept;
void whole_two_avx512(const MacJob* const* jobs, std::size_t inner_blocks) noexcept;

/// SHA-512 of two messages. Need: kAvx512.
inline constexpr LaneWidth kSha512TwoAvx512{2, 2, compress_two_avx512, finish_two_avx512,
                                            whole_two_avx512};

}  // namespace fle::kernels

#endif  // FLE_KERNELS_SHA512_TWO_LANES_H_
