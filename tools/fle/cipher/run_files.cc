#include "run_files.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "fle/files/place.h"
#include "fle/version.h"
#include "streams/packed.h"

namespace fle::tools {
namespace {

Failure cannot_resume(const std::string& why) { return {Errc::cannot_resume, why}; }

files::Privacy privacy_of(const CipherOptions& o) noexcept {
  return o.gives_plaintext() ? files::Privacy::secret : files::Privacy::ordinary;
}

/// As Output::resume() has it.
constexpr const char* kPartial = ".partial";

std::string journal_of(const std::string& out) { return out + ".journal"; }

/// What stands at a path; none: nothing does.
Outcome<std::optional<struct stat>> entry_at(const std::string& path) {
  FLE_TRY(const files::Place place, files::find_place(path, files::Links::follow));
  return place.entry;
}

/// The same of the unfinished file beside it.
Outcome<std::optional<struct stat>> partial_of(const std::string& path) {
  FLE_TRY(const files::Place place, files::find_place(path, files::Links::follow));
  struct stat st {};
  const std::string name = place.name + kPartial;
  if (::fstatat(place.folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
    return std::optional<struct stat>(st);
  if (errno == ENOENT) return std::optional<struct stat>();
  return files::failure("open", path + kPartial, errno);
}

/// Gives a file that is whole its name, if that was not done before.
Done put_in_place(const std::string& path, files::Privacy privacy, files::Existing existing,
                  std::uint64_t inode) {
  FLE_TRY(const auto there, entry_at(path));
  if (there && there->st_ino == inode) return ok;
  FLE_TRY(const auto partial, partial_of(path));
  if (!partial || partial->st_ino != inode)
    return cannot_resume("'" + path + "' was whole, and is gone: remove '" + path +
                         ".journal' to begin anew");
  FLE_TRY(Output out, Output::resume(path, privacy, existing));
  return out.commit();
}

/// Why a form cannot be read from the middle.
struct Obstacle {
  bool (*is_in_way)(const Form& form) noexcept;
  const char* why;
};
constexpr Obstacle kObstacles[] = {
    {[](const Form& f) noexcept { return f.gzip; },
     "the input is compressed, and can be read from its start alone: unpack it first (gunzip)"},
    {[](const Form& f) noexcept { return f.kind == Kind::archive; },
     "an archive has checksums over whole collections: dump into files (mongodump without "
     "--archive)"},
    {[](const Form& f) noexcept { return f.kind == Kind::array; },
     "what an item of a JSON array is shows from its start alone: export one document a line "
     "(mongoexport without --jsonArray)"},
    {[](const Form& f) noexcept { return f.pretty; },
     "where a document over several lines begins shows from the start alone: export one document a "
     "line (mongoexport without --pretty)"},
};

/// Texts need not end where their lines do.
Done end_line(Output& out, std::uint8_t last) {
  constexpr std::uint8_t kLineEnd[] = {'\n'};
  return last == '\n' ? Done(ok) : out.write(kLineEnd);
}

}  // namespace

Outcome<std::unique_ptr<RunFiles>> RunFiles::open(const CipherOptions& o) {
  FLE_TRY(Input in, Input::open(o.stream.in));
  std::optional<Input> file;
  if (o.needs_places() != nullptr || (!o.quarantine.empty() && in.size() != 0)) {
    FLE_TRY(file, in.section(0, in.size()));
  }
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.stream.format));
  std::unique_ptr<RunFiles> files(new RunFiles(o, std::move(reader)));
  files->file_ = std::move(file);
  FLE_CHECK(files->check_form());
  return files;
}

Done RunFiles::check_form() const {
  const char* const option = o_.needs_places();
  for (const Obstacle& o : kObstacles)
    if (option != nullptr && o.is_in_way(reader_->form()))
      return Failure(Errc::invalid_argument, std::string(option) + ": " + o.why);
  return ok;
}

Done RunFiles::open_results() {
  FLE_TRY(const OutputForm form, o_.stream.output_form(reader_->form()));
  const bool at_a_place = o_.needs_places() != nullptr;
  if (at_a_place) {
    FLE_TRY(share_, share_of(*file_, o_.part, reader_->is_text()));
  }
  FLE_CHECK(o_.resume ? go_on() : begin_anew());
  if (at_a_place) FLE_CHECK(read_from_place());
  return open_writer(form);
}

Done RunFiles::begin_anew() {
  if (!o_.quarantine.empty()) {
    if (const auto all = reader_->announced(); all.size() > 1)
      return Failure(Errc::invalid_argument,
                     "the input has " + std::to_string(all.size()) +
                         " collections, whose documents '" + o_.quarantine +
                         "' would mix: use --on-error skip, or take the collections one by one");
    FLE_TRY(Output aside, Output::create(o_.quarantine));
    aside_.emplace(std::move(aside));
  }
  if (reader_->folder() != nullptr) {
    FLE_TRY(FolderOutput folder,
            FolderOutput::create(o_.stream.out, privacy_of(o_), reader_->folder()->path));
    folder_.emplace(std::move(folder));
    return ok;
  }
  FLE_TRY(Output out, Output::open(o_.stream.out, privacy_of(o_)));
  out_.emplace(std::move(out));
  if (o_.stream.out.empty() || o_.stream.out == "-") return ok;
  const std::string journal = journal_of(o_.stream.out);
  if (const auto left = entry_at(journal); left && *left)
    complain("warning: '" + journal +
             "' is left of a run that did not end: with --resume it would go on; else remove it, "
             "and '" +
             o_.stream.out + ".partial'");
  return ok;
}

Done RunFiles::open_writer(const OutputForm& form) {
  if (folder_) {
    FLE_TRY(DocumentWriter writer, DocumentWriter::into(*folder_, *reader_->folder()));
    writer_.emplace(std::move(writer));
    return ok;
  }
  FLE_TRY(DocumentWriter writer, DocumentWriter::into(*out_, form));
  writer_.emplace(std::move(writer));
  return ok;
}

/// Lets the reader give what is left of the share.
Done RunFiles::read_from_place() {
  const std::uint64_t from = share_.from + begin_.input;
  read_ = from;
  FLE_TRY(Input rest, file_->section(from, share_.to));
  // In parts, where lines begin is where documents do, and nothing else may.
  const bool lines = reader_->is_text() && !o_.part.whole();
  if (from == 0) {
    FLE_TRY(reader_,
            DocumentReader::open(std::move(rest), lines ? Format::json : o_.stream.format));
  } else {
    reader_ = DocumentReader::go_on(
        std::move(rest), reader_->form(), lines || o_.stream.format == Format::json,
        {share_.documents_before + begin_.documents, {begin_.line, begin_.column}});
  }
  return ok;
}

/// What a run is of: see RunIdentity.
Outcome<RunIdentity> RunFiles::identity() const {
  FLE_TRY(const struct stat st, file_->status());
  Packer input;
  // Whoever writes to the file can set back st_mtim, and not st_ctim. No hash of the content: of a
  // small file it would tell who guesses its values that he is right.
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(st.st_dev), static_cast<std::uint64_t>(st.st_ino),
        static_cast<std::uint64_t>(st.st_size), static_cast<std::uint64_t>(st.st_mtim.tv_sec),
        static_cast<std::uint64_t>(st.st_mtim.tv_nsec),
        static_cast<std::uint64_t>(st.st_ctim.tv_sec),
        static_cast<std::uint64_t>(st.st_ctim.tv_nsec)})
    input.add(number);

  Packer options;
  options.add(FLE_VERSION_STRING);
  if (o_.by_schema()) {
    FLE_TRY(const std::string schema, o_.schema.read());
    options.add(schema);
  }
  for (const std::string& text :
       {o_.schema.ns, o_.keys.vault, o_.keys.vault_namespace, o_.keys.local_key_file,
        o_.keys.kms_file, o_.old_keys.vault, o_.old_keys.vault_namespace,
        o_.old_keys.local_key_file, o_.old_keys.kms_file, o_.quarantine, o_.part.text(),
        o_.stream.to})
    options.add(text);
  for (const auto number :
       {static_cast<std::uint64_t>(o_.task), static_cast<std::uint64_t>(o_.nulls),
        static_cast<std::uint64_t>(o_.stream.format), std::uint64_t{o_.schema.remote},
        static_cast<std::uint64_t>(reader_->form().kind), std::uint64_t{o_.stream.relaxed},
        std::uint64_t{o_.keep_missing}, std::uint64_t{o_.may_decrypt}})
    options.add(number);
  FLE_TRY(std::string of_options, hash_of(options.bytes()));
  return RunIdentity{input.bytes(), std::move(of_options)};
}

