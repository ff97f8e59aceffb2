#include "kmip_endpoint.h"

#include <algorithm>
#include <charconv>

namespace fle::kms::kmip {
namespace {

constexpr std::uint16_t kDefaultPort = 5696;
constexpr std::size_t kMaxHostLen = 253;  // RFC 1035 section 2.3.4

// Without the text itself: somebody may have put a password into it.
Failure refuse_endpoint(const char* why) {
  return {Errc::kms_config_invalid, std::string("endpoint: ") + why};
}

// Not std::isalnum: the grammar does not depend on the locale.
constexpr bool is_host_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}
constexpr bool is_address_char(char c) noexcept { return is_host_char(c) || c == ':'; }

}  // namespace

Outcome<Endpoint> parse_endpoint(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?"));
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return refuse_endpoint("an open bracket");
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  if (host.empty() || host.size() > kMaxHostLen ||
      !std::ranges::all_of(host, bracketed ? is_address_char : is_host_char))
    return refuse_endpoint("not a host name or address");
  std::uint16_t port = kDefaultPort;
  if (const std::string_view rest = text.substr(end + (bracketed ? 1 : 0)); !rest.empty()) {
    const char* const last = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, last, port);
    if (rest.front() != ':' || error != std::errc{} || stop != last || port == 0)
      return refuse_endpoint("expected a port of 1 to 65535 after a colon");
  }
  return Endpoint{{std::string(host), port}, std::string(text)};
}

}  // namespace fle::kms::kmip
