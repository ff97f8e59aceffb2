#ifndef FLE_TOOLS_DOCUMENT_WRITER_H_
#define FLE_TOOLS_DOCUMENT_WRITER_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes/byte_sink.h"
#include "command_line/files.h"
#include "fle/bson/extended_json.h"
#include "folder_output.h"
#include "inputs/chunk.h"
#include "inputs/dump_folder.h"
#include "inputs/recognize.h"

namespace fle::tools {

/// What results look like.
struct OutputForm {
  Form form;
  bool relaxed = false;  // of texts; else canonical
};

/// Puts documents back into a form of stream: what DocumentReader takes apart. On one thread, in
/// stream order.
class DocumentWriter {
 public:
  /// @param out  outlives this; it is not committed
  /// @retval Errc::invalid_argument  what would go to a terminal is no text
  static Outcome<DocumentWriter> into(Output& out, const OutputForm& form);
  /// Into a new folder like the one that was read: what is no document is copied at once.
  /// @param out  outlives this; it is not committed
  static Outcome<DocumentWriter> into(FolderOutput& out, const DumpFolder& like);
  DocumentWriter(DocumentWriter&&) noexcept;
  ~DocumentWriter();

  /// Whether people see what is written.
  [[nodiscard]] bool is_terminal() const noexcept;
  /// Whether documents are Extended JSON: append_text() and write_text(), else write().
  [[nodiscard]] bool is_text() const noexcept { return form_.form.is_text(); }
  /// The text of a document as it stands in the stream, separators included. Thread-safe: texts of
  /// several documents may be made anywhere, and put one after the other.
  Done append_text(Bytes document, WipedChars& out) const;

  /// Writes what stands before the documents of a chunk that was read, and then what became of
  /// them.
  Done write(const Chunk& of, std::span<const Bytes> documents);
  Done write_text(const Chunk& of, std::span<const char> text);
  /// Whether a document has a text at all, as append_text() finds. Thread-safe.
  [[nodiscard]] Done check_text(Bytes document) const;
  /// Writes a text that is not to be in memory as a whole.
  Done write_long_text(Bytes document);
  /// Ends the stream.
  /// @param rest  DocumentReader::rest()
  Done finish(std::vector<Frame> rest);

 private:
  struct Target;
  DocumentWriter(OutputForm form, std::unique_ptr<Target> target) noexcept;
  Done put(std::string_view text);
  [[nodiscard]] bson::JsonForm json_form() const noexcept {
    return form_.relaxed ? bson::JsonForm::relaxed : bson::JsonForm::canonical;
  }

  OutputForm form_;
  std::unique_ptr<Target> target_;
  bool begun_ = false;  // an array has its first bracket
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_DOCUMENT_WRITER_H_