/// The journal is there before what it tells of: without one, files of its names are not its own.
Done RunFiles::nothing_is_left() const {
  for (const std::string& path : {o_.stream.out, o_.quarantine}) {
    if (path.empty()) continue;
    FLE_TRY(const auto partial, partial_of(path));
    if (partial)
      return cannot_resume("'" + path + ".partial' is there without a journal: remove it first");
  }
  if (o_.quarantine.empty()) return ok;
  FLE_TRY(const auto there, entry_at(o_.quarantine));
  return there ? files::failure("create", o_.quarantine, EEXIST) : Done(ok);
}

Done RunFiles::go_on() {
  const std::string& path = o_.stream.out;
  FLE_TRY(const RunIdentity identity_now, identity());
  FLE_TRY(journal_, Journal::open(journal_of(path), identity_now));
  if (journal_->is_new()) {
    if (Done begins = nothing_is_left(); !begins) {
      FLE_CHECK(journal_->remove());
      return begins;
    }
  }
  if (journal_->last()) begin_ = *journal_->last();
  if (is_over()) return end();
  FLE_TRY(Output out, Output::resume(path, privacy_of(o_), files::Existing::replace));
  FLE_CHECK(out.cut(begin_.output));
  out_.emplace(std::move(out));
  if (!o_.quarantine.empty()) {
    FLE_TRY(Output aside,
            Output::resume(o_.quarantine, files::Privacy::secret, files::Existing::keep));
    FLE_CHECK(aside.cut(begin_.put_aside));
    aside_.emplace(std::move(aside));
  }
  at_ = begin_;
  at_.counts.clear();
  last_ = at_.input;
  return ok;
}

