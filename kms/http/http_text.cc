#include "http_text.h"

#include <algorithm>

namespace fle::kms {
namespace {

// `yes` where lo <= c <= hi, else 0, without a branch: the digits below may be those of a key.
constexpr int if_in_range(int c, int lo, int hi, int yes) noexcept {
  return (((lo - 1 - c) & (c - hi - 1)) >> 8) & yes;
}

constexpr char digit(std::uint32_t six_bits, bool url) noexcept {
  const int d = static_cast<int>(six_bits & 63);
  return static_cast<char>(if_in_range(d, 0, 25, 'A' + d) | if_in_range(d, 26, 51, 'a' + d - 26) |
                           if_in_range(d, 52, 61, '0' + d - 52) |
                           if_in_range(d, 62, 62, url ? '-' : '+') |
                           if_in_range(d, 63, 63, url ? '_' : '/'));
}
static_assert(digit(0, false) == 'A' && digit(25, false) == 'Z' && digit(26, false) == 'a');
static_assert(digit(51, false) == 'z' && digit(52, false) == '0' && digit(61, false) == '9');
static_assert(digit(62, false) == '+' && digit(63, false) == '/');
static_assert(digit(62, true) == '-' && digit(63, true) == '_');

void encode(WipedText& out, Bytes b, bool url) {
  for (std::size_t i = 0; i < b.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, b.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < n ? b[i + k] : 0U);
    for (std::size_t k = 0; k <= n; ++k) out.append(digit(bits >> (18 - 6 * k), url));
    for (std::size_t k = n; !url && k < 3; ++k) out.append('=');
  }
}

constexpr std::string_view kHex = "0123456789ABCDEF";

}  // namespace

WipedText& WipedText::append_base64(Bytes b) {
  encode(*this, b, /*url=*/false);
  return *this;
}

WipedText& WipedText::append_base64url(Bytes b) {
  encode(*this, b, /*url=*/true);
  return *this;
}

WipedText& WipedText::append_percent_encoded(std::string_view s) {
  for (const char c : s) {
    if (is_unreserved(c)) {
      append(c);
      continue;
    }
    const auto u = static_cast<unsigned char>(c);
    append('%').append(kHex[u >> 4]).append(kHex[u & 15]);
  }
  return *this;
}

WipedText& WipedText::append_json(std::string_view s) {
  append('"');
  for (const char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20) {
      append("\\u00").append(kHex[u >> 4]).append(kHex[u & 15]);
      continue;
    }
    if (c == '"' || c == '\\') append('\\');
    append(c);
  }
  return append('"');
}

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace fle::kms
