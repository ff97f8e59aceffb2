#ifndef FLE_TOOLS_PACKED_H_
#define FLE_TOOLS_PACKED_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace fle::tools {

/// Numbers and texts in a row, as a journal keeps them.
class Packer {
 public:
  void add(std::uint64_t n) {
    for (unsigned i = 0; i < 64; i += 8) bytes_ += static_cast<char>(n >> i & 0xff);
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_ += text;
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// What a Packer has made, read in the same order. What is not there reads as 0 and empty, and
/// whole() says so.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] std::uint64_t number() noexcept {
    const std::string_view bytes = take(8);
    std::uint64_t n = 0;
    for (unsigned i = 0; i < bytes.size(); ++i)
      n |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return n;
  }
  [[nodiscard]] std::string_view text() noexcept { return take(number()); }
  /// Nothing was missing, and nothing is left.
  [[nodiscard]] bool whole() const noexcept { return whole_ && rest_.empty(); }
  [[nodiscard]] bool good() const noexcept { return whole_; }

 private:
  std::string_view take(std::uint64_t n) noexcept {
    if (n > rest_.size()) {
      whole_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  std::string_view rest_;
  bool whole_ = true;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_PACKED_H_
