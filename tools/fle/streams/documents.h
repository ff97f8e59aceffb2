#ifndef FLE_TOOLS_DOCUMENTS_H_
#define FLE_TOOLS_DOCUMENTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command_line/files.h"
#include "fle/bson/extended_json.h"
#include "fle/failure.h"
#include "fle/wiped.h"
#include "inputs/chunk.h"
#include "inputs/dump_folder.h"
#include "inputs/recognize.h"

namespace fle::tools {

/// Bytes of a BSON document. Decryption meets documents that encryption made larger than an
/// application could have sent.
inline constexpr std::size_t kMaxDocument = 16 * 1024 * 1024 + 16 * 1024;

/// Documents out of a file or pipe, whatever its form is: docs/inputs.md.
class DocumentReader {
 public:
  /// Reads as far as it takes to tell the form.
  /// @param max_bytes  of a document as BSON; a text may be longer, as its form demands.
  /// @retval Errc::malformed_bson, Errc::json_invalid  says what the input is, and what to do
  /// @retval Errc::not_in_build, Errc::io_failed
  static Outcome<DocumentReader> open(Input in, Format format,
                                      std::size_t max_bytes = kMaxDocument);

  /// Where a part of a stream begins, in the whole of it.
  struct Start {
    std::uint64_t documents = 0;  // before it
    TextPlace place{};            // of texts
  };
  /// Reads on in a file, behind documents that were read before.
  /// @param rest   from the end of such a document on.
  /// @param form   of the whole: BSON, or texts one after the other.
  /// @param lines  texts are one a line, and nothing else.
  static DocumentReader go_on(Input rest, const Form& form, bool lines, const Start& start);

  [[nodiscard]] const Form& form() const noexcept { return form_; }
  /// Whether documents are Extended JSON.
  [[nodiscard]] bool is_text() const noexcept { return form_.is_text(); }
  /// Bytes of the input as it is stored, 0 when unknown: all Chunk::input_bytes together.
  [[nodiscard]] std::uint64_t input_bytes() const noexcept { return size_; }

  /// Keeps no text that is much longer than its document: what is longer than 4 MiB is read into
  /// the document as it comes. For who has no use for the text. Before the first document; nothing
  /// for input that is no text.
  /// @param integers  as of as_bson(); outlives this.
  void extract_long_texts(const bson::IntegerHints* integers = nullptr) {
    if (cutter_ != nullptr) cutter_->extract_long_texts(integers);
  }

  /// Keeps such texts, sealed, in files without names: for who may need them as they came.
  /// @param beside  the files are on the file system of the folder where this path stands.
  void keep_long_texts(const std::string& beside) {
    if (cutter_ != nullptr) cutter_->keep_long_texts(beside);
  }

  /// The collections that the input announces before its documents: of one that does not say whose
  /// they are, one without a name.
  [[nodiscard]] std::vector<std::shared_ptr<const Collection>> announced() const {
    return folder_ ? folder_->collections : cutter_->announced();
  }

  /// Whether these are documents of one collection, for who cannot keep several apart.
  /// @retval Errc::invalid_argument  names them
  [[nodiscard]] Done check_one_collection() const;

  /// Fills `out` with whole documents of one collection, up to a weight of `target` or one
  /// document, whichever is more. No documents: the stream has ended. On a failure `out` has the
  /// documents before it.
  /// @retval Errc::truncated_stream, Errc::malformed_bson, Errc::json_invalid,
  /// Errc::document_too_large, Errc::io_failed
  Done next(Chunk& out, std::size_t target);
  /// The same for several threads, which cut one at a time: out.add_up() is left to the one that
  /// cut, when the others may.
  Done cut(Chunk& out, std::size_t target);
  /// Once the stream has ended: what stands behind the last document.
  [[nodiscard]] std::vector<Frame> rest() noexcept {
    return folder_ ? std::vector<Frame>() : cutter_->rest();
  }
  /// The folder that is read; null: it is none.
  [[nodiscard]] const DumpFolder* folder() const noexcept { return folder_ ? &*folder_ : nullptr; }
  /// Document `i` of a chunk of this reader as BSON: its own bytes, or `room` with what its text
  /// says. A Failure has its number, and the place of the fault in a text. Thread-safe.
  Outcome<Bytes> as_bson(const Chunk& chunk, std::size_t i, WipedBytes& room,
                         const bson::IntegerHints* integers = nullptr) const;

 private:
  DocumentReader(Recognized stream, std::uint64_t size, bool strict)
      : form_(stream.form), cutter_(std::move(stream.cutter)), size_(size), strict_(strict) {}
  DocumentReader(DumpFolder folder, std::size_t max_bytes)
      : form_{Kind::folder},
        size_(folder.bytes),
        folder_(std::move(folder)),
        max_bytes_(max_bytes) {}
  Done open_next();

  Form form_;
  std::unique_ptr<Cutter> cutter_;
  std::uint64_t size_;
  bool strict_ = false;  // one document a line
  std::optional<DumpFolder> folder_;
  std::size_t n_opened_ = 0;  // of its files; of the last one is cutter_
  std::size_t max_bytes_ = 0;
};

/// One document of Extended JSON -> BSON, appended to `out`. The message quotes nothing of the
/// text: it may hold plaintext.
Done json_to_bson(std::string_view text, WipedBytes& out,
                  const bson::IntegerHints* integers = nullptr);
/// Likewise, of the text that an option or a small file has: the message begins with `where`.
Done option_to_bson(const std::string& where, std::string_view text, WipedBytes& out);
/// BSON -> one line of canonical or relaxed Extended JSON with its line end, appended to `out`.
Done bson_to_json(Bytes document, bool canonical, WipedChars& out);
/// Likewise, of documents that hold nothing that is to be wiped.
Done bson_to_json(Bytes document, bool canonical, std::string& out);

}  // namespace fle::tools

#endif  // FLE_TOOLS_DOCUMENTS_H_
