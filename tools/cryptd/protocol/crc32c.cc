#include "crc32c.h"

#include <array>
#include <cstddef>

namespace fle::cryptd {
namespace {

constexpr std::size_t kSlices = 8;  // bytes a step
using Table = std::array<std::array<std::uint32_t, 256>, kSlices>;

// Row 0 is one byte's remainder; row k that of a byte with k zero bytes behind it, so that eight
// look-ups that do not wait for each other take eight bytes ("slicing by 8").
constexpr Table make_table() {
  Table t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82f63b78U : 0U);
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  }
  return t;
}
constexpr Table kTable = make_table();

}  // namespace

std::uint32_t crc32c(Bytes data, std::uint32_t seed) noexcept {
  std::uint32_t c = ~seed;
  std::size_t i = 0;
  for (; data.size() - i >= kSlices; i += kSlices) {
    std::uint32_t next = 0;
    for (std::size_t k = 0; k < kSlices; ++k) {
      const std::uint32_t mixed = k < 4 ? (c >> (8 * k)) & 0xff : 0;
      next ^= kTable[kSlices - 1 - k][data[i + k] ^ mixed];
    }
    c = next;
  }
  for (; i < data.size(); ++i) c = (c >> 8) ^ kTable[0][(c ^ data[i]) & 0xff];
  return ~c;
}

}  // namespace fle::cryptd
