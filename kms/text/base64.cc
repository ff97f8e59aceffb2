#include "base64.h"

namespace fle::kms {
namespace {

// All ones where lo <= c <= hi, else 0: both differences are negative just then.
constexpr int in_range(int c, int lo, int hi) noexcept {
  return ((lo - 1 - c) & (c - hi - 1)) >> 8;
}

// 0..63, or -1.
constexpr int digit(char ch) noexcept {
  const int c = static_cast<unsigned char>(ch);
  return -1 + (in_range(c, 'A', 'Z') & (c - 'A' + 1)) + (in_range(c, 'a', 'z') & (c - 'a' + 27)) +
         (in_range(c, '0', '9') & (c - '0' + 53)) + (in_range(c, '+', '+') & 63) +
         (in_range(c, '/', '/') & 64);
}
static_assert(digit('A') == 0 && digit('Z') == 25 && digit('a') == 26 && digit('z') == 51);
static_assert(digit('0') == 52 && digit('9') == 61 && digit('+') == 62 && digit('/') == 63);
static_assert(digit('=') == -1 && digit('@') == -1 && digit('[') == -1 && digit('\xff') == -1);

std::size_t padding(std::string_view text) noexcept {
  if (text.ends_with("==")) return 2;
  return text.ends_with("=") ? 1 : 0;
}

}  // namespace

std::optional<std::size_t> base64_decoded_size(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  return text.size() / 4 * 3 - padding(text);
}

bool base64_decode(MutBytes out, std::string_view text) noexcept {
  if (base64_decoded_size(text) != out.size()) return false;
  text.remove_suffix(padding(text));
  int bad = 0;
  std::uint32_t acc = 0;
  int bits = 0;
  std::size_t n = 0;
  for (const char c : text) {
    const int d = digit(c);
    bad |= d;
    acc = (acc << 6) | (static_cast<std::uint32_t>(d) & 63);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[n++] = static_cast<std::uint8_t>(acc >> bits);
    acc &= (1U << bits) - 1;
  }
  // Bits that no byte uses must be zero, so that one value has one spelling.
  return bad >= 0 && acc == 0;
}

}  // namespace fle::kms
