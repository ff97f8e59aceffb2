#include "run_files.h"

#include <utility>

namespace fle::tools {

Outcome<std::unique_ptr<RunFiles>> RunFiles::open(const CipherOptions& o) {
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.stream.format));
  return std::unique_ptr<RunFiles>(new RunFiles(o, std::move(reader)));
}

Done RunFiles::open_results() {
  const files::Privacy privacy =
      o_.gives_plaintext() ? files::Privacy::secret : files::Privacy::ordinary;
  FLE_TRY(const OutputForm form, o_.stream.output_form(reader_->form()));
  if (!o_.quarantine.empty()) FLE_CHECK(open_aside());
  if (const DumpFolder* const like = reader_->folder(); like != nullptr) {
    FLE_TRY(FolderOutput folder, FolderOutput::create(o_.stream.out, privacy));
    folder_.emplace(std::move(folder));
    FLE_TRY(DocumentWriter writer, DocumentWriter::into(*folder_, *like));
    writer_.emplace(std::move(writer));
    return ok;
  }
  FLE_TRY(Output out, Output::open(o_.stream.out, privacy));
  out_.emplace(std::move(out));
  FLE_TRY(DocumentWriter writer, DocumentWriter::into(*out_, form));
  writer_.emplace(std::move(writer));
  return ok;
}

Done RunFiles::open_aside() {
  if (const auto all = reader_->announced(); all.size() > 1)
    return Failure(Errc::invalid_argument,
                   "the input has " + std::to_string(all.size()) +
                       " collections, whose documents '" + o_.quarantine +
                       "' would mix: use --on-error skip, or take the collections one by one");
  FLE_TRY(Output aside, Output::create(o_.quarantine));
  aside_.emplace(std::move(aside));
  return ok;
}

/// Texts need not end where their lines do.
Done RunFiles::put_aside(Bytes document) {
  if (!aside_) return ok;
  FLE_CHECK(aside_->write(document));
  constexpr std::uint8_t kLineEnd[] = {'\n'};
  return reader_->is_text() && document.back() != '\n' ? aside_->write(kLineEnd) : Done(ok);
}

Done RunFiles::commit(bool any_aside) {
  FLE_CHECK(writer_->finish(reader_->rest()));
  // No document is nowhere, whatever happens between the two.
  if (any_aside && aside_) FLE_CHECK(aside_->commit());
  return folder_ ? folder_->commit() : out_->commit();
}

}  // namespace fle::tools
