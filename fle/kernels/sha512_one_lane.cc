// SHA-512 of one message, block by block: for the last of a batch, and for a field alone.
//
// SHA512_CTX is deprecated since OpenSSL 3.0; portable.cc says why it is used all the same. Only
// its state is: neither function below buffers or pads.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <cstring>

#include <openssl/sha.h>

#include "kernels/hmac_lanes.h"
#include "kernels/hmac_message.h"

namespace fle::kernels {
namespace {

void start(SHA512_CTX& c, const std::uint64_t* state) noexcept {
  for (int i = 0; i < 8; ++i) c.h[i] = state[i];
}

}  // namespace

void compress_one_lane(std::uint64_t* const* to, const std::uint64_t* const* from,
                       const std::uint8_t* const* blocks, std::size_t n_blocks) noexcept {
  SHA512_CTX c;
  start(c, from[0]);
  if (n_blocks == 1) {
    SHA512_Transform(&c, blocks[0]);
  } else {
    c.Nl = c.Nh = 0;
    c.num = 0;
    SHA512_Update(&c, blocks[0], kShaBlock * n_blocks);  // cannot fail: whole blocks go through
  }
  for (int i = 0; i < 8; ++i) to[0][i] = c.h[i];
}

void finish_one_lane(std::uint8_t* const* macs, const std::uint64_t* const* outer,
                     const std::uint64_t* const* inner) noexcept {
  std::uint8_t block[kShaBlock];
  clear(block, 1);
  for (int i = 0; i < 8; ++i) put_be64(block + 8 * i, inner[0][i]);
  block[kDigest] = 0x80;
  put_be64(block + kShaBlock - 8, (kShaBlock + kDigest) * 8);
  SHA512_CTX c;
  start(c, outer[0]);
  SHA512_Transform(&c, block);
  for (int i = 0; i < 8; ++i) put_be64(macs[0] + 8 * i, c.h[i]);
}

}  // namespace fle::kernels
