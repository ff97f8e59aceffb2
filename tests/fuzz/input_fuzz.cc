// What `fle` reads: any bytes as a stream that is recognized, unpacked and cut into documents; and
// as what follows a gzip header, the number of an archive, or a JSON bracket. However the bytes
// arrive and however large chunks are, the documents and the failure are the same; what is cut of
// an archive or of BSON is, put together, the stream. Texts say the same where they are long ones.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "inputs/recognize.h"
#include "tools/inputs/said.h"

namespace {

using fle::tools::Format;
using fle::tools::Kind;

constexpr std::size_t kMost = 64 * 1024;

void require(bool condition) {
  if (!condition) std::abort();
}

class Text : public fle::tools::ByteSource {
 public:
  Text(const std::string& text, std::size_t step) : text_(text), step_(step) {}
  fle::Outcome<std::size_t> read(fle::MutBytes into) override {
    const std::size_t n = std::min({into.size(), step_, text_.size() - at_});
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), n, into.begin());
    at_ += n;
    return n;
  }
  [[nodiscard]] std::uint64_t position() const noexcept override { return at_; }

 private:
  const std::string& text_;
  std::size_t step_;
  std::size_t at_ = 0;
};

struct Cut {
  fle::tools::Form form;
  std::vector<std::string> documents;
  std::string all;
  std::string failure;
};

std::string as_text(fle::Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

Cut cut(const std::string& stream, Format format, std::size_t step, std::size_t target) {
  Cut result;
  auto recognized = fle::tools::recognize(std::make_unique<Text>(stream, step), format, kMost);
  if (!recognized) {
    result.failure = recognized.error().to_string();
    return result;
  }
  result.form = recognized->form;
  fle::tools::Chunk chunk;
  for (;;) {
    const fle::Done done = recognized->cutter->next(chunk, target);
    require(chunk.places.empty() || chunk.places.size() == chunk.size());
    for (const fle::tools::Frame& f : chunk.before) result.all += as_text(f.bytes);
    result.all += as_text(chunk.raw);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      require(!chunk[i].empty());
      result.documents.push_back(chunk.collection->ns + "\n" + as_text(chunk[i]));
    }
    if (!done) result.failure = done.error().to_string();
    if (!done || chunk.empty()) break;
  }
  for (const fle::tools::Frame& f : recognized->cutter->rest()) result.all += as_text(f.bytes);
  return result;
}

void try_stream(const std::string& stream) {
  for (const Format format : {Format::automatic, Format::bson, Format::json}) {
    const Cut whole = cut(stream, format, 1 << 16, 1 << 16);
    const Cut by_pieces = cut(stream, format, 3, 1);
    require(whole.failure == by_pieces.failure);
    require(whole.documents == by_pieces.documents);
    require(whole.form.kind == by_pieces.form.kind);
    const bool is_binary = whole.form.kind == Kind::bson || whole.form.kind == Kind::archive;
    if (whole.failure.empty() && is_binary && !whole.form.gzip) require(whole.all == stream);
    if (!whole.form.is_text()) continue;
    const fle::test::Said texts =
        fle::test::said(std::make_unique<Text>(stream, 1 << 16), format, fle::test::kNoTextIsLong);
    // Two documents on one line may be one text, which is wrong, and are two when it is long.
    if (format != Format::json && !texts.all_read) continue;
    for (const std::size_t longer : {std::size_t{1}, std::size_t{20}})
      require(texts == fle::test::said(std::make_unique<Text>(stream, 3), format, longer));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  using namespace std::string_literals;
  for (const std::string& start :
       {""s, "\x1f\x8b\x08\0\0\0\0\0\0\xff"s, "\x6d\xe2\x99\x81"s, "["s, "{"s})
    try_stream(start + text);
  return 0;
}
