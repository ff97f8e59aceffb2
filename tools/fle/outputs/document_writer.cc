#include "document_writer.h"

#include <string_view>
#include <utility>

#include "bytes/crc64.h"
#include "bytes/gzip_sink.h"
#include "fle/bson/little_endian.h"
#include "json/json_pieces.h"
#include "json_layout.h"

namespace fle::tools {
namespace {

class FileSink : public ByteSink {
 public:
  explicit FileSink(Output& out) : out_(out) {}
  Done write(Bytes data) override { return out_.write(data); }
  Done finish() override { return ok; }

 private:
  Output& out_;
};

}  // namespace

/// Where bytes go: one stream, or the file of the collection in hand.
struct DocumentWriter::Target {
  explicit Target(Output& o) : out(&o), sink(std::make_unique<FileSink>(o)) {}
  Target(FolderOutput& f, const DumpFolder& l) : folder(&f), like(&l), made(l.collections.size()) {}

  /// What stands in an archive between documents, with the checksums of those that were written.
  Done write_frames(std::vector<Frame> frames) {
    for (Frame& f : frames) {
      if (f.checksum_at != 0)
        bson::store64(f.bytes.data() + f.checksum_at, sum_of(*f.collection).value());
      FLE_CHECK(sink->write(f.bytes));
    }
    return ok;
  }
  Crc64& sum_of(const Collection& c) {
    if (sums.size() <= c.index) sums.resize(c.index + 1);
    return sums[c.index];
  }

  /// In a folder, the file of a collection; once, for its documents come in a row.
  Done enter(const Collection& c) {
    if (current == &c) return ok;
    FLE_CHECK(leave());
    FLE_TRY(Output o, folder->add_file(c.file));
    file = std::make_unique<Output>(std::move(o));
    sink = std::make_unique<FileSink>(*file);
    if (c.file.ends_with(".gz")) {
      FLE_TRY(sink, gzip_into(std::move(sink)));
    }
    current = &c;
    made[c.index] = true;
    return ok;
  }
  Done leave() {
    if (current == nullptr) return ok;
    current = nullptr;
    FLE_CHECK(sink->finish());
    return file->commit();
  }
  /// Collections without documents have files, too.
  Done finish_folder() {
    for (const auto& c : like->collections)
      if (!made[c->index]) FLE_CHECK(enter(*c));
    return leave();
  }

  Output* out = nullptr;
  FolderOutput* folder = nullptr;  // or this, made like
  const DumpFolder* like = nullptr;
  std::vector<bool> made;  // files of its collections
  std::unique_ptr<Output> file;
  const Collection* current = nullptr;
  std::unique_ptr<ByteSink> sink;
  std::vector<Crc64> sums;  // of an archive's collections, by their numbers
};

DocumentWriter::DocumentWriter(OutputForm form, std::unique_ptr<Target> target) noexcept
    : form_(form), target_(std::move(target)) {}
DocumentWriter::DocumentWriter(DocumentWriter&&) noexcept = default;
DocumentWriter::~DocumentWriter() = default;

Outcome<DocumentWriter> DocumentWriter::into(Output& out, const OutputForm& form) {
  const bool gzip = form.form.gzip;
  if (out.is_terminal() && (gzip || !form.form.is_text()))
    return Failure(Errc::invalid_argument,
                   std::string(gzip ? "gzip" : "BSON") +
                       " is not for a terminal: give --out FILE, send it into a pipe or a file, or "
                       "ask for " +
                       (gzip ? "--no-gzip " : "") + "--to json");
  auto target = std::make_unique<Target>(out);
  if (gzip) {
    FLE_TRY(target->sink, gzip_into(std::move(target->sink)));
  }
  return DocumentWriter(form, std::move(target));
}

Outcome<DocumentWriter> DocumentWriter::into(FolderOutput& out, const DumpFolder& like) {
  for (const std::string& folder : like.folders) FLE_CHECK(out.add_folder(folder));
  for (const std::string& file : like.others) FLE_CHECK(out.copy_file(file));
  return DocumentWriter({{Kind::folder}}, std::make_unique<Target>(out, like));
}

bool DocumentWriter::is_terminal() const noexcept {
  return target_->out != nullptr && target_->out->is_terminal();
}

// In an array a comma stands before each document: the first one's becomes the bracket.
Done DocumentWriter::append_text(Bytes document, WipedChars& out) const {
  const bson::JsonForm form = json_form();
  const std::size_t before = out.size();
  const bool in_array = form_.form.kind == Kind::array;
  if (in_array) out.insert(out.end(), {',', '\n'});
  WipedChars line;
  Done done = bson::write_extended_json(form_.form.pretty ? line : out, document, form);
  if (!done) {
    out.resize(before);
    return done;
  }
  if (form_.form.pretty) JsonLayout().add({line.data(), line.size()}, out);
  if (!in_array) out.push_back('\n');
  return ok;
}

Done DocumentWriter::check_text(Bytes document) const {
  return bson::internal::write_json_pieces(nullptr, document, json_form());
}

Done DocumentWriter::write_long_text(Bytes document) {
  const bool in_array = form_.form.kind == Kind::array;
  if (in_array) FLE_CHECK(put(begun_ ? ",\n" : "[\n"));
  begun_ = true;
  Done done = ok;
  JsonLayout layout;
  WipedChars lines;
  const auto take = [&](std::string_view piece) {
    if (!done) return;
    if (form_.form.pretty) {
      lines.clear();
      layout.add(piece, lines);
      piece = {lines.data(), lines.size()};
    }
    done = put(piece);
  };
  FLE_CHECK(bson::internal::write_json_pieces(take, document, json_form()));
  FLE_CHECK(std::move(done));
  return in_array ? Done(ok) : put("\n");
}

Done DocumentWriter::put(std::string_view text) {
  return target_->sink->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Done DocumentWriter::write(const Chunk& of, std::span<const Bytes> documents) {
  const bool archive = form_.form.kind == Kind::archive;
  if (target_->folder != nullptr) FLE_CHECK(target_->enter(*of.collection));
  if (archive) FLE_CHECK(target_->write_frames(of.before));
  Bytes run;  // documents that stand behind each other in memory go out as one
  for (const Bytes document : documents) {
    if (archive) target_->sum_of(*of.collection).add(document);
    if (run.data() + run.size() == document.data()) {
      run = {run.data(), run.size() + document.size()};
      continue;
    }
    FLE_CHECK(target_->sink->write(run));
    run = document;
  }
  return target_->sink->write(run);
}

Done DocumentWriter::write_text(const Chunk&, std::span<const char> text) {
  std::string_view rest(text.data(), text.size());
  if (form_.form.kind == Kind::array && !begun_ && !rest.empty()) {
    begun_ = true;
    rest.remove_prefix(1);
    FLE_CHECK(put("["));
  }
  return put(rest);
}

Done DocumentWriter::finish(std::vector<Frame> rest) {
  if (form_.form.kind == Kind::archive) FLE_CHECK(target_->write_frames(std::move(rest)));
  if (form_.form.kind == Kind::array) FLE_CHECK(put(begun_ ? "\n]\n" : "[]\n"));
  return target_->folder != nullptr ? target_->finish_folder() : target_->sink->finish();
}

}  // namespace fle::tools
