#include "documents.h"

#include <algorithm>
#include <cstring>

#include <bson/bson.h>

#include "fle/bson_walk/walk.h"
#include "stream_formats.h"

namespace fle::tools {
namespace {

// Canonical Extended JSON of binary data takes about 1.4 bytes a byte, of small numbers far more.
constexpr std::size_t kLineForEachByte = 8;
constexpr std::size_t kRead = 64 * 1024;
// A buffer that a large document has made larger than this is not kept.
constexpr std::size_t kKeep = 1024 * 1024;

bool is_blank(const std::uint8_t* p, std::size_t n) noexcept {
  return std::all_of(
      p, p + n, [](std::uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
}

}  // namespace

Failure DocumentReader::at_document(Failure f) const {
  f.document = documents_ + 1;
  return f;
}

// `need` is more than the buffer holds, so there is always room to read into.
Done DocumentReader::fill(std::size_t need) {
  if (from_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + from_, to_ - from_);
    to_ -= from_;
    from_ = 0;
  }
  if (buffer_.size() < need) buffer_.resize(need);
  FLE_TRY(const std::size_t n, in_.read({buffer_.data() + to_, buffer_.size() - to_}));
  to_ += n;
  ended_ = n == 0;
  return ok;
}

/// Looks at how the stream begins, before anything is taken for a document.
Done DocumentReader::start() {
  while (to_ < kStreamStart && !ended_) FLE_CHECK(fill(kRead));
  started_ = true;
  const Bytes begin{buffer_.data(), to_};
  if (format_ == Format::json) from_ = byte_order_mark(begin);
  if (const auto other = other_format(begin, format_))
    return at_document(
        Failure(format_ == Format::json ? Errc::json_invalid : Errc::malformed_bson, *other));
  if (format_ == Format::bson) instead_ = possible_format(begin);
  return ok;
}

/// A stream that begins as another format, too, is BSON when it begins with a whole document.
Done DocumentReader::check_first(Bytes document) {
  bson_t b;
  if (bson_init_static(&b, document.data(), document.size()) &&
      bson_validate(&b, BSON_VALIDATE_NONE, nullptr)) {
    instead_.reset();
    return ok;
  }
  return at_document(Failure(Errc::malformed_bson, *instead_));
}

Outcome<DocumentReader::Extent> DocumentReader::first_document() {
  if (format_ == Format::json) return first_line();
  const Bytes have{buffer_.data() + from_, to_ - from_};
  const auto more = [this](std::size_t need) -> Outcome<Extent> {
    if (!ended_) return Extent{0, std::max(need, kRead)};
    if (instead_) return at_document(Failure(Errc::malformed_bson, *instead_));
    return at_document(Failure(Errc::truncated_stream, "the stream ends inside a document"));
  };
  if (have.size() < 4) return more(4);
  std::uint32_t size = 0;
  for (unsigned i = 0; i < 4; ++i) size |= std::uint32_t{have[i]} << (8 * i);
  if (instead_ && size >= 5 && size <= have.size() && size <= max_bytes_)
    FLE_CHECK(check_first(have.first(size)));
  if (size < 5 || size > max_bytes_) {
    if (instead_) return at_document(Failure(Errc::malformed_bson, *instead_));
    return at_document(Failure(
        Errc::malformed_bson,
        "no BSON document starts here: its length would be " + std::to_string(size) + " bytes"));
  }
  if (size <= have.size()) return Extent{size, 0};
  return more(size);
}

Outcome<DocumentReader::Extent> DocumentReader::first_line() {
  const std::uint8_t* const start = buffer_.data() + from_;
  const std::size_t have = to_ - from_;
  const void* end = std::memchr(start + searched_, '\n', have - searched_);
  if (end != nullptr) {
    searched_ = 0;
    return Extent{static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - start) + 1, 0};
  }
  if (ended_) {
    searched_ = 0;
    return Extent{have, 0};
  }
  searched_ = have;
  if (const std::size_t most = kLineForEachByte * max_bytes_; have > most) {
    return at_document(Failure(Errc::document_too_large,
                               "the line is longer than " + std::to_string(most) + " bytes"));
  }
  return Extent{0, std::max(have + have / 2, kRead)};
}

void DocumentReader::take(Chunk& out, std::size_t size) {
  const std::uint8_t* const start = buffer_.data() + from_;
  from_ += size;
  ++lines_;
  if (format_ != Format::json || !is_blank(start, size)) {
    out.raw.insert(out.raw.end(), start, start + size);
    out.ends.push_back(out.raw.size());
    if (format_ == Format::json) out.lines.push_back(lines_);
    ++documents_;
  }
  if (buffer_.size() <= kKeep || to_ - from_ > kRead) return;
  WipedBytes rest(kRead);
  std::memcpy(rest.data(), buffer_.data() + from_, to_ - from_);
  buffer_.swap(rest);
  to_ -= from_;
  from_ = 0;
}

Done DocumentReader::next(Chunk& out, std::size_t target) {
  out.raw.clear();
  out.ends.clear();
  out.lines.clear();
  out.first_document = documents_;
  if (!started_) FLE_CHECK(start());
  while (out.weight() < target) {
    if (from_ == to_ && ended_) return ok;
    if (from_ == to_) {
      FLE_CHECK(fill(kRead));
      continue;
    }
    FLE_TRY(const Extent first, first_document());
    if (first.size == 0) {
      FLE_CHECK(fill(first.need));
      continue;
    }
    // One that does not fit beside others waits for a chunk of its own.
    if (!out.ends.empty() && out.weight() + first.size + Chunk::kEach > target) return ok;
    take(out, first.size);
  }
  return ok;
}

Done json_to_bson(std::string_view text, WipedBytes& out, const bson::IntegerHints* integers) {
  bson::ReadOptions options;
  options.integers = integers;
  return bson::read_extended_json(out, text, options);
}

Done option_to_bson(const std::string& where, std::string_view text, WipedBytes& out) {
  Done done = json_to_bson(text, out);
  if (!done) done.error().message.insert(0, where + ": ");
  return done;
}

Done line_to_bson(const Chunk& chunk, std::size_t i, WipedBytes& out,
                  const bson::IntegerHints* integers) {
  const Bytes line = chunk[i];
  Done done =
      json_to_bson({reinterpret_cast<const char*>(line.data()), line.size()}, out, integers);
  if (!done) {
    done.error().document = chunk.first_document + i + 1;
    done.error().line = static_cast<std::uint32_t>(chunk.lines[i]);
  }
  return done;
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
