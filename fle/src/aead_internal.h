#ifndef FLE_SRC_AEAD_INTERNAL_H_
#define FLE_SRC_AEAD_INTERNAL_H_

#include "fle/aead.h"

namespace fle::internal {

/// aead_seal with a given IV: for known answers. An IV that comes twice under one key leaks.
[[nodiscard]] Result<std::size_t> aead_seal_with_iv(
    MutBytes out, Bytes plaintext, Bytes associated_data, const DataKey& key,
    std::span<const std::uint8_t, kIvLen> iv) noexcept;

}  // namespace fle::internal

#endif  // FLE_SRC_AEAD_INTERNAL_H_
