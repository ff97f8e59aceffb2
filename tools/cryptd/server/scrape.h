#ifndef FLE_TOOLS_CRYPTD_SCRAPE_H_
#define FLE_TOOLS_CRYPTD_SCRAPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "fle/bytes.h"
#include "fle/observe/metrics.h"

namespace fle::cryptd {

/// What a scraper sends has an end within so many bytes.
inline constexpr std::size_t kMaxScrape = 8192;

/// Whether a connection begins as HTTP does. No message of MongoDB's protocol does: its first four
/// bytes are its length, and "GET " is 542 million.
[[nodiscard]] bool is_scrape(Bytes first) noexcept;

/// The answer to `GET /metrics`, HTTP headers included, after which the connection is to end.
///
/// @param received  what has come so far, of a connection that is_scrape().
/// @return          nothing: the request is not whole yet. For all that is not `GET /metrics` by
///                  HTTP/1, an error without a body: 400, 404, or 431 beyond kMaxScrape.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> answer_scrape(Bytes received,
                                                                     const Metrics& metrics);

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_SCRAPE_H_
