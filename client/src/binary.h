#ifndef FLE_CLIENT_SRC_BINARY_H_
#define FLE_CLIENT_SRC_BINARY_H_

#include <cstdint>

#include "fle/bytes.h"

namespace fle::client {

/// int32 length and subtype byte in front of a binary's content.
inline constexpr std::size_t kBinaryHeaderLen = 5;
inline constexpr std::uint8_t kEncryptedSubtype = 6;

/// Writes the header of an encrypted value whose payload is `len` bytes long.
inline void write_binary_header(MutBytes out, std::size_t len) noexcept {
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(len >> (8 * i));
  out[4] = kEncryptedSubtype;
}

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_BINARY_H_
