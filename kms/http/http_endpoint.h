#ifndef FLE_KMS_HTTP_ENDPOINT_H_
#define FLE_KMS_HTTP_ENDPOINT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "fle/failure.h"

namespace fle::kms {

/// Where a KMS is reached.
struct HttpEndpoint {
  static constexpr std::uint16_t kHttpsPort = 443;
  std::string host;  ///< Lower-case; with a dot.
  std::uint16_t port = kHttpsPort;
  bool port_given = false;

  /// For the Host header: the port is named unless it is 443.
  [[nodiscard]] std::string authority() const;
  /// As drivers store it in a key document: host, and the port if one was given.
  [[nodiscard]] std::string stored() const;
  /// The text after the first dot of the host; what OAuth scopes are made of.
  [[nodiscard]] std::string_view domain() const noexcept;
};

/// Reads [https://] host [:port] [/path] [?query]; path and query are dropped (libmongocrypt:
/// mongocrypt-endpoint.c). `what` names the field in errors. The host may have letters, digits,
/// hyphens, underscores and dots; internationalised names go in as xn--.
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<HttpEndpoint> parse_endpoint(std::string_view what, std::string_view text);

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_ENDPOINT_H_
