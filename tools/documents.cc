#include "documents.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <bson/bson.h>

#include "fle/bson_walk/walk.h"

namespace fle::tools {
namespace {

// Decryption meets documents that encryption made larger than an application could have sent.
constexpr std::size_t kMaxBson = 16 * 1024 * 1024 + 16 * 1024;
// Canonical Extended JSON of binary data takes about 1.4 bytes a byte, of small numbers far more.
constexpr std::size_t kMaxLine = 128 * 1024 * 1024;
constexpr std::size_t kRead = 64 * 1024;
// A buffer that a large document has made larger than this is not kept.
constexpr std::size_t kKeep = 1024 * 1024;

struct FreeReader {
  void operator()(bson_json_reader_t* r) const noexcept { bson_json_reader_destroy(r); }
};

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

Outcome<DocumentReader::Extent> DocumentReader::first_document() {
  if (format_ == Format::json) return first_line();
  const Bytes have{buffer_.data() + from_, to_ - from_};
  const auto more = [this](std::size_t need) -> Outcome<Extent> {
    if (!ended_) return Extent{0, std::max(need, kRead)};
    return at_document(Failure(Errc::truncated_stream, "the stream ends inside a document"));
  };
  if (have.size() < 4) return more(4);
  std::uint32_t size = 0;
  for (unsigned i = 0; i < 4; ++i) size |= std::uint32_t{have[i]} << (8 * i);
  if (size < 5 || size > kMaxBson) {
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
  if (have > kMaxLine) {
    return at_document(Failure(Errc::document_too_large,
                               "the line is longer than " + std::to_string(kMaxLine) + " bytes"));
  }
  return Extent{0, std::max(have + have / 2, kRead)};
}

void DocumentReader::take(Chunk& out, std::size_t size) {
  const std::uint8_t* const start = buffer_.data() + from_;
  from_ += size;
  if (format_ != Format::json || !is_blank(start, size)) {
    out.raw.insert(out.raw.end(), start, start + size);
    out.ends.push_back(out.raw.size());
    ++documents_;
  }
  if (buffer_.size() <= kKeep || to_ - from_ > kRead) return;
  std::vector<std::uint8_t> rest(kRead);
  std::memcpy(rest.data(), buffer_.data() + from_, to_ - from_);
  buffer_.swap(rest);
  to_ -= from_;
  from_ = 0;
}

Done DocumentReader::next(Chunk& out, std::size_t target) {
  out.raw.clear();
  out.ends.clear();
  out.first_document = documents_;
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

Done json_to_bson(std::string_view line, std::vector<std::uint8_t>& out) {
  const std::unique_ptr<bson_json_reader_t, FreeReader> reader(
      bson_json_data_reader_new(false, line.size() + 1));
  bson_json_data_reader_ingest(reader.get(), reinterpret_cast<const std::uint8_t*>(line.data()),
                               line.size());
  bson_t doc;
  bson_init(&doc);
  bson_error_t ignored;  // libbson's text quotes the input
  const int first = bson_json_reader_read(reader.get(), &doc, &ignored);
  if (first == 1) out.insert(out.end(), bson_get_data(&doc), bson_get_data(&doc) + doc.len);
  bson_destroy(&doc);
  if (first != 1) return Failure(Errc::json_invalid, "the line is not one Extended JSON document");
  bson_t rest;
  bson_init(&rest);
  const int second = bson_json_reader_read(reader.get(), &rest, &ignored);
  bson_destroy(&rest);
  if (second != 0) return Failure(Errc::json_invalid, "something follows the document on its line");
  return ok;
}

Done bson_to_json(Bytes document, bool canonical, std::string& out) {
  // libbson writes "{ ... }" where it finds the nesting too deep. Decrypted values may bring that.
  FLE_CHECK(bson::check_value(bson::Type::object, document,
                              {bson::Limits{}.max_depth, static_cast<std::uint32_t>(kMaxBson)}));
  bson_t doc;
  std::size_t n = 0;
  char* text = nullptr;
  if (bson_init_static(&doc, document.data(), document.size())) {
    text = canonical ? bson_as_canonical_extended_json(&doc, &n)
                     : bson_as_relaxed_extended_json(&doc, &n);
  }
  if (text == nullptr) {
    return Failure(Errc::json_invalid,
                   "the document cannot be written as JSON (text that is not UTF-8?)");
  }
  out.append(text, n);
  out += '\n';
  bson_free(text);
  return ok;
}

}  // namespace fle::tools
