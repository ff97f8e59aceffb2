#ifndef FLE_TOOLS_CRC64_H_
#define FLE_TOOLS_CRC64_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "fle/bytes.h"

namespace fle::tools {

/// CRC-64 with the polynomial of ECMA-182, reflected, from ones and inverted in the end (the one of
/// Go's hash/crc64 and of xz): what mongodump writes behind each collection of an archive. That of
/// "123456789" is 0x995dc9bbdf1939fa.
class Crc64 {
 public:
  void add(Bytes data) noexcept;
  [[nodiscard]] std::uint64_t value() const noexcept { return ~state_; }

  /// Bytes that were looked at elsewhere, by another thread perhaps.
  struct Part {
    std::uint64_t state = 0;  // after them, from zeroes
    std::uint64_t size = 0;
  };
  [[nodiscard]] static Part part_of(Bytes data) noexcept;
  /// As if its bytes were added.
  void add(const Part& part) noexcept;

  /// By which instructions bytes are added: the first that runs here and takes so few.
  struct Way {
    std::size_t least;  // bytes
    bool runs_here;
    std::uint64_t (*add)(std::uint64_t state, Bytes data) noexcept;
  };
  [[nodiscard]] static std::span<const Way> ways() noexcept;

 private:
  std::uint64_t state_ = ~std::uint64_t{0};
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CRC64_H_