/// What an earlier run had left to do once all was made.
Done RunFiles::end() {
  if (begin_.put_aside_inode != 0)
    FLE_CHECK(put_in_place(o_.quarantine, files::Privacy::secret, files::Existing::keep,
                           begin_.put_aside_inode));
  FLE_CHECK(
      put_in_place(o_.stream.out, privacy_of(o_), files::Existing::replace, begin_.output_inode));
  FLE_CHECK(journal_->remove());
  // Nothing is written any more.
  FLE_TRY(Output nothing, Output::open("/dev/null", files::Privacy::ordinary));
  out_.emplace(std::move(nothing));
  return ok;
}

/// Rare enough that the journal takes little of what it is about.
bool RunFiles::is_time() const noexcept {
  constexpr std::uint64_t kRecordPart = 256;
  const std::uint64_t least =
      o_.checkpoint_bytes == kCheckpointBytes ? kRecordPart * journal_->record_size() : 0;
  return at_.input - last_ >= std::max(o_.checkpoint_bytes, least);
}

Done RunFiles::checkpoint(std::string counts, bool complete) {
  Checkpoint c = at_;
  FLE_TRY(c.output, out_->sync());
  if (aside_) {
    FLE_TRY(c.put_aside, aside_->sync());
  }
  c.complete = complete ? 1 : 0;
  if (complete) {
    FLE_TRY(c.output_inode, out_->inode());
    if (c.put_aside != 0) {
      FLE_TRY(c.put_aside_inode, aside_->inode());
    }
  }
  c.counts = std::move(counts);
  FLE_CHECK(journal_->add(c));
  last_ = at_.input;
  return ok;
}

Done RunFiles::put_aside(const Chunk& chunk, std::size_t i) {
  if (!aside_) return ok;
  if (chunk.text != nullptr) return put_text_aside(*chunk.text);
  if (chunk.text_bytes != 0) {
    FLE_TRY(Input text, text_in_file(chunk));
    return put_text_aside(text);
  }
  const Bytes document = chunk[i];
  FLE_CHECK(aside_->write(document));
  return reader_->is_text() ? end_line(*aside_, document.back()) : Done(ok);
}

/// A text that was not kept, in the file, with the line end that may stand behind it.
Outcome<Input> RunFiles::text_in_file(const Chunk& chunk) const {
  constexpr std::uint8_t kLineEnd[] = {'\r', '\n'};
  const std::uint64_t end = read_ + chunk.input_bytes;
  std::uint8_t behind[sizeof kLineEnd] = {};
  FLE_TRY(const std::size_t n, file_->read_at(behind, end));
  const bool is_line_end = n == sizeof behind && std::ranges::equal(behind, kLineEnd);
  return file_->section(end - chunk.text_bytes, end + (is_line_end ? n : 0));
}

/// A text that is read piece by piece.
template <class Text>
Done RunFiles::put_text_aside(Text& text) {
  constexpr std::size_t kPiece = 64 * 1024;
  WipedBytes piece(kPiece);
  std::uint8_t last = 0;
  for (;;) {
    FLE_TRY(const std::size_t n, text.read(piece));
    if (n == 0) return end_line(*aside_, last);
    FLE_CHECK(aside_->write(Bytes(piece).first(n)));
    last = piece[n - 1];
  }
}

Done RunFiles::commit(bool any_aside, const std::string& counts) {
  if (is_over()) return ok;
  FLE_CHECK(writer_->finish(reader_->rest()));
  if (journal_) FLE_CHECK(checkpoint(counts, true));
  // No document is nowhere, whatever happens between the two.
  if (aside_) FLE_CHECK(any_aside ? aside_->commit() : aside_->discard());
  if (folder_) return folder_->commit();
  FLE_CHECK(out_->commit());
  if (journal_) FLE_CHECK(journal_->remove());
  journal_.reset();
  return ok;
}

std::string RunFiles::journal_path() const {
  return journal_ && !is_over() ? journal_of(o_.stream.out) : std::string();
}

}  // namespace fle::tools
