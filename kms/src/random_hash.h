#ifndef FLE_KMS_RANDOM_HASH_H_
#define FLE_KMS_RANDOM_HASH_H_

#include <array>
#include <cstdint>

#include "fle/random.h"
#include "fle/seeded_hash.h"

namespace fle::kms {

/// For tables of key ids, names and tags. Without randomness it is merely a known hash: look-ups
/// may then be made slow, not wrong. What has to be secret is drawn elsewhere, and checked.
[[nodiscard]] inline SeededHash random_hash() noexcept {
  std::array<std::uint64_t, 2> words{};
  if (!random_bytes({reinterpret_cast<std::uint8_t*>(words.data()), sizeof words})) words = {};
  return {words[0], words[1]};
}

}  // namespace fle::kms

#endif  // FLE_KMS_RANDOM_HASH_H_
