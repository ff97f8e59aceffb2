// Extended JSON: documents one after the other, however they are laid out; an array of documents;
// and lines of one document each, which is what --format json promises.
#include <algorithm>
#include <cstring>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "cutter.h"
#include "json_extent.h"
#include "long_text.h"

namespace fle::tools {
namespace {

// Canonical Extended JSON of binary data takes about 1.4 bytes a byte, of small numbers far more.
constexpr std::size_t kTextForEachByte = 8;
// How much of a first document is looked at to tell how documents are laid out.
constexpr std::size_t kLookedAt = 64 * 1024;

/// What all texts have: lines, and a limit.
class TextCutter : public Cutter {
 public:
  void count_from(std::uint64_t documents, TextPlace place) override {
    Cutter::count_from(documents, place);
    place_ = place;
  }

 protected:
  TextCutter(Window window, std::size_t max_bytes) : Cutter(std::move(window), max_bytes) {
    is_text_ = true;
  }

  [[nodiscard]] TextPlace place() const noexcept override { return place_; }
  [[nodiscard]] std::size_t most() const noexcept { return kTextForEachByte * max_bytes_; }

  /// Reads until the end of a text shows that the window begins with.
  /// @param what  it is called.
  /// @return  false where it is too long to be kept as a text: then extract()
  Outcome<bool> read_all_of(TextExtent& extent, const char* what) {
    while (!extent.find(window_.bytes(), window_.ended())) {
      if (extent.size() > long_text_) return false;
      if (extent.size() > most()) return too_long(what);
      FLE_CHECK(window_.more());
    }
    return true;
  }
  /// Takes the document of such a text out of the window, and leaves the text behind. Not while the
  /// window holds documents.
  Done extract(TextExtent& extent, const char* what) {
    bson::ReadOptions options;
    options.max_bytes = static_cast<std::uint32_t>(max_bytes_);
    options.integers = integers_;
    std::unique_ptr<SealedFile> kept;
    if (!keep_beside_.empty()) {
      FLE_TRY(kept, SealedFile::create(keep_beside_));
    }
    LongText text(window_, extent, most(), kept.get());
    WipedBytes room;
    Done read = bson::read_extended_json(room, text, options);
    FLE_CHECK(text.finish());
    if (text.is_too_long()) return too_long(what);
    WipedBytes document(room.size());  // without the room that is left
    if (read) std::memcpy(document.data(), room.data(), room.size());
    extracted_ = {std::move(document), extent.size(), std::move(kept), std::move(read)};
#if defined(__GLIBC__)
    ::malloc_trim(0);  // what the window has left behind while it grew
#endif
    return ok;
  }

  [[nodiscard]] Failure too_long(const char* what) const {
    return at_place(
        Failure(Errc::document_too_large, std::string("the ") + what + " is longer than " +
                                              std::to_string(most()) + " bytes"),
        place_);
  }
  [[nodiscard]] Failure at_place(Failure f, TextPlace place) const {
    f.line = static_cast<std::uint32_t>(place.line);
    f.column = static_cast<std::uint32_t>(place.column);
    return at_document(std::move(f));
  }

  TextPlace place_;  // of the window's first byte
};

// ---- One document a line

class LineCutter : public TextCutter {
 public:
  LineCutter(Window window, std::size_t max_bytes) : TextCutter(std::move(window), max_bytes) {}

 protected:
  Outcome<std::optional<Extent>> find() override {
    for (;;) {
      LineExtent line;
      FLE_TRY(const bool all, read_all_of(line, "line"));
      if (!all && has_some()) return std::optional<Extent>();
      const std::size_t size = line.left();
      if (size == 0) return std::optional<Extent>();
      const TextPlace place = place_;
      const bool is_blank = std::ranges::all_of(window_.bytes().first(size), is_space);
      if (all) {
        place_ = {place.line + 1, 1};
      } else if (is_blank) {
        place_.column += size;
      } else {
        FLE_CHECK(extract(line, "line"));
        place_ = {place.line + 1, 1};
        return std::optional(Extent{0, 0, place});
      }
      if (!is_blank) return std::optional(Extent{0, size, place});
      window_.drop(size);
    }
  }
};

// ---- Documents by their brackets

class JsonCutter : public TextCutter {
 public:
  JsonCutter(Window window, std::size_t max_bytes, bool array)
      : TextCutter(std::move(window), max_bytes), in_array_(array) {}

  Done start() override {
    FLE_CHECK(skip_space());
    if (in_array_) {
      skip(1);  // the bracket, by which it was recognized
      FLE_CHECK(skip_space());
    }
    if (here() != '{') return ok;
    JsonExtent extent;
    while (!extent.find(window_.bytes(), window_.ended()) && extent.line_ends() == 0 &&
           window_.bytes().size() < kLookedAt)
      FLE_CHECK(window_.more());
    pretty_ = extent.line_ends() != 0 && !extent.is_broken();
    return ok;
  }
  [[nodiscard]] bool is_pretty() const noexcept override { return pretty_; }

