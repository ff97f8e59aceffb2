#include "cipher_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <sys/mman.h>

#include "streams/integer_hints.h"

namespace fle::tools {

using client::DocumentCipher;

struct CipherRun::Part : Work {
  WipedBytes bson;                   // of texts that came
  WipedChars texts;                  // of the results
  Lane* lane = nullptr;              // of its collection
  std::vector<Bytes> documents;      // of the chunk, as BSON
  std::vector<std::size_t> numbers;  // of those that are in the batch, in the chunk
  client::Batch batch;
  std::vector<Bytes> results;
  std::vector<std::size_t> done;  // of each the number of its document in the chunk
  std::vector<Bytes> sources;     // and that document
  std::vector<LeftOut> left_out;
  std::optional<Failure> unread;  // of the document after the last of `documents`
  Tally tally;
  bool large = false;  // one document, which is not to be in memory more often than it must

  [[nodiscard]] bool is_left_out(std::size_t i) const noexcept {
    return std::ranges::any_of(left_out, [i](const LeftOut& l) { return l.index == i; });
  }
  /// The number in its collection, from 1, of document `i` of the chunk.
  [[nodiscard]] std::uint64_t number(std::size_t i) const noexcept {
    return chunk.first_document + i + 1;
  }
};

namespace {

// Bytes from which on a document is a large one.
constexpr std::size_t kLarge = 1024 * 1024;

/// Gives memory of a vector back, and with it what stands there: the kernel hands out zeroes. The
/// vector stays as it is, for it would wipe all its room, of which most may never have been
/// touched.
void let_go(MutBytes bytes) noexcept {
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const std::uintptr_t end = (begin + bytes.size()) / kPage * kPage;
  if (first < end) ::madvise(bytes.data() + (first - begin), end - first, MADV_DONTNEED);
}

bson::Faults only(Failure f) {
  bson::Faults faults;
  faults.add(std::move(f));
  return faults;
}

}  // namespace

CipherRun::CipherRun(const CipherOptions& o, Lanes lanes, DocumentCipher::Reencryption how,
                     RunFiles& files)
    : o_(o),
      lanes_(std::move(lanes)),
      how_(std::move(how)),
      files_(files),
      reader_(files.reader()),
      out_(files.writer()),
      progress_(reader_.input_bytes(),
                o.stream.quiet || out_.is_terminal() || o.keys.traces_to_standard_error()) {}

Ending CipherRun::all() {
  if (!files_.counts().empty()) FLE_CHECK(load_counts());
  if (files_.is_over()) return kDone;
  if (reader_.is_text()) {
    FLE_TRY(const Lane* const lane, lanes_.of(*reader_.announced().front()));
    files_.reader().extract_long_texts(lane->integers.get());
    // Texts that are put aside as they are have to be found again.
    if (o_.on_error == OnError::quarantine && !files_.finds_texts_again())
      files_.reader().keep_long_texts(o_.quarantine);
  }
  Steps steps;
  steps.make = [] { return std::make_unique<Part>(); };
  steps.process = [this](Work& w) { return process(static_cast<Part&>(w)); };
  steps.write = [this](Work& w) { return write(static_cast<Part&>(w)); };
  Done done = run_pipeline(files_.reader(), steps, o_.stream.thread_count());
  progress_.hide();
  kept_.finish();
  if (!done) return stop_.tell(in_part(std::move(done.error())));
  return o_.require_fields ? lanes_.require_fields() : Done(ok);
}

std::string CipherRun::counts() const {
  Packer out;
  lanes_.save(out);
  kept_.save(out);
  left_out_.save(out);
  return out.bytes();
}

Done CipherRun::load_counts() {
  Unpacker in(files_.counts());
  const bool loaded = lanes_.load(in);
  kept_.load(in);
  left_out_.load(in);
  if (loaded && in.whole()) return ok;
  return Failure(Errc::cannot_resume, "the journal has counts of another run");
}

/// Where what stands before a part was not read, a failure says where its numbers begin.
Failure CipherRun::in_part(Failure f) const {
  const std::string where = " (counted from the start of part " + o_.part.text() + ")";
  if (files_.counts_from_start() || f.document == 0 || f.message.ends_with(where)) return f;
  f.line = 0;
  f.message += where;
  return f;
}

// ---- On one of many threads

Done CipherRun::process(Part& p) {
  p.left_out.clear();
  FLE_TRY(p.lane, lanes_.of(*p.chunk.collection));
  FLE_CHECK(read_documents(p));
  for (bool all = false; !all;) {
    FLE_CHECK(transform(p));
    if (p.unread) return leave_out(p, p.documents.size(), only(std::move(*p.unread)));
    all = true;
    if (out_.is_text()) {
      FLE_TRY(all, write_texts(p));
    }
  }
  if (p.lane->copied == nullptr) p.tally.take(p.batch, o_.task);
  std::ranges::sort(p.left_out, {}, &LeftOut::index);
  return ok;
}

/// Where the run is to end with a text that is no document, those before it are still tried: one of
/// them may be the first to have a fault.
Done CipherRun::read_documents(Part& p) {
  p.documents.clear();
  p.unread.reset();
  p.bson.clear();
  p.large = p.chunk.size() == 1 && p.chunk.raw.size() >= kLarge;
  const bool text = reader_.is_text() && !p.chunk.is_extracted();
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; text && i < p.chunk.size() && !p.unread; ++i) {
    const std::size_t before = p.bson.size();
    auto read = reader_.as_bson(p.chunk, i, p.bson, p.lane->integers.get());
    if (!read) p.bson.resize(before);
    if (!read && o_.on_error == OnError::stop) {
      p.unread = std::move(read.error());
    } else {
      if (!read) FLE_CHECK(leave_out(p, i, only(std::move(read.error()))));
      ends.push_back(p.bson.size());
    }
  }
  if (text && p.large) {
    // Base64 was longer than what it stands for.
    let_go({p.bson.data() + p.bson.size(), p.bson.capacity() - p.bson.size()});
    // Nobody reads the text again, unless it may be put aside.
    if (o_.on_error != OnError::quarantine) let_go(p.chunk.raw);
  }
  const Bytes all = text ? Bytes(p.bson) : Bytes(p.chunk.raw);
  std::size_t from = 0;
  for (const std::size_t end : text ? ends : p.chunk.ends) {
    p.documents.push_back(all.subspan(from, end - from));
    from = end;
  }
  return ok;
}

