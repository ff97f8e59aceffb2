#ifndef FLE_KMS_HTTP_ENDPOINT_H_
#define FLE_KMS_HTTP_ENDPOINT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fle/failure.h"

namespace fle::kms {

/// Where a KMS, or who has credentials for it, is reached.
struct HttpEndpoint {
  static constexpr std::uint16_t kHttpsPort = 443;
  static constexpr std::uint16_t kHttpPort = 80;
  std::string host;  ///< Lower-case. A KMS's has a dot; an IPv6 address stands without brackets.
  std::uint16_t port = kHttpsPort;
  bool port_given = false;
  bool plain = false;  ///< Without TLS: for services on this machine and on its own link.

  /// For the Host header: the port is named unless it is that of the scheme.
  [[nodiscard]] std::string authority() const;
  /// For errors: the same, behind "http://" where it is plain. No two servers are shown alike.
  [[nodiscard]] std::string shown() const;
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

struct HttpUrl {
  HttpEndpoint to;
  std::string target;  ///< Path with query; "/" where there is none.
};
/// Reads http[s]:// host [:port] [/path] [?query] (RFC 3986): a URL out of the environment or of a
/// configuration. The host is a name, or an address, one of IPv6 in brackets. Neither user
/// information nor a fragment may be there. Without TLS it goes to this machine (loopback) and to
/// the hosts in `near` alone: those at which a cloud answers its machines on their own link.
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<HttpUrl> parse_url(std::string_view what, std::string_view text,
                                         std::span<const std::string_view> near);

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_ENDPOINT_H_
