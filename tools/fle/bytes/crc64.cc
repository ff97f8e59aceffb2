#include "crc64.h"

#include <array>

#include "fle/bson/little_endian.h"

namespace fle::tools {
namespace {

constexpr std::uint64_t kPolynomial = 0xc96c'5795'd787'0f42;
// Eight bytes in one step: kTables[k] takes a byte that k others follow.
using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables t{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? kPolynomial : 0);
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < t.size(); ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}
constexpr Tables kTables = make_tables();

}  // namespace

void Crc64::add(Bytes data) noexcept {
  std::uint64_t c = state_;
  const std::uint8_t* p = data.data();
  std::size_t n = data.size();
  for (; n >= 8; n -= 8, p += 8) {
    c ^= bson::load64(p);
    c = kTables[7][c & 0xff] ^ kTables[6][c >> 8 & 0xff] ^ kTables[5][c >> 16 & 0xff] ^
        kTables[4][c >> 24 & 0xff] ^ kTables[3][c >> 32 & 0xff] ^ kTables[2][c >> 40 & 0xff] ^
        kTables[1][c >> 48 & 0xff] ^ kTables[0][c >> 56];
  }
  for (; n != 0; --n, ++p) c = (c >> 8) ^ kTables[0][(c ^ *p) & 0xff];
  state_ = c;
}

}  // namespace fle::tools