 protected:
  Outcome<std::optional<Extent>> find() override {
    if (!stands_here_) {
      const std::uint64_t line_before = place_.line;
      FLE_TRY(const bool more, in_array_ ? find_item() : find_first());
      if (!more) return std::optional<Extent>();
      // Lines need not be searched for brackets. What was read already does not count: a stream is
      // cut in the same way however its bytes arrive.
      if (may_be_on_lines_) on_lines_ = place_.line != line_before;
      may_be_on_lines_ = false;
    }
    if (on_lines_) {
      LineExtent line;
      FLE_TRY(const bool all, read_all_of(line, "line"));
      if (!all) {
        on_lines_ = false;
      } else if (const std::optional<Extent> found = as_line(line.size())) {
        return found;
      }
    }
    return by_brackets();
  }

 private:
  void skip(std::size_t n) {
    window_.drop(n);
    place_.column += n;
  }

  /// Leaves white space behind.
  Done skip_space() {
    for (;;) {
      const Bytes text = window_.bytes();
      std::size_t n = 0;
      for (; n < text.size() && is_space(text[n]); ++n) {
        ++place_.column;
        if (text[n] == '\n') place_ = {place_.line + 1, 1};
      }
      window_.drop(n);
      if (n < text.size() || window_.ended()) return ok;
      FLE_CHECK(window_.more());
    }
  }
  /// What stands there; 0 at the end.
  [[nodiscard]] char here() const noexcept {
    return window_.bytes().empty() ? '\0' : static_cast<char>(window_.bytes().front());
  }
  [[nodiscard]] bool at_end() const noexcept { return window_.bytes().empty(); }
  /// Of a file that was put behind another one.
  Outcome<bool> is_byte_order_mark() {
    constexpr std::uint8_t kMark[] = {0xef, 0xbb, 0xbf};
    while (window_.bytes().size() < std::size(kMark) && !window_.ended()) FLE_CHECK(window_.more());
    return window_.bytes().size() >= std::size(kMark) &&
           std::ranges::equal(window_.bytes().first(std::size(kMark)), kMark);
  }

  Failure refuse(const char* what) const {
    return at_place(Failure(Errc::json_invalid, what), place_);
  }

  /// Whether a document follows, in a stream of documents.
  Outcome<bool> find_first() {
    FLE_CHECK(skip_space());
    if (at_end()) return false;
    if (here() == '{') return true;
    if (here() == ',')
      return refuse(
          "a comma follows the document: documents with commas between them stand in an "
          "array, in [ and ]");
    FLE_TRY(const bool mark, is_byte_order_mark());
    if (mark) return refuse("a byte order mark: it may stand at the start of a stream only");
    return refuse("expected a document, which begins with {");
  }

  /// The same in an array.
  Outcome<bool> find_item() {
    FLE_CHECK(skip_space());
    if (!closed_ && here() == ',' && documents_ != 0) {
      skip(1);
      FLE_CHECK(skip_space());
      if (here() == ']') return refuse("a comma stands before the array's end");
    } else if (!closed_ && here() == ']') {
      skip(1);
      closed_ = true;
      FLE_CHECK(skip_space());
    } else if (!closed_ && documents_ != 0 && !at_end()) {
      return refuse("expected a comma or ] behind the document of an array");
    }
    if (closed_) return at_end() ? Outcome<bool>(false) : refuse("something follows the array");
    if (at_end())
      return at_place(Failure(Errc::truncated_stream, "the stream ends inside an array"), place_);
    if (here() != '{') return refuse("an item of the array is not a document, which begins with {");
    return true;
  }

  /// A line that is one document, as far as its first and last characters tell; who reads the
  /// document knows.
  std::optional<Extent> as_line(std::size_t size) {
    std::size_t end = size;
    const Bytes text = window_.bytes();
    while (end != 0 && is_space(text[end - 1])) --end;
    if (text[end - 1] != '}') return std::nullopt;
    const TextPlace place = place_;
    place_ = {place_.line + 1, 1};
    return Extent{0, size, place};
  }

  Outcome<std::optional<Extent>> by_brackets() {
    JsonExtent extent;
    FLE_TRY(const bool all, read_all_of(extent, "document"));
    stands_here_ = !all && has_some();
    if (stands_here_) return std::optional<Extent>();
    if (!all) FLE_CHECK(extract(extent, "document"));
    if (!extent.is_whole() && !extent.is_broken())
      return at_place(
          Failure(Errc::truncated_stream, "the stream ends inside the document that begins here"),
          place_);
    const TextPlace place = place_;
    if (extent.line_ends() == 0) {
      place_.column += extent.size();
    } else {
      place_ = {place_.line + extent.line_ends(), extent.last_line() + 1};
    }
    on_lines_ = false;
    may_be_on_lines_ = !in_array_ && extent.line_ends() == 0;
    return std::optional(Extent{0, all ? extent.size() : 0, place});
  }

  const bool in_array_;
  bool closed_ = false;
  bool pretty_ = false;
  bool on_lines_ = false;
  bool may_be_on_lines_ = false;  // if a line end follows the last document
  bool stands_here_ = false;      // the window begins with a document that waits for its own chunk
};

}  // namespace

std::unique_ptr<Cutter> cut_lines(Window window, std::size_t max_bytes) {
  return std::make_unique<LineCutter>(std::move(window), max_bytes);
}

std::unique_ptr<Cutter> cut_json(Window window, std::size_t max_bytes) {
  return std::make_unique<JsonCutter>(std::move(window), max_bytes, false);
}

std::unique_ptr<Cutter> cut_array(Window window, std::size_t max_bytes) {
  return std::make_unique<JsonCutter>(std::move(window), max_bytes, true);
}

}  // namespace fle::tools
