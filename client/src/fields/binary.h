#ifndef FLE_CLIENT_SRC_BINARY_H_
#define FLE_CLIENT_SRC_BINARY_H_

#include <cstdint>

#include "fle/bson/little_endian.h"
#include "fle/bson/type.h"
#include "fle/bytes.h"

namespace fle::client {

/// int32 length and subtype byte in front of a binary's content.
inline constexpr std::size_t kBinaryHeaderLen = 5;

/// Writes the header of an encrypted value whose payload is `len` bytes long.
inline void write_binary_header(MutBytes out, std::size_t len) noexcept {
  bson::store32(out.data(), static_cast<std::uint32_t>(len));
  out[4] = bson::kSubtypeEncrypted;
}

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_BINARY_H_
