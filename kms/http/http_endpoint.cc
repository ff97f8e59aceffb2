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

/// @param text  with the colon
Outcome<std::uint16_t> parse_port(std::string_view what, std::string_view text) {
  const std::string_view digits = text.substr(1);
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (text.starts_with(':') && ec == std::errc() && end == digits.data() + digits.size() &&
      port > 0)
    return port;
  return refuse(what, "expected a port of 1 to 65535 after the colon, got " + quoted(digits));
}

bool is_loopback(std::string_view host) noexcept {
  if (host == "::1" || host == "localhost") return true;
  // 127.0.0.0/8 in digits: "127.example.com" is a name like any other.
  return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
         std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string HttpEndpoint::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (plain ? kHttpPort : kHttpsPort)) out += ":" + std::to_string(port);
  return out;
}

std::string HttpEndpoint::shown() const { return (plain ? "http://" : "") + authority(); }

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
  FLE_TRY(out.port, parse_port(what, text.substr(colon)));
  out.port_given = true;
  return out;
}

Outcome<HttpUrl> parse_url(std::string_view what, std::string_view text,
                           std::span<const std::string_view> near) {
  HttpUrl out;
  const std::size_t scheme = text.find("://");
  out.to.plain = equal_ignoring_case(text.substr(0, scheme), "http");
  if (scheme == std::string_view::npos ||
      (!out.to.plain && !equal_ignoring_case(text.substr(0, scheme), "https")))
    return refuse(what, "expected a URL that begins with https:// or http://");
  text.remove_prefix(scheme + 3);
  const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, slash);
  const std::string_view target = text.substr(slash);
  const auto in_target = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!std::ranges::all_of(target, in_target))
    return refuse(what, "expected visible ASCII and no '#' in the URL's path");
  out.target = (target.starts_with('/') ? "" : "/") + std::string(target);
  if (authority.find('@') != std::string_view::npos)
    return refuse(what, "expected no user or password in the URL");
  std::string_view host = authority.substr(0, authority.find(':'));
  if (authority.starts_with('[')) {
    const std::size_t end = std::min(authority.find(']'), authority.size() - 1);
    host = authority.substr(1, end - 1);
    const auto in_address = [](char c) {
      return c == ':' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
             (c >= 'A' && c <= 'F');
    };
    if (authority[end] != ']' || host.find(':') == std::string_view::npos ||
        !std::ranges::all_of(host, in_address))
      return refuse(what, "expected an IPv6 address within the brackets of the URL");
    authority.remove_prefix(end + 1);
  } else {
    if (!is_host(host)) return refuse(what, "not a host name in the URL: " + quoted(host));
    authority.remove_prefix(host.size());
  }
  out.to.host = lower_case(host);
  out.to.port = out.to.plain ? HttpEndpoint::kHttpPort : HttpEndpoint::kHttpsPort;
  if (!authority.empty()) {
    FLE_TRY(out.to.port, parse_port(what, authority));
    out.to.port_given = true;
  }
  const bool is_near =
      is_loopback(out.to.host) || std::ranges::find(near, out.to.host) != near.end();
  if (!out.to.plain || is_near) return out;
  return refuse(what, "http is for this machine and its own link alone, not for " +
                          quoted(out.to.host) + ": expected https");
}

}  // namespace fle::kms
