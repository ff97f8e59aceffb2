#ifndef FLE_TESTS_BSON_IN_PIECES_H_
#define FLE_TESTS_BSON_IN_PIECES_H_

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "fle/bson/extended_json.h"

namespace fle::test {

/// A text that comes in pieces of `size` characters, or as many as are asked for.
class InPieces final : public bson::TextPieces {
 public:
  InPieces(std::string_view text, std::size_t size) : text_(text), size_(size) {}

  std::size_t next(std::span<char> into) override {
    const std::size_t n = std::min({into.size(), size_, text_.size()});
    if (n != 0) std::memcpy(into.data(), text_.data(), n);
    text_.remove_prefix(n);
    return n;
  }
  /// How much has not been asked for.
  [[nodiscard]] std::size_t left() const noexcept { return text_.size(); }

 private:
  std::string_view text_;
  std::size_t size_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_BSON_IN_PIECES_H_
