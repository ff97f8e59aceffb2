#ifndef FLE_KMS_BASE64_H_
#define FLE_KMS_BASE64_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "fle/bytes.h"

namespace fle::kms {

/// Bytes that padded base64 text (RFC 4648 section 4) stands for, judged by its length and padding
/// alone.
[[nodiscard]] std::optional<std::size_t> base64_decoded_size(std::string_view text) noexcept;

/// Decodes into exactly base64_decoded_size() bytes. The text is a key: which characters it has
/// decides no branch and no address. False when it is not base64; `out` is then unspecified.
[[nodiscard]] bool base64_decode(MutBytes out, std::string_view text) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_BASE64_H_