/// Lets all documents through the cipher but those that are left out; it may leave out others.
Done CipherRun::transform(Part& p) {
  p.batch.clear();
  p.numbers.clear();
  p.results.clear();
  p.done.clear();
  p.sources.clear();
  for (std::size_t i = 0; i < p.documents.size(); ++i)
    if (p.left_out.empty() || !p.is_left_out(i)) p.numbers.push_back(i);
  if (p.lane->copied != nullptr) {
    p.results = p.documents;  // of BSON: none is left out
    return ok;
  }
  for (const std::size_t i : p.numbers) p.batch.add(p.documents[i]);
  if (Done done = run_cipher(p.lane->cipher, p.batch); !done)
    return give_up(p, std::move(done.error()));
  for (const client::FaultyDocument& f : p.batch.faulty())
    FLE_CHECK(leave_out(p, p.numbers[f.document], f.faults));
  for (std::size_t i = 0; i < p.batch.size(); ++i) {
    if (p.batch.output(i).empty()) continue;
    p.results.push_back(p.batch.output(i));
    p.done.push_back(p.numbers[i]);
    p.sources.push_back(p.documents[p.numbers[i]]);
  }
  return ok;
}

Done CipherRun::run_cipher(const DocumentCipher& cipher, client::Batch& batch) const {
  switch (o_.task) {
    case Task::encrypt:
      return cipher.encrypt(batch);
    case Task::decrypt:
      return cipher.decrypt(batch);
    case Task::reencrypt:
      break;
  }
  return cipher.reencrypt(batch, how_);
}

/// What a failed batch ends the run with: all faults of its document, where it was one. Under any
/// other OnError it has failed for what is no document's fault.
Done CipherRun::give_up(Part& p, Failure why) {
  if (why.document == 0) return why;
  const std::size_t i = p.numbers[why.document - 1];
  if (o_.on_error == OnError::stop)
    return leave_out(
        p, i, p.batch.faulty().empty() ? only(std::move(why)) : p.batch.faulty().front().faults);
  why.document = p.number(i);
  return in_collection(std::move(why), *p.chunk.collection);
}

/// @return  under OnError::stop, the first of the faults: the run ends with it
Done CipherRun::leave_out(Part& p, std::size_t i, bson::Faults faults) {
  for (Failure& f : faults.first) {
    f.document = p.number(i);
    if (reader_.is_text()) f = with_json_advice(std::move(f));
    if (refuses_null(f))
      f.message += "; --null keep leaves it there, --null omit leaves its field out";
    f = in_part(in_collection(std::move(f), *p.chunk.collection));
  }
  if (o_.on_error != OnError::stop) {
    p.left_out.push_back({i, std::move(faults)});
    return ok;
  }
  Failure first = faults.first.front();
  stop_.note(p.chunk.index, std::move(faults));
  return first;
}

/// False where a result cannot be written: its document is left out, and the others are to be done
/// again without it.
Outcome<bool> CipherRun::write_texts(Part& p) {
  const std::size_t before = p.left_out.size();
  p.texts.clear();
  for (std::size_t i = 0; i < p.results.size(); ++i) {
    Done written =
        p.large ? out_.check_text(p.results[i]) : out_.append_text(p.results[i], p.texts);
    if (!written) FLE_CHECK(leave_out(p, p.done[i], only(std::move(written.error()))));
  }
  return p.left_out.size() == before;
}

// ---- On one thread at a time, in order

Done CipherRun::write(Part& p) {
  if (!out_.is_text()) {
    FLE_CHECK(out_.write(p.chunk, p.results));
  } else if (p.large) {
    for (const Bytes result : p.results) FLE_CHECK(out_.write_long_text(result));
  } else {
    FLE_CHECK(out_.write_text(p.chunk, p.texts));
  }
  FLE_CHECK(count(p));
  progress_.add(p.chunk.input_bytes, p.chunk.size());
  return files_.advance(p.chunk, [this] { return counts(); });
}

Done CipherRun::count(Part& p) {
  if (p.lane->copied != nullptr) {
    p.lane->n_copied += p.documents.size();
    return ok;
  }
  if (!p.numbers.empty()) p.tally.left_alone.document = p.numbers[p.tally.left_alone.document];
  p.lane->counts.add(p.tally, {p.documents.size(), p.sources, p.left_out});
  if (!p.batch.kept().empty() || !p.left_out.empty()) progress_.hide();
  for (const client::KeptField& f : p.batch.kept())
    kept_.add(f, p.number(p.numbers[f.document]), p.lane->ns);
  for (const LeftOut& l : p.left_out) {
    left_out_.add(l.faults);
    FLE_CHECK(files_.put_aside(p.chunk, l.index));
  }
  return ok;
}

}  // namespace fle::tools
