#ifndef FLE_TOOLS_RUN_FILES_H_
#define FLE_TOOLS_RUN_FILES_H_

#include <memory>
#include <optional>

#include "cipher_options.h"
#include "outputs/document_writer.h"
#include "outputs/folder_output.h"
#include "streams/documents.h"

namespace fle::tools {

/// What a run reads and what it makes: documents, and those that are put aside.
class RunFiles {
 public:
  /// Opens what is read.
  static Outcome<std::unique_ptr<RunFiles>> open(const CipherOptions& o);
  RunFiles(const RunFiles&) = delete;
  RunFiles& operator=(const RunFiles&) = delete;

  [[nodiscard]] DocumentReader& reader() noexcept { return *reader_; }
  /// Opens what is made; once nothing else can be refused before documents are.
  Done open_results();
  [[nodiscard]] DocumentWriter& writer() noexcept { return *writer_; }

  /// Puts a document aside as it came, where that is asked for.
  Done put_aside(Bytes document);
  /// Ends the results, and puts all where it belongs.
  /// @param any_aside  whether something was put aside; else that file does not appear
  Done commit(bool any_aside);

 private:
  RunFiles(const CipherOptions& o, DocumentReader reader) : o_(o), reader_(std::move(reader)) {}
  Done open_aside();

  const CipherOptions& o_;
  std::optional<DocumentReader> reader_;
  std::optional<Output> out_;
  std::optional<FolderOutput> folder_;  // or this
  std::optional<Output> aside_;
  std::optional<DocumentWriter> writer_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_RUN_FILES_H_
