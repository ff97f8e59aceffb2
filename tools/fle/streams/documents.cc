#include "documents.h"

#include <cerrno>
#include <utility>

#include <sys/stat.h>

#include "fle/bson/cursor.h"

namespace fle::tools {
namespace {

class FileSource : public ByteSource {
 public:
  explicit FileSource(Input in) : in_(std::move(in)) {}
  Outcome<std::size_t> read(MutBytes into) override {
    FLE_TRY(const std::size_t n, in_.read(into));
    position_ += n;
    return n;
  }
  [[nodiscard]] std::uint64_t position() const noexcept override { return position_; }

 private:
  Input in_;
  std::uint64_t position_ = 0;
};

Failure in_file(Failure f, const std::string& file) {
  if (!f.message.ends_with(")")) f.message += " (in '" + file + "')";
  return f;
}

/// Who reads one text knows nothing of those beside it: what it advises about lines is for streams
/// that were promised to be lines, and not for an option.
Failure without_lines(Failure f) {
  for (const char* advice : {"; a document printed over", "; write one document a line"}) {
    const std::size_t at = f.message.find(advice);
    if (at != std::string::npos) f.message.resize(at);
  }
  return f;
}

/// "collectionName" of a file of metadata; nothing: there is no such file, or it has none.
Outcome<std::string> name_in_metadata(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 && errno == ENOENT) return std::string();
  FLE_TRY(Input in, Input::open(path));
  FLE_TRY(Recognized stream,
          recognize(std::make_unique<FileSource>(std::move(in)), Format::automatic, kMaxDocument));
  Chunk chunk;
  FLE_CHECK(stream.cutter->next(chunk, 1));
  if (chunk.empty() || !stream.form.is_text()) return std::string();
  WipedBytes document;
  FLE_CHECK(
      json_to_bson({reinterpret_cast<const char*>(chunk[0].data()), chunk[0].size()}, document));
  const auto name = bson::find(document, "collectionName");
  if (!name || name->type != bson::Type::string) return std::string();
  return std::string(bson::text_of(document, *name));
}

/// Where metadata do not tell, a collection keeps the name that its file has.
Done complete_names(DumpFolder& folder) {
  for (const DumpFolder::CutName& cut : folder.cut_names) {
    const auto name = name_in_metadata(folder.path + "/" + cut.metadata);
    if (!name) return in_file(name.error(), cut.metadata);
    if (!name->empty()) folder.name(cut, *name);
  }
  return ok;
}

}  // namespace

Outcome<DocumentReader> DocumentReader::open(Input in, Format format, std::size_t max_bytes) {
  if (in.is_folder()) {
    FLE_TRY(DumpFolder folder, DumpFolder::open(in.name()));
    FLE_CHECK(complete_names(folder));
    return DocumentReader(std::move(folder), max_bytes);
  }
  const std::uint64_t size = in.size();
  FLE_TRY(Recognized stream,
          recognize(std::make_unique<FileSource>(std::move(in)), format, max_bytes));
  return DocumentReader(std::move(stream), size, format == Format::json);
}

DocumentReader DocumentReader::go_on(Input rest, const Form& form, bool lines, const Start& start) {
  const std::uint64_t size = rest.size();
  Window window(std::make_unique<FileSource>(std::move(rest)));
  Recognized stream{form, !form.is_text() ? cut_bson(std::move(window), kMaxDocument)
                          : lines         ? cut_lines(std::move(window), kMaxDocument)
                                          : cut_json(std::move(window), kMaxDocument)};
  stream.cutter->count_from(start.documents, start.place);
  return DocumentReader(std::move(stream), size, lines);
}

Done DocumentReader::next(Chunk& out, std::size_t target) {
  Done done = cut(out, target);
  out.add_up();
  return done;
}

Done DocumentReader::cut(Chunk& out, std::size_t target) {
  if (!folder_) return cutter_->next(out, target);
  out.clear();
  for (;;) {
    if (cutter_ == nullptr) {
      if (n_opened_ == folder_->collections.size()) return ok;
      FLE_CHECK(open_next());
    }
    const std::string& file = folder_->collections[n_opened_ - 1]->file;
    if (Done done = cutter_->next(out, target); !done)
      return in_file(std::move(done.error()), file);
    if (!out.empty()) return ok;
    cutter_.reset();
  }
}

/// The next file of a folder, all of which are BSON, compressed or not.
Done DocumentReader::open_next() {
  const std::shared_ptr<const Collection>& collection = folder_->collections[n_opened_++];
  FLE_TRY(Input in, Input::open(folder_->path + "/" + collection->file));
  auto stream =
      recognize(std::make_unique<FileSource>(std::move(in)), Format::automatic, max_bytes_);
  if (!stream) return in_file(std::move(stream.error()), collection->file);
  if (stream->form.kind != Kind::bson)
    return Failure(Errc::malformed_bson, "no BSON is in '" + collection->file + "'");
  cutter_ = std::move(stream->cutter);
  cutter_->name(collection);
  return ok;
}

Done DocumentReader::check_one_collection() const {
  const auto all = announced();
  if (all.size() == 1) return ok;
  return Failure(
      Errc::invalid_argument,
      "the input has " + std::to_string(all.size()) +
          " collections, where documents of one are needed: name its file, or dump that one");
}

Outcome<Bytes> DocumentReader::as_bson(const Chunk& chunk, std::size_t i, WipedBytes& room,
                                       const bson::IntegerHints* integers) const {
  const Bytes document = chunk[i];
  if (!is_text() || chunk.is_extracted()) return document;
  const std::size_t from = room.size();
  Done done = chunk.unreadable
                  ? Done(*chunk.unreadable)
                  : json_to_bson({reinterpret_cast<const char*>(document.data()), document.size()},
                                 room, integers);
  if (done) return Bytes(room).subspan(from);
  Failure f = strict_ ? std::move(done.error()) : without_lines(std::move(done.error()));
  const TextPlace& place = chunk.places[i];
  f.document = chunk.first_document + i + 1;
  if (f.line <= 1) f.column += static_cast<std::uint32_t>(place.column - 1);
  f.line += static_cast<std::uint32_t>(f.line == 0 ? place.line : place.line - 1);
  return f;
}

Done json_to_bson(std::string_view text, WipedBytes& out, const bson::IntegerHints* integers) {
  bson::ReadOptions options;
  options.integers = integers;
  return bson::read_extended_json(out, text, options);
}

Done option_to_bson(const std::string& where, std::string_view text, WipedBytes& out) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Done done = json_to_bson(text, out);
  if (done) return ok;
  Failure f = without_lines(std::move(done.error()));
  f.message.insert(0, where + ": ");
  return f;
}

Done bson_to_json(Bytes document, bool canonical, WipedChars& out) {
  FLE_CHECK(bson::write_extended_json(
      out, document, canonical ? bson::JsonForm::canonical : bson::JsonForm::relaxed));
  out.push_back('\n');
  return ok;
}

Done bson_to_json(Bytes document, bool canonical, std::string& out) {
  WipedChars text;
  FLE_CHECK(bson_to_json(document, canonical, text));
  out.append(text.data(), text.size());
  return ok;
}

}  // namespace fle::tools
