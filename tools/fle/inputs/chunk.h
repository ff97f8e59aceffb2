#ifndef FLE_TOOLS_CHUNK_H_
#define FLE_TOOLS_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bytes/sealed_file.h"
#include "bytes/shared_crc64.h"
#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/wiped.h"

namespace fle::tools {

/// A collection whose documents are in a stream. One object for each, as long as a reader lives.
struct Collection {
  std::size_t index = 0;  // in the order in which they were met
  std::string ns{};       // "db.collection"; empty: documents that do not say whose they are
  std::string file{};     // in a folder, its path there
};

/// A failure of one of its documents, which says whose it is where there may be others.
[[nodiscard]] inline Failure in_collection(Failure f, const Collection& collection) {
  if (!collection.ns.empty()) f.message += " (in " + collection.ns + ")";
  return f;
}

/// What stands between documents and is no document, as it is stored: headers and terminators of an
/// archive.
struct Frame {
  WipedBytes bytes;
  /// Where in `bytes` a checksum stands that is that of all documents of `collection`; 0: nowhere.
  std::size_t checksum_at = 0;
  std::shared_ptr<const Collection> collection{};
};

/// Where a text begins in its stream; both from 1.
struct TextPlace {
  std::uint64_t line = 1;
  std::uint64_t column = 1;
};

/// Documents of a stream, in a row, and all of one collection.
struct Chunk {
  std::uint64_t index = 0;           // of the chunk, from 0
  std::uint64_t first_document = 0;  // documents of the collection before this chunk
  std::shared_ptr<const Collection> collection;
  std::vector<Frame> before;      // what stands before these documents
  WipedBytes raw;                 // as read
  std::vector<std::size_t> ends;  // of each document in `raw`
  std::vector<TextPlace> places;  // of each document that is a text
  // Of a text that was too long to be kept: its bytes, and `raw` has the document instead, alone.
  std::size_t text_bytes = 0;
  std::unique_ptr<SealedFile> text;   // that text, where it is asked for
  std::optional<Failure> unreadable;  // why there is no document in such a text
  TextPlace end;                      // of texts: what stands behind input_bytes
  // Of the input as it is stored, up to the end of these documents and from that of those before
  // them; of a compressed one, that were read meanwhile.
  std::uint64_t input_bytes = 0;
  // Where its stream has a checksum of the documents: this chunk is yet to be added to it.
  std::shared_ptr<SharedCrc64> sum;
  std::uint64_t part_of_sum = 0;

  /// Adds the documents to the checksum of their stream. Whoever cut the chunk does, as soon as
  /// others may read on, before anything that waits for them: they may need it.
  void add_up() noexcept {
    if (sum != nullptr) sum->add(part_of_sum, raw);
    sum.reset();
  }
  /// Document `i`.
  [[nodiscard]] Bytes operator[](std::size_t i) const noexcept {
    const std::size_t from = i == 0 ? 0 : ends[i - 1];
    return Bytes(raw).subspan(from, ends[i] - from);
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends.size(); }
  /// Whether its document is BSON, of a stream of texts.
  [[nodiscard]] bool is_extracted() const noexcept { return text_bytes != 0 && !unreadable; }
  /// Bytes that the documents have in the stream.
  [[nodiscard]] std::size_t stored_bytes() const noexcept {
    return text_bytes != 0 ? text_bytes : raw.size();
  }
  [[nodiscard]] bool empty() const noexcept { return ends.empty(); }
  /// Roughly the memory that the documents take: what is kept for each beside its bytes outweighs
  /// the bytes of small ones.
  [[nodiscard]] std::size_t weight() const noexcept { return raw.size() + kEach * ends.size(); }
  static constexpr std::size_t kEach = 256;

  /// Keeps memory for the next documents, but not that of a large one: the next may be as large.
  void clear() noexcept {
    constexpr std::size_t kLarge = 1024 * 1024;
    before.clear();
    if (raw.capacity() > kLarge) WipedBytes().swap(raw);
    raw.clear();
    ends.clear();
    places.clear();
    text_bytes = 0;
    text.reset();
    unreadable.reset();
    input_bytes = 0;
  }
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CHUNK_H_
