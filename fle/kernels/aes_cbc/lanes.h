#ifndef FLE_KERNELS_AES_CBC_LANES_H_
#define FLE_KERNELS_AES_CBC_LANES_H_

#include <cstddef>
#include <cstdint>

#include "kernels/kernel.h"

namespace fle::kernels {

inline constexpr unsigned kMaxCbcLanes = 16;

/// Encrypts `n_blocks` blocks of every lane, lane l under keys[l], chaining from chain[l].
struct CbcLanes {
  unsigned lanes;
  void (*encrypt)(std::uint8_t (*chain)[16], const KeyState* const* keys,
                  const std::uint8_t* const* in, std::uint8_t* const* out,
                  std::size_t n_blocks) noexcept;
};

/// AES-256-CBC of a batch of any lengths: CBC chains the blocks of one message, so the messages run
/// side by side, and a lane whose message ends takes the next one.
void cbc_encrypt_lanes(const CbcLanes& lanes, const CbcEncryptJob* jobs, std::size_t n) noexcept;

}  // namespace fle::kernels

#endif  // FLE_KERNELS_AES_CBC_LANES_H_
