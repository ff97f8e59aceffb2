#ifndef FLE_CLIENT_SRC_RANDOM_HASH_H_
#define FLE_CLIENT_SRC_RANDOM_HASH_H_

#include <array>
#include <cstdint>

#include "fle/random.h"
#include "fle/seeded_hash.h"

namespace fle::client {

/// For tables of key ids and names. Without randomness it is merely a known hash: look-ups may then
/// be made slow, not wrong.
[[nodiscard]] inline SeededHash random_hash() noexcept {
  std::array<std::uint64_t, 2> words{};
  if (!random_bytes({reinterpret_cast<std::uint8_t*>(words.data()), sizeof words})) words = {};
  return {words[0], words[1]};
}

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_RANDOM_HASH_H_
