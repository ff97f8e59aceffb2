#include "recognize.h"

#include <algorithm>
#include <string_view>

#include <bson/bson.h>

#include "bytes/gzip_source.h"
#include "fle/bson/little_endian.h"

namespace fle::tools {
namespace {

using namespace std::string_view_literals;

/// A kind of file by its first bytes.
struct Magic {
  std::string_view bytes;
  std::string_view what;    // "the input is WHAT"
  std::string_view advice;  // to who cannot have it read
};
constexpr Magic kGzip = {"\x1f\x8b\x08"sv, "compressed by gzip", "unpack it first (gunzip)"};
constexpr Magic kArchive = {
    "\x6d\xe2\x99\x81"sv, "a mongodump archive",
    "dump into files (mongodump without --archive) and take the .bson file of the collection"};
constexpr Magic kOthers[] = {
    {"\x28\xb5\x2f\xfd"sv, "compressed by zstd", "unpack it first (unzstd)"},
    {"\xfd\x37zXZ\0"sv, "compressed by xz", "unpack it first (unxz)"},
    {"BZh"sv, "compressed by bzip2", "unpack it first (bunzip2)"},
    {"PK\x03\x04"sv, "a ZIP archive", "unpack it first"},
    {"SQLite"sv, "an SQLite file, such as a key vault, and not documents", ""},
};
constexpr Magic kNotUtf8[] = {
    {"\xff\xfe"sv, "UTF-16", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
    {"\xfe\xff"sv, "UTF-16", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)"},
    {"{\0"sv, "UTF-16", "convert it to UTF-8 first (iconv -f UTF-16LE -t UTF-8)"},
    {"\0{"sv, "UTF-16", "convert it to UTF-8 first (iconv -f UTF-16BE -t UTF-8)"},
};

/// Whether a text begins as UTF-16 without a mark of its byte order: with a bracket or white space,
/// and a second character that is one of ASCII, too.
enum class ByteOrder : std::uint8_t { none, little, big };
constexpr ByteOrder utf16_order(std::string_view start) noexcept {
  constexpr std::string_view kFirst = "{[ \t\r\n";
  if (start.size() < 4) return ByteOrder::none;
  const auto is = [&](std::size_t low) {
    return kFirst.find(start[low]) != std::string_view::npos && start[1 - low] == 0 &&
           start[2 + low] != 0 && start[3 - low] == 0;
  };
  return is(0) ? ByteOrder::little : is(1) ? ByteOrder::big : ByteOrder::none;
}
constexpr const Magic* utf16_without_mark(std::string_view start) noexcept {
  const ByteOrder order = utf16_order(start);
  return order == ByteOrder::none ? nullptr : &kNotUtf8[order == ByteOrder::little ? 2 : 3];
}

std::string_view text_of(Bytes b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

std::string is_other(const Magic& m, std::string_view advice) {
  std::string text = "the input is " + std::string(m.what);
  return advice.empty() ? text : text + ": " + std::string(advice);
}

const Magic* find(std::span<const Magic> table, std::string_view start) noexcept {
  const auto found =
      std::ranges::find_if(table, [start](const Magic& m) { return start.starts_with(m.bytes); });
  return found == table.end() ? nullptr : &*found;
}

// ---- The kinds

/// As bsonspec.org has them: what a document that is not empty goes on with.
bool is_element_type(char c) noexcept {
  const auto type = static_cast<unsigned char>(c);
  return (type >= 0x01 && type <= 0x13) || type == 0x7f || type == 0xff;
}

/// The length of a document, and a first element or its end.
bool begins_as_bson(std::string_view start) noexcept {
  if (start.size() < 5) return false;
  const std::uint32_t size = bson::load32(start.data());
  return size == 5 ? start[4] == 0 : size > 5 && size < 0x0800'0000 && is_element_type(start[4]);
}

/// What follows the white space that may stand before a text.
std::string_view after_space(std::string_view start) noexcept {
  return start.substr(std::min(start.find_first_not_of(" \t\r\n"), start.size()));
}

/// Nothing but white space is a text of no documents.
bool begins_as_json(std::string_view start) noexcept {
  return after_space(start).starts_with('{') || (!start.empty() && after_space(start).empty());
}
bool begins_as_array(std::string_view start) noexcept {
  return after_space(start).starts_with('[');
}
bool begins_as_archive(std::string_view start) noexcept {
  return start.starts_with(kArchive.bytes);
}

/// Each kind: how it begins (without a byte order mark), and who cuts it.
struct KindRow {
  Kind kind;
  bool (*begins)(std::string_view start) noexcept;
  std::unique_ptr<Cutter> (*cut)(Window window, std::size_t max_bytes);
};
constexpr KindRow kKinds[] = {
    {Kind::bson, begins_as_bson, cut_bson},
    {Kind::json, begins_as_json, cut_json},
    {Kind::array, begins_as_array, cut_array},
    {Kind::archive, begins_as_archive, cut_archive},
};

Failure at_first(Errc code, std::string text) {
  Failure f(code, std::move(text));
  f.document = 1;
  return f;
}

/// A stream whose start says two things is BSON when it begins with a whole document.
Outcome<bool> is_document(Window& window, std::size_t max_bytes) {
  if (!begins_as_bson(text_of(window.bytes()))) return false;
  const std::uint32_t size = bson::load32(window.bytes().data());
  if (size > max_bytes) return false;
  FLE_CHECK(window.at_least(size));
  bson_t b;
  return window.bytes().size() >= size && bson_init_static(&b, window.bytes().data(), size) &&
         bson_validate(&b, BSON_VALIDATE_NONE, nullptr);
}

std::size_t mark_of(const Window& window) noexcept {
  return text_of(window.bytes()).starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
}

/// Reads until there is something to tell by: white space may stand before a text.
Done read_start(Window& window) {
  constexpr std::size_t kMostSpace = 64 * 1024;
  FLE_CHECK(window.at_least(kStreamStart));
  while (!window.ended() && window.bytes().size() < kMostSpace &&
         after_space(text_of(window.bytes()).substr(mark_of(window))).empty())
    FLE_CHECK(window.more());
  return ok;
}

class Recognizer {
 public:
  Recognizer(Format format, std::size_t max_bytes) : format_(format), max_bytes_(max_bytes) {}

  Outcome<Recognized> run(std::unique_ptr<ByteSource> source) {
    Window window(std::move(source));
    FLE_CHECK(read_start(window));
    if (text_of(window.bytes()).starts_with(kGzip.bytes)) {
      FLE_TRY(const bool is_bson, is_document(window, max_bytes_));
      if (!is_bson) return unpack(std::move(window));
    }
    FLE_TRY(const KindRow* const row, row_of(window));
    Recognized all{{row->kind, gzip_}, nullptr};
    if (all.form.is_text()) window.drop(mark_of(window));
    all.cutter = format_ == Format::json ? cut_lines(std::move(window), max_bytes_)
                                         : row->cut(std::move(window), max_bytes_);
    FLE_CHECK(all.cutter->start());
    all.form.pretty = all.cutter->is_pretty();
    return all;
  }

 private:
  [[nodiscard]] Failure refuse(std::string text) const {
    return at_first(format_ == Format::json ? Errc::json_invalid : Errc::malformed_bson,
                    std::move(text));
  }
  [[nodiscard]] std::string leave_out() const {
    return format_ == Format::json ? "leave out --format json" : "leave out --format bson";
  }

  Outcome<Recognized> unpack(Window window) {
    if (format_ != Format::automatic) return refuse(is_other(kGzip, leave_out()));
    if (gzip_) return refuse("the input is compressed by gzip twice: unpack it once (gunzip)");
    gzip_ = true;
    FLE_TRY(std::unique_ptr<ByteSource> unpacked,
            gunzip(std::make_unique<Window>(std::move(window))));
    return run(std::move(unpacked));
  }

  Outcome<const KindRow*> row_of(Window& window) {
    const std::string_view start = text_of(window.bytes());
    const std::string_view text = start.substr(mark_of(window));
    const bool is_bson = begins_as_bson(start);
    if (format_ == Format::json && is_bson)
      return refuse("the input is BSON, not JSON: " + leave_out());
    if (const Magic* utf16 = format_ == Format::bson ? nullptr : utf16_without_mark(start)) {
      FLE_TRY(const bool is_whole, is_document(window, max_bytes_));
      if (!is_whole) return refuse(is_other(*utf16, utf16->advice));
      return &kKinds[0];
    }
    if (is_bson) return &kKinds[0];
    if (const Magic* other = find(kOthers, text)) return refuse(is_other(*other, other->advice));
    if (const Magic* utf16 = find(kNotUtf8, text)) return refuse(is_other(*utf16, utf16->advice));
    const auto* row =
        std::ranges::find_if(kKinds, [text](const KindRow& k) { return k.begins(text); });
    // A byte order mark, and nothing behind it.
    if (text.empty() && !start.empty()) row = &kKinds[1];
    if (row != std::end(kKinds) && row->kind == Kind::archive && format_ != Format::automatic)
      return refuse(is_other(kArchive, leave_out()));
    if (format_ == Format::json) return &kKinds[1];
    if (format_ == Format::bson && (row != std::end(kKinds) || mark_of(window) != 0))
      return refuse("the input looks like JSON: " + leave_out());
    if (row != std::end(kKinds)) return row;
    return unknown(text);
  }

  /// Nothing is a stream of no documents, and what is too short is told so by the reader of BSON.
  [[nodiscard]] Outcome<const KindRow*> unknown(std::string_view text) const {
    if (text.size() < 5 || format_ == Format::bson) return &kKinds[0];
    return refuse(
        "the input begins neither as BSON nor as JSON, and is not a file of another kind that is "
        "read");
  }

  const Format format_;
  const std::size_t max_bytes_;
  bool gzip_ = false;
};

}  // namespace

Outcome<Recognized> recognize(std::unique_ptr<ByteSource> source, Format format,
                              std::size_t max_bytes) {
  return Recognizer(format, max_bytes).run(std::move(source));
}

std::optional<std::string> other_file(Bytes start) {
  const std::string_view text = text_of(start);
  if (text.starts_with(kGzip.bytes)) return is_other(kGzip, kGzip.advice);
  if (text.starts_with(kArchive.bytes)) return is_other(kArchive, kArchive.advice);
  if (const Magic* other = find(kOthers, text)) return is_other(*other, other->advice);
  if (const Magic* utf16 = find(kNotUtf8, text)) return is_other(*utf16, utf16->advice);
  if (const Magic* utf16 = utf16_without_mark(text)) return is_other(*utf16, utf16->advice);
  return std::nullopt;
}

}  // namespace fle::tools
