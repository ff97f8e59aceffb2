#ifndef FLE_TOOLS_JSON_EXTENT_H_
#define FLE_TOOLS_JSON_EXTENT_H_

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "fle/bytes.h"

namespace fle::tools {

/// White space of JSON.
[[nodiscard]] constexpr bool is_space(std::uint8_t c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Finds where a text ends that begins what it is given.
class TextExtent {
 public:
  virtual ~TextExtent() = default;

  /// Looks on in `text`, which begins with what has not been dropped, and is at least as long as it
  /// was before. True once the end is known.
  /// @param last  no more text will come
  virtual bool find(Bytes text, bool last) = 0;
  /// Is told that the first `n` bytes of `text` are gone: no more than have been looked at.
  virtual void drop(Bytes text, std::size_t n) {
    (void)text;
    dropped_ += n;
    at_ -= n;
  }
  /// Of the text, once its end is known; or of what has been looked at.
  [[nodiscard]] std::size_t size() const noexcept { return dropped_ + at_; }
  /// Of that, what is still there.
  [[nodiscard]] std::size_t left() const noexcept { return at_; }

 protected:
  std::size_t dropped_ = 0;
  std::size_t at_ = 0;  // what has been looked at of what is not dropped
};

/// A line, with its line end.
class LineExtent final : public TextExtent {
 public:
  bool find(Bytes text, bool last) override;
};

/// Finds where a JSON document ends, by brackets and strings alone: what is between them is the
/// business of who reads the document. A document that cannot go on as it does (a brace is missing,
/// a string is not closed) ends with the line where that shows, or before it where the line begins
/// with a brace: what follows is not lost with it.
class JsonExtent final : public TextExtent {
 public:
  bool find(Bytes text, bool last) override;
  void drop(Bytes text, std::size_t n) override;
  /// Whether it has its last brace.
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }
  [[nodiscard]] bool is_broken() const noexcept { return broken_; }
  /// Line ends in it, and what stands behind the last one; 0 and size() where there is none.
  [[nodiscard]] std::uint64_t line_ends() const noexcept { return line_ends_; }
  [[nodiscard]] std::size_t last_line() const noexcept { return size() - after_line_end_; }

 private:
  // Deeper brackets are counted, but not told apart.
  static constexpr std::size_t kDepths = 2048;
  void look(Bytes text);
  void open(Bytes text, bool array);
  void close(bool array);
  [[nodiscard]] bool begins_line(Bytes text) const noexcept;
  void line_end() noexcept {
    ++line_ends_;
    after_line_end_ = size();
    dropped_of_line_ = false;
  }

  std::size_t depth_ = 0;
  std::uint64_t line_ends_ = 0;
  std::size_t after_line_end_ = 0;  // of what size() is
  std::uint8_t last_dropped_ = 0;   // that is no white space
  bool dropped_of_line_ = false;    // something of the last line that is no white space
  bool in_string_ = false;
  bool whole_ = false;
  bool broken_ = false;
  std::bitset<kDepths> arrays_;  // which of the open brackets are of arrays
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_JSON_EXTENT_H_
