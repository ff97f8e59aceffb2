#ifndef FLE_TOOLS_WINDOW_H_
#define FLE_TOOLS_WINDOW_H_

#include <memory>

#include "byte_source.h"
#include "fle/wiped.h"

namespace fle::tools {

/// What has been read of a source and is not used yet. Takes as much memory as it is asked to, and
/// little more.
class Window : public ByteSource {
 public:
  explicit Window(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  [[nodiscard]] Bytes bytes() const noexcept { return {buffer_.data() + from_, to_ - from_}; }
  /// Whether bytes() is all that is left.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Reads on, once: there is more in bytes() then, or it is the end.
  /// @param need  bytes that there should be room for.
  Done more(std::size_t need = 0);
  /// Reads until there are `n` bytes, or it is the end.
  Done at_least(std::size_t n);
  /// Leaves the first `n` behind.
  void drop(std::size_t n);

  /// Reads into `buffer` from now on, if that is larger, until take() gives it back: it is in the
  /// cache of the one who is going to take. Gets an empty one in its place.
  void lend(WipedBytes& buffer);

  /// Keeps what is left behind from now on, for take().
  /// @param aim  how much that will be, more or less: reads do not go far beyond.
  void hold(std::size_t aim) noexcept {
    held_ = from_;
    aim_ = aim;
    holds_ = true;
  }
  /// Bytes that were left behind since hold().
  [[nodiscard]] std::size_t held() const noexcept { return from_ - held_; }
  /// Appends the first `n` of these to `out`, and holds nothing any more. An empty `out` gets the
  /// buffer itself, unless much more than they is in it.
  void take(std::size_t n, WipedBytes& out);

  /// As a source it gives what it has first.
  Outcome<std::size_t> read(MutBytes into) override;
  /// Without what is still in hand, where that can be told.
  [[nodiscard]] std::uint64_t position() const noexcept override {
    return source_->position() - (is_stored_so() ? to_ - from_ : 0);
  }
  [[nodiscard]] bool is_stored_so() const noexcept override { return source_->is_stored_so(); }

 private:
  std::unique_ptr<ByteSource> source_;
  void shrink();

  WipedBytes buffer_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t held_ = 0;  // if holds_: what is held stands from here to from_
  std::size_t aim_ = 0;
  bool holds_ = false;
  bool ended_ = false;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_WINDOW_H_
