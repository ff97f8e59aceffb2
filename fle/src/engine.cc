#include "engine.h"

#include <cstring>

#include "declassify.h"
#include "fle/secret.h"
#include "kernels/kernel.h"

namespace fle::engine {
namespace {

using Block = std::uint8_t __attribute__((vector_size(kBlockLen)));

Block load(const std::uint8_t* p) noexcept {
  Block b;
  std::memcpy(&b, p, sizeof b);
  return b;
}
/// Zero if and only if all bytes are.
std::uint64_t any_bit(Block b) noexcept {
  std::uint64_t half[2];
  std::memcpy(half, &b, sizeof half);
  return half[0] | half[1];
}

/// Same time whatever the bytes are, and all of them at once.
bool same_tag(const std::uint8_t* a, const std::uint8_t* b) noexcept {
  static_assert(kTagLen == 2 * kBlockLen);
  std::uint64_t differ = any_bit((load(a) ^ load(b)) | (load(a + kBlockLen) ^ load(b + kBlockLen)));
  asm("" : "+r"(differ));  // a value barrier: no look at a part of it
  return internal::declassify(differ == 0);
}

/// PKCS#7 padding of the last block: its length, 1 to 16, or 0 when it is wrong. Same work whatever
/// the bytes are.
std::size_t padding_len(const std::uint8_t* last_block) noexcept {
  constexpr Block kFromEnd = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  const std::uint32_t p = last_block[kBlockLen - 1];  // 0 is wrong and comes out as 0
  const Block length = Block{} + last_block[kBlockLen - 1];
  // The last p bytes are the padding, and each of them has to be p.
  const auto wrong = reinterpret_cast<Block>(kFromEnd < length) & (load(last_block) ^ length);
  const std::uint64_t bad = any_bit(wrong) | ((kBlockLen - std::uint64_t{p}) >> 63);
  std::uint64_t good = ((bad | (0 - bad)) >> 63) - 1;  // all ones when bad is 0
  asm("" : "+r"(good));  // a value barrier: the compiler may not turn it back into a branch
  return p & good;
}

}  // namespace

bool Sealing::run(const kernels::Kernel& kernel) const noexcept {
  if (n_ == 1 && kernel.seal_one != nullptr)
    return kernel.seal_one(n_derived_ != 0 ? ivs_ : nullptr, encrypts_[0], tags_[0]);
  return (n_derived_ == 0 || kernel.mac(ivs_, n_derived_)) && kernel.cbc_encrypt(encrypts_, n_) &&
         kernel.mac(tags_, n_);
}

bool TagCheck::run(const kernels::Kernel& kernel) noexcept {
  const bool good = kernel.mac(jobs_, n_);
  for (std::size_t i = 0; i < n_; ++i) {
    const kernels::MacJob& j = jobs_[i];
    verified_[i] = good && same_tag(tags_[i], j.body + j.body_len) && whole_blocks_[i];
  }
  // The right tag of a forged message is what a forger wants to know.
  ::explicit_bzero(tags_, n_ * sizeof tags_[0]);
  return good;
}

bool Decryption::run(const kernels::Kernel& kernel) noexcept {
  if (!kernel.cbc_decrypt(jobs_, n_)) return false;
  for (std::size_t i = 0; i < n_; ++i) {
    const kernels::CbcDecryptJob& j = jobs_[i];
    // Behind a good tag the length of the plaintext, or that there is none, is the answer itself.
    padding_[i] = static_cast<std::uint8_t>(
        internal::declassify(padding_len(j.out + kBlockLen * (j.n_blocks - 1))));
  }
  return true;
}

}  // namespace fle::engine
