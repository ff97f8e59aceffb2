#include "allowed_endpoints.h"

#include <algorithm>
#include <charconv>

#include "text/text.h"

namespace fle::kms {
namespace {

/// What stands behind the host: nothing, or a colon and this port.
bool is_port(std::string_view rest, std::uint16_t port) noexcept {
  if (rest.empty()) return true;
  std::uint16_t given = 0;
  const char* const last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data() + 1, last, given);
  return rest.front() == ':' && error == std::errc() && end == last && given == port;
}

bool is_host(std::string_view entry, std::string_view host) noexcept {
  if (!entry.starts_with('.')) return equal_ignoring_case(entry, host);
  return entry.size() > 1 && host.size() > entry.size() &&
         equal_ignoring_case(entry, host.substr(host.size() - entry.size()));
}

}  // namespace

bool is_allowed(std::string_view host, std::uint16_t port,
                const std::vector<std::string>& allowed) noexcept {
  return std::ranges::any_of(allowed, [&](std::string_view entry) {
    if (!entry.starts_with('[')) {
      const std::size_t end = std::min(entry.find(':'), entry.size());
      return is_host(entry.substr(0, end), host) && is_port(entry.substr(end), port);
    }
    const std::size_t end = entry.find(']');
    return end != std::string_view::npos && is_host(entry.substr(1, end - 1), host) &&
           is_port(entry.substr(end + 1), port);
  });
}

}  // namespace fle::kms
