#ifndef FLE_TOOLS_RECOGNIZE_H_
#define FLE_TOOLS_RECOGNIZE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cutter.h"

namespace fle::tools {

/// What a user says of a stream.
enum class Format : std::uint8_t {
  automatic,  ///< Nothing: its first bytes say what it is.
  bson,       ///< Documents one after the other, as mongodump writes them, and nothing else.
  json,       ///< One Extended JSON document a line, and nothing else.
};

/// How the documents of a stream are written down.
enum class Kind : std::uint8_t {
  bson,     ///< One after the other.
  json,     ///< Extended JSON texts, one after the other.
  array,    ///< An array of Extended JSON texts, as mongoexport --jsonArray writes it.
  archive,  ///< Collections of BSON, as mongodump --archive writes them.
  folder,   ///< Files of BSON, one for each collection, as mongodump writes them.
};

/// What a stream turned out to be.
struct Form {
  Kind kind = Kind::bson;
  bool gzip = false;    // all of it is compressed
  bool pretty = false;  // texts are laid out over several lines
  [[nodiscard]] bool has_collections() const noexcept {
    return kind == Kind::archive || kind == Kind::folder;
  }
  [[nodiscard]] bool is_text() const noexcept { return kind == Kind::json || kind == Kind::array; }
};

/// A stream and who cuts it into documents.
struct Recognized {
  Form form;
  std::unique_ptr<Cutter> cutter;
};

/// Tells by its first bytes what a stream is, and reads it so. What is neither BSON nor JSON, nor
/// these packed, is refused by its name, with what to do.
/// @param max_bytes  of a document as BSON; a text may be longer, as its form demands.
/// @retval Errc::malformed_bson, Errc::json_invalid  the first document is none
/// @retval Errc::not_in_build  compressed, in a build without zlib
[[nodiscard]] Outcome<Recognized> recognize(std::unique_ptr<ByteSource> source, Format format,
                                            std::size_t max_bytes);

/// May stand before a text in UTF-8, and means nothing.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
/// How much of a stream's start is looked at.
inline constexpr std::size_t kStreamStart = 8;
/// What a file is that is no text: compressed, an archive, a database; and what to do.
[[nodiscard]] std::optional<std::string> other_file(Bytes start);

}  // namespace fle::tools

#endif  // FLE_TOOLS_RECOGNIZE_H_
