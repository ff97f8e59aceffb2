#ifndef FLE_TOOLS_LONG_TEXT_H_
#define FLE_TOOLS_LONG_TEXT_H_

#include <cstddef>
#include <optional>
#include <span>

#include "bytes/byte_sink.h"
#include "bytes/window.h"
#include "fle/bson/extended_json.h"
#include "fle/failure.h"
#include "json_extent.h"

namespace fle::tools {

/// A text that a window begins with, read out of it piece by piece, so that it is never in memory
/// as a whole.
class LongText final : public bson::TextPieces {
 public:
  /// @param extent  has looked at what is in the window.
  /// @param most    bytes that a text may have; there is more of one that has.
  /// @param copy    gets all that is left behind; null: nobody does.
  LongText(Window& window, TextExtent& extent, std::size_t most, ByteSink* copy)
      : window_(window), extent_(extent), most_(most), copy_(copy) {}

  std::size_t next(std::span<char> into) override;
  /// Leaves behind what has not been read.
  /// @retval Errc::io_failed  and whatever else reading the window, or its copy, may be refused for
  Done finish();
  /// Whether it was left before its end, for its length.
  [[nodiscard]] bool is_too_long() const noexcept { return too_long_; }

 private:
  bool look_on();
  bool fail(Failure why);
  void drop(std::size_t n);

  Window& window_;
  TextExtent& extent_;
  const std::size_t most_;
  ByteSink* const copy_;
  bool ended_ = false;
  bool too_long_ = false;
  std::optional<Failure> failure_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_LONG_TEXT_H_
