#include "http_endpoint.h"

#include <algorithm>
#include <charconv>

#include "http_text.h"
#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxHost = 253;  // RFC 1035 section 2.3.4
constexpr std::size_t kMaxLabel = 63;

Failure refuse(std::string_view what, const std::string& why) {
  return {Errc::kms_config_invalid, std::string(what) + ": " + why};
}

std::string lower_case(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool is_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= kMaxLabel && std::ranges::all_of(label, [](char c) {
    return is_unreserved(c) && c != '.' && c != '~';
  });
}

bool is_host(std::string_view host) noexcept {
  if (host.size() > kMaxHost) return false;
  for (std::size_t dot = 0; dot != std::string_view::npos; host.remove_prefix(dot + 1)) {
    dot = host.find('.');
    if (!is_label(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
  }
  return true;
}

}  // namespace

std::string HttpEndpoint::authority() const {
  return port == kHttpsPort ? host : host + ":" + std::to_string(port);
}

std::string HttpEndpoint::stored() const {
  return port_given ? host + ":" + std::to_string(port) : host;
}

std::string_view HttpEndpoint::domain() const noexcept {
  return std::string_view(host).substr(host.find('.') + 1);
}

Outcome<HttpEndpoint> parse_endpoint(std::string_view what, std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (!equal_ignoring_case(text.substr(0, scheme), "https"))
      return refuse(what, "expected https or no scheme, got " + quoted(text));
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find_first_of("/?"));
  HttpEndpoint out;
  const std::size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (host.find('.') == std::string_view::npos)
    return refuse(what, "expected dot separator in host, but got " + quoted(host));
  if (!is_host(host)) return refuse(what, "not a host name: " + quoted(host));
  out.host = lower_case(host);
  if (colon == std::string_view::npos) return out;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (ec != std::errc() || end != port.data() + port.size() || out.port == 0)
    return refuse(what, "expected a port of 1 to 65535 after the colon, got " + quoted(port));
  out.port_given = true;
  return out;
}

}  // namespace fle::kms
