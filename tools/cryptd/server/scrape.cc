#include "scrape.h"

#include <string>
#include <string_view>

namespace fle::cryptd {
namespace {

constexpr std::string_view kGet = "GET ";

std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::uint8_t> answer(std::string_view status, std::string_view type = {},
                                 std::string_view body = {}) {
  std::string head = "HTTP/1.0 ";
  head.append(status).append("\r\nConnection: close\r\nCache-Control: no-store\r\n");
  if (!type.empty()) head.append("Content-Type: ").append(type).append("\r\n");
  head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  std::vector<std::uint8_t> out(head.begin(), head.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

/// Whether it is `/metrics`, with whatever a scraper puts behind a question mark.
bool asks_for_metrics(std::string_view target) noexcept {
  return target.substr(0, target.find('?')) == "/metrics";
}

}  // namespace

bool is_scrape(Bytes first) noexcept { return text_of(first).starts_with(kGet); }

std::optional<std::vector<std::uint8_t>> answer_scrape(Bytes received, const Metrics& metrics) {
  const std::string_view request = text_of(received);
  if (request.substr(0, kMaxScrape).find("\r\n\r\n") == request.npos) {
    if (received.size() < kMaxScrape) return std::nullopt;
    return answer("431 Request Header Fields Too Large");
  }
  const std::string_view line = request.substr(kGet.size(), request.find("\r\n") - kGet.size());
  const std::size_t space = line.find(' ');
  if (space == line.npos || !line.substr(space).starts_with(" HTTP/1."))
    return answer("400 Bad Request");
  if (!asks_for_metrics(line.substr(0, space))) return answer("404 Not Found");
  return answer("200 OK", Metrics::kContentType, metrics.to_prometheus());
}

}  // namespace fle::cryptd
