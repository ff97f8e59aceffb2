#ifndef FLE_TOOLS_CRYPTD_CRC32C_H_
#define FLE_TOOLS_CRYPTD_CRC32C_H_

#include <cstdint>

#include "fle/bytes.h"

namespace fle::cryptd {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of OP_MSG. Thread-safe.
///
/// @param seed  the result for what goes before `data`; 0 at the beginning.
[[nodiscard]] std::uint32_t crc32c(Bytes data, std::uint32_t seed = 0) noexcept;

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_CRC32C_H_
