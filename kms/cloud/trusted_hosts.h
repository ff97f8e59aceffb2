#ifndef FLE_KMS_TRUSTED_HOSTS_H_
#define FLE_KMS_TRUSTED_HOSTS_H_

#include <string_view>

#include "http/http_endpoint.h"

namespace fle::kms {

/// Whether `endpoint`, which a key document names, is a KMS of the cloud itself: a host of the
/// table in trusted_hosts.cc, at port 443. Hosts that the cloud runs for its customers (an API
/// gateway, a storage bucket) are none, whatever their domain.
///
/// @param type    provider type: "aws", "azure", "gcp"
/// @param region  masterKey.region, which the host has to be of; empty where there is none
[[nodiscard]] bool is_cloud_kms(std::string_view type, const HttpEndpoint& endpoint,
                                std::string_view region) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_TRUSTED_HOSTS_H_
