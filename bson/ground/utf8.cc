#include "fle/bson/utf8.h"

#include <cstdint>
#include <cstring>

namespace fle::bson {
namespace {

/// RFC 3629 section 4: what may follow a first byte, and how often after the second.
struct Lead {
  std::uint8_t from, to;     // first bytes
  std::uint8_t least, most;  // second byte
  std::uint8_t n_more;       // further bytes, each 80..BF
};
constexpr Lead kLeads[] = {{0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1},
                           {0xe1, 0xec, 0x80, 0xbf, 1}, {0xed, 0xed, 0x80, 0x9f, 1},
                           {0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2},
                           {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2}};

/// The character of two bytes or more at `p`; null if there is none.
const std::uint8_t* after_character(const std::uint8_t* p, const std::uint8_t* end) noexcept {
  for (const Lead& lead : kLeads) {
    if (*p < lead.from || *p > lead.to) continue;
    ++p;
    if (p == end || *p < lead.least || *p > lead.most) return nullptr;
    ++p;
    for (int i = 0; i < lead.n_more; ++i, ++p)
      if (p == end || (*p & 0xc0) != 0x80) return nullptr;
    return p;
  }
  return nullptr;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::uint8_t* const end = p + text.size();
  while (p != nullptr && p != end) {
    std::uint64_t word = 0;
    if (end - p >= 8) std::memcpy(&word, p, 8);
    if (end - p >= 8 && (word & 0x8080808080808080) == 0) {
      p += 8;
    } else {
      p = *p < 0x80 ? p + 1 : after_character(p, end);
    }
  }
  return p != nullptr;
}

std::size_t utf8_length(std::string_view text) noexcept {
  const auto* const p = reinterpret_cast<const std::uint8_t*>(text.data());
  if (*p < 0x80) return 1;
  const std::uint8_t* const after = after_character(p, p + text.size());
  return after == nullptr ? 0 : static_cast<std::size_t>(after - p);
}

}  // namespace fle::bson
