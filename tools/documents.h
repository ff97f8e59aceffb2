#ifndef FLE_TOOLS_DOCUMENTS_H_
#define FLE_TOOLS_DOCUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "files.h"
#include "fle/failure.h"

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
  std::vector<std::uint8_t> raw;     // as read
  std::vector<std::size_t> ends;     // of each document or line in `raw`

  /// Roughly the memory that the documents take: what is kept for each beside its bytes outweighs
  /// the bytes of small ones.
  [[nodiscard]] std::size_t weight() const noexcept { return raw.size() + kEach * ends.size(); }
  static constexpr std::size_t kEach = 256;
};

/// Cuts a stream into documents. Keeps no more than one document beyond the current chunk.
class DocumentReader {
 public:
  DocumentReader(Input& in, Format format) : in_(in), format_(format) {}

  /// Fills `out` with whole documents, up to a weight of `target` or one document, whichever is
  /// more. No documents: the stream has ended. On a failure `out` has the documents before it.
  /// @retval Errc::truncated_stream, Errc::malformed_bson, Errc::document_too_large,
  /// Errc::io_failed
  Done next(Chunk& out, std::size_t target);

 private:
  // Where the first document in the buffer ends.
  struct Extent {
    std::size_t size;  // with its separator; 0 when more bytes are needed
    std::size_t need;  // then: bytes that the buffer must have room for
  };
  Outcome<Extent> first_document();
  Outcome<Extent> first_line();
  Done fill(std::size_t need);
  void take(Chunk& out, std::size_t size);
  [[nodiscard]] Failure at_document(Failure f) const;

  Input& in_;
  Format format_;
  std::vector<std::uint8_t> buffer_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t searched_ = 0;  // bytes of the buffer known to hold no line end
  bool ended_ = false;
  std::uint64_t documents_ = 0;
};

/// One line of Extended JSON -> BSON, appended to `out`. The message quotes nothing of the line: it
/// may hold plaintext.
Done json_to_bson(std::string_view line, std::vector<std::uint8_t>& out);
/// BSON -> one line of canonical or relaxed Extended JSON with its line end, appended to `out`.
Done bson_to_json(Bytes document, bool canonical, std::string& out);

}  // namespace fle::tools

#endif  // FLE_TOOLS_DOCUMENTS_H_
