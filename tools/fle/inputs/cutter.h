#ifndef FLE_TOOLS_CUTTER_H_
#define FLE_TOOLS_CUTTER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "bytes/window.h"
#include "chunk.h"
#include "fle/bson/extended_json.h"
#include "fle/failure.h"

namespace fle::tools {

/// Cuts a stream into documents: the reader of one kind of stream. A kind says where the next
/// document stands; this fills chunks with them. Keeps no more than one document beyond the current
/// chunk.
class Cutter {
 public:
  virtual ~Cutter() = default;

  /// Reads what stands before the first document, and as much of that as tells how it is laid out.
  virtual Done start() { return ok; }
  /// Fills `out` with whole documents of one collection, up to a weight of `target` or one
  /// document, whichever is more. No documents: the stream has ended. On a failure `out` has the
  /// documents before it.
  /// Calls Chunk::add_up() for what `out` had. Who has several chunks does so, before it cuts on.
  Done next(Chunk& out, std::size_t target);
  /// Once the stream has ended: what stands behind the last document.
  [[nodiscard]] std::vector<Frame> rest() noexcept { return std::move(frames_); }
  /// Says whose the documents are, of a stream that does not; before the first.
  void name(std::shared_ptr<const Collection> collection) { enter(std::move(collection), 0); }
  /// Lets documents and lines be counted on, of a stream that begins behind others. Before the
  /// first.
  virtual void count_from(std::uint64_t documents, TextPlace /*place*/) { documents_ = documents; }
  /// Lets a text that is longer than its document is likely to be come out as the document: with
  /// Chunk::text_bytes. Before the first.
  /// @param integers     may be null; outlives this.
  /// @param longer_than  bytes. It takes more time than texts of some length are worth.
  void extract_long_texts(const bson::IntegerHints* integers,
                          std::size_t longer_than = 4 * 1024 * 1024) noexcept {
    long_text_ = longer_than;
    integers_ = integers;
  }
  /// Keeps such texts as they came beside their documents: with Chunk::text. Before the first.
  /// @param beside  as of SealedFile::create().
  void keep_long_texts(std::string beside) { keep_beside_ = std::move(beside); }
  /// Whether texts are laid out over several lines each; as the first one is.
  [[nodiscard]] virtual bool is_pretty() const noexcept { return false; }
  /// The collections that the stream announces before its first document.
  [[nodiscard]] virtual std::vector<std::shared_ptr<const Collection>> announced() const {
    return {collection_};
  }

 protected:
  /// @param max_bytes  of a document as BSON.
  Cutter(Window window, std::size_t max_bytes)
      : window_(std::move(window)), max_bytes_(max_bytes) {}

  /// A document in the window.
  struct Extent {
    std::size_t from;  // what stands before it is left behind
    std::size_t size;  // 0: it is in extracted_
    TextPlace place{};
  };
  /// The document of a long text.
  struct Extracted {
    WipedBytes document;
    std::size_t text_bytes;
    std::unique_ptr<SealedFile> text;
    Done read;
  };
  /// Where the next document is. Nothing: the stream has ended, or the chunk that has_some() is to
  /// end here. Called again only once the last one has been taken.
  virtual Outcome<std::optional<Extent>> find() = 0;
  /// The size of a document that these bytes of the window begin with, where it is whole and that
  /// shows at once; 0: find() looks.
  [[nodiscard]] virtual std::size_t next_size(Bytes /*bytes*/) const noexcept { return 0; }
  /// Is told of a chunk with documents, once no other will be in it.
  virtual void complete(Chunk& /*chunk*/) {}

  /// Of texts: what the window begins with, where no document has been found.
  [[nodiscard]] virtual TextPlace place() const noexcept { return {}; }
  /// A failure at the document that find() looks for.
  [[nodiscard]] Failure at_document(Failure f) const {
    f.document = documents_ + 1;
    return in_collection(std::move(f), *collection_);
  }
  /// From now on documents are of this one.
  /// @param before  documents of it that there were.
  void enter(std::shared_ptr<const Collection> collection, std::uint64_t before) {
    collection_ = std::move(collection);
    documents_ = before;
  }

  /// Whether the chunk in hand has documents.
  [[nodiscard]] bool has_some() const noexcept { return has_some_; }

  Window window_;
  const std::size_t max_bytes_;
  std::vector<Frame> frames_;    // since the last document
  std::uint64_t documents_ = 0;  // of the collection so far
  bool is_text_ = false;
  std::size_t long_text_ = std::numeric_limits<std::size_t>::max();  // what is longer is one
  const bson::IntegerHints* integers_ = nullptr;
  std::string keep_beside_;  // empty: long texts are not kept
  std::optional<Extracted> extracted_;

 private:
  std::shared_ptr<const Collection> collection_ = std::make_shared<const Collection>();
  std::optional<Extent> found_;
  std::uint64_t position_ = 0;
  std::size_t usual_ = 0;  // bytes of a chunk
  bool has_some_ = false;
};

/// Documents of BSON one after the other, as mongodump writes them.
[[nodiscard]] std::unique_ptr<Cutter> cut_bson(Window window, std::size_t max_bytes);
/// One Extended JSON document a line, and nothing else.
[[nodiscard]] std::unique_ptr<Cutter> cut_lines(Window window, std::size_t max_bytes);
/// Extended JSON documents one after the other, however they are laid out.
[[nodiscard]] std::unique_ptr<Cutter> cut_json(Window window, std::size_t max_bytes);
/// An archive of mongodump.
[[nodiscard]] std::unique_ptr<Cutter> cut_archive(Window window, std::size_t max_bytes);
/// An array of Extended JSON documents.
[[nodiscard]] std::unique_ptr<Cutter> cut_array(Window window, std::size_t max_bytes);

}  // namespace fle::tools

#endif  // FLE_TOOLS_CUTTER_H_
