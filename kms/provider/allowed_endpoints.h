#ifndef FLE_KMS_ALLOWED_ENDPOINTS_H_
#define FLE_KMS_ALLOWED_ENDPOINTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fle::kms {

/// Whether a host, an IPv6 address without brackets, is named in `allowed` as
/// KmsOptions::allowed_endpoints describes.
[[nodiscard]] bool is_allowed(std::string_view host, std::uint16_t port,
                              const std::vector<std::string>& allowed) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_ALLOWED_ENDPOINTS_H_
