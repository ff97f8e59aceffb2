#ifndef FLE_TOOLS_DOCUMENTS_H_
#define FLE_TOOLS_DOCUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command_line/files.h"
#include "fle/bson/extended_json.h"
#include "fle/failure.h"
#include "fle/wiped.h"

namespace fle::tools {

/// How a stream of documents is written down.
enum class Format : std::uint8_t {
  bson,  ///< Documents one after the other, as mongodump writes them.
  json,  ///< One canonical or relaxed Extended JSON document a line.
};

/// Documents of a stream, in a row.
struct Chunk {
  std::uint64_t index = 0;           // of the chunk, from 0
  std::uint64_t first_document = 0;  // documents before this chunk
  WipedBytes raw;                    // as read
  std::vector<std::size_t> ends;     // of each document or line in `raw`
  std::vector<std::uint64_t> lines;  // of each line its number in the stream, from 1

  /// Document or line `i`.
  [[nodiscard]] Bytes operator[](std::size_t i) const noexcept {
    const std::size_t from = i == 0 ? 0 : ends[i - 1];
    return Bytes(raw).subspan(from, ends[i] - from);
  }
  /// Roughly the memory that the documents take: what is kept for each beside its bytes outweighs
  /// the bytes of small ones.
  [[nodiscard]] std::size_t weight() const noexcept { return raw.size() + kEach * ends.size(); }
  static constexpr std::size_t kEach = 256;
};

/// Bytes of a BSON document. Decryption meets documents that encryption made larger than an
/// application could have sent.
inline constexpr std::size_t kMaxDocument = 16 * 1024 * 1024 + 16 * 1024;

/// Cuts a stream into documents. Keeps no more than one document beyond the current chunk.
class DocumentReader {
 public:
  /// @param max_bytes  of a document as BSON; a line may be longer, as its form demands.
  DocumentReader(Input& in, Format format, std::size_t max_bytes = kMaxDocument)
      : in_(in), format_(format), max_bytes_(max_bytes) {}

  /// Fills `out` with whole documents, up to a weight of `target` or one document, whichever is
  /// more. No documents: the stream has ended. On a failure `out` has the documents before it.
  /// A stream that is not of its format, but of one that can be told, is refused by its name.
  /// @retval Errc::truncated_stream, Errc::malformed_bson, Errc::json_invalid,
  /// Errc::document_too_large, Errc::io_failed
  Done next(Chunk& out, std::size_t target);

 private:
  // Where the first document in the buffer ends.
  struct Extent {
    std::size_t size;  // with its separator; 0 when more bytes are needed
    std::size_t need;  // then: bytes that the buffer must have room for
  };
  Done start();
  Outcome<Extent> first_document();
  Outcome<Extent> first_line();
  Done check_first(Bytes document);
  Done fill(std::size_t need);
  void take(Chunk& out, std::size_t size);
  [[nodiscard]] Failure at_document(Failure f) const;

  Input& in_;
  Format format_;
  std::size_t max_bytes_;
  WipedBytes buffer_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t searched_ = 0;  // bytes of the buffer known to hold no line end
  bool ended_ = false;
  bool started_ = false;
  std::optional<std::string> instead_;  // of BSON, if the first document is none
  std::uint64_t documents_ = 0;
  std::uint64_t lines_ = 0;
};

/// One document of Extended JSON -> BSON, appended to `out`. The message quotes nothing of the
/// text: it may hold plaintext.
Done json_to_bson(std::string_view text, WipedBytes& out,
                  const bson::IntegerHints* integers = nullptr);
/// Likewise, of the text that an option or a small file has: the message begins with `where`.
Done option_to_bson(const std::string& where, std::string_view text, WipedBytes& out);
/// Document `i` of a chunk of JSON lines, likewise. A Failure has its number in the stream and the
/// line there.
Done line_to_bson(const Chunk& chunk, std::size_t i, WipedBytes& out,
                  const bson::IntegerHints* integers = nullptr);
/// BSON -> one line of canonical or relaxed Extended JSON with its line end, appended to `out`.
Done bson_to_json(Bytes document, bool canonical, WipedChars& out);
/// Likewise, of documents that hold nothing that is to be wiped.
Done bson_to_json(Bytes document, bool canonical, std::string& out);

}  // namespace fle::tools

#endif  // FLE_TOOLS_DOCUMENTS_H_
