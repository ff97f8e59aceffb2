#ifndef FLE_KMS_KMIP_ENDPOINT_H_
#define FLE_KMS_KMIP_ENDPOINT_H_

#include <string>
#include <string_view>

#include "fle/failure.h"
#include "net/tls_stream.h"

namespace fle::kms::kmip {

/// Where a KMIP server listens.
struct Endpoint {
  TlsPeer peer;
  /// As drivers store it: host, and port if one was given; scheme, path and query are dropped.
  std::string text;
};

/// Reads [scheme://] host [:port] [/path] [?query]; the default port is 5696. An IPv6 address
/// stands in brackets. Unlike with other providers, the host needs no dot (libmongocrypt:
/// mongocrypt-endpoint.c).
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<Endpoint> parse_endpoint(std::string_view text);

}  // namespace fle::kms::kmip

#endif  // FLE_KMS_KMIP_ENDPOINT_H_
