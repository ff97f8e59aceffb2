#ifndef FLE_TOOLS_RUN_FILES_H_
#define FLE_TOOLS_RUN_FILES_H_

#include <memory>
#include <optional>
#include <string>

#include "cipher_options.h"
#include "journal.h"
#include "outputs/document_writer.h"
#include "outputs/folder_output.h"
#include "share.h"
#include "streams/documents.h"

namespace fle::tools {

/// What a run reads and what it makes: documents, those that are put aside, and under --resume the
/// journal of how far it has come.
class RunFiles {
 public:
  /// Opens what is read, by options in which usage_fault() finds nothing.
  /// @retval Errc::invalid_argument  its form cannot be read from the middle, and is to be
  static Outcome<std::unique_ptr<RunFiles>> open(const CipherOptions& o);
  RunFiles(const RunFiles&) = delete;
  RunFiles& operator=(const RunFiles&) = delete;

  /// Of the whole input until open_results(), then of what this run does.
  [[nodiscard]] DocumentReader& reader() noexcept { return *reader_; }
  /// Opens what is made; once nothing else can be refused before documents are.
  Done open_results();
  [[nodiscard]] DocumentWriter& writer() noexcept { return *writer_; }

  /// Whether documents are counted from the start of the input.
  [[nodiscard]] bool counts_from_start() const noexcept { return share_.counted; }
  /// What an earlier run had counted; empty where this one begins.
  [[nodiscard]] const std::string& counts() const noexcept { return begin_.counts; }
  /// An earlier run has done everything but to end.
  [[nodiscard]] bool is_over() const noexcept { return begin_.complete != 0; }

  /// Whether a text that is not kept can be put aside: it stands in a file.
  [[nodiscard]] bool finds_texts_again() const noexcept { return file_ && !reader_->form().gzip; }
  /// Puts document `i` aside as it came, where that is asked for. Of the chunk that advance() is
  /// told of next.
  Done put_aside(const Chunk& chunk, std::size_t i);
  /// A chunk has become results: a checkpoint, when it is time for one.
  template <class Counts>
  Done advance(const Chunk& done, const Counts& counts) {
    read_ += done.input_bytes;
    if (!journal_) return ok;
    at_.input += done.input_bytes;
    at_.documents += done.size();
    at_.line = done.end.line;
    at_.column = done.end.column;
    return is_time() ? checkpoint(counts()) : Done(ok);
  }
  /// Ends the results, and puts all where it belongs; then no journal is left.
  /// @param any_aside  whether something was put aside; else that file does not appear
  Done commit(bool any_aside, const std::string& counts);
  /// Where another run goes on after this one has failed; empty: nowhere.
  [[nodiscard]] std::string journal_path() const;

 private:
  RunFiles(const CipherOptions& o, DocumentReader reader) : o_(o), reader_(std::move(reader)) {}
  [[nodiscard]] Done check_form() const;
  Done begin_anew();
  Done go_on();
  [[nodiscard]] Done nothing_is_left() const;
  Done end();
  Done read_from_place();
  Done open_writer(const OutputForm& form);
  [[nodiscard]] Outcome<RunIdentity> identity() const;
  [[nodiscard]] bool is_time() const noexcept;
  Done checkpoint(std::string counts, bool complete = false);
  [[nodiscard]] Outcome<Input> text_in_file(const Chunk& chunk) const;
  template <class Text>
  Done put_text_aside(Text& text);

  const CipherOptions& o_;
  std::optional<DocumentReader> reader_;
  std::optional<Input> file_;  // under --resume and --part, and for texts that may be put aside
  std::uint64_t read_ = 0;     // where in it the last chunk ended
  Share share_;
  std::optional<Journal> journal_;
  std::optional<Output> out_;
  std::optional<FolderOutput> folder_;  // or this
  std::optional<Output> aside_;
  std::optional<DocumentWriter> writer_;
  Checkpoint begin_;
  Checkpoint at_;           // but for what stands in files
  std::uint64_t last_ = 0;  // at_.input at the last checkpoint
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_RUN_FILES_H_
