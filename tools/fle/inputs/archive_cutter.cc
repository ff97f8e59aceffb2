// Archives of mongodump, as mongo-tools describes them (common/archive/spec.md): a number; a block
// that says what will come; then blocks of documents of one collection each, in any order, and for
// each collection a last block without documents that has a checksum of all. A block is a header, a
// BSON document like those behind it, and ends with four bytes of ones.
#include <map>
#include <string>
#include <utility>

#include "bytes/shared_crc64.h"
#include "cutter.h"
#include "fle/bson/cursor.h"
#include "fle/bson/little_endian.h"

namespace fle::tools {
namespace {

constexpr std::size_t kWord = 4;
constexpr std::uint32_t kTerminator = 0xffff'ffff;
// What is kept for as long as the archive is read has limits, which no server reaches.
constexpr std::size_t kMostPrelude = 16 * 1024 * 1024;
constexpr std::size_t kMostBetween = 16 * 1024 * 1024;  // of blocks without documents, in a row
constexpr std::size_t kMostCollections = 100'000;
constexpr std::size_t kLongestName = 1024;

using bson::Type;

/// The string called `name`, or nothing.
std::string_view text_in(Bytes document, std::string_view name) noexcept {
  const auto e = bson::find(document, name);
  return e && e->type == Type::string ? bson::text_of(document, *e) : std::string_view();
}

std::string namespace_of(Bytes document) {
  const std::string_view db = text_in(document, "db");
  std::string ns(db);
  if (!db.empty()) ns += '.';
  return ns.append(text_in(document, "collection"));
}

class ArchiveCutter : public Cutter {
 public:
  ArchiveCutter(Window window, std::size_t max_bytes) : Cutter(std::move(window), max_bytes) {}

  Done start() override {
    prelude_ = true;
    FLE_CHECK(window_.at_least(kWord));
    keep(kWord);  // the number, by which it was recognized
    FLE_TRY(const std::size_t header, document_or_terminator());
    if (header == 0) return damaged("it has no header");
    keep(header);
    for (;;) {
      FLE_TRY(const std::size_t size, document_or_terminator());
      if (size == 0) break;
      FLE_CHECK(announce(window_.bytes().first(size)));
      keep(size);
      if (frames_.back().bytes.size() > kMostPrelude)
        return damaged("the list of its collections is too long");
    }
    keep(kWord);
    prelude_ = false;
    kept_ = 0;
    return ok;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const Collection>> announced() const override {
    return announced_;
  }

 protected:
  Outcome<std::optional<Extent>> find() override {
    for (;;) {
      if (current_ == nullptr) {
        FLE_TRY(const bool more, enter_block());
        if (!more) return std::optional<Extent>();
        continue;
      }
      FLE_TRY(const std::size_t size, document_or_terminator());
      if (size != 0) return std::optional(Extent{0, size});
      // What follows may need the checksum, and so these documents on their way.
      if (has_some()) return std::optional<Extent>();
      if (documents_ != current_->documents) kept_ = 0;
      keep(kWord);
      current_->documents = documents_;
      current_ = nullptr;
    }
  }

  [[nodiscard]] std::size_t next_size(Bytes bytes) const noexcept override {
    if (current_ == nullptr || bytes.size() < kWord) return 0;
    const std::uint32_t size = bson::load32(bytes.data());
    return size <= kWord || size > max_bytes_ || size > bytes.size() ? 0 : size;
  }
  void complete(Chunk& chunk) override {
    chunk.part_of_sum = current_->sum->announce();
    chunk.sum = current_->sum;
  }

 private:
  struct State {
    std::shared_ptr<const Collection> collection{};
    std::uint64_t documents = 0;
    std::shared_ptr<SharedCrc64> sum{};  // of what has been in chunks
    bool announced = false;
    bool closed = false;
  };

  /// How long the document is that stands next, all of it in the window; 0: a terminator does.
  Outcome<std::size_t> document_or_terminator() {
    FLE_CHECK(window_.at_least(kWord));
    if (window_.bytes().size() < kWord) return truncated();
    const std::uint32_t size = bson::load32(window_.bytes().data());
    if (size == kTerminator) return std::size_t{0};
    if (size <= kWord || size > max_bytes_)
      return damaged("neither a document nor a block's end stands where one must: a length of " +
                     std::to_string(size) + " bytes");
    FLE_CHECK(window_.at_least(size));
    if (window_.bytes().size() < size) return truncated();
    return std::size_t{size};
  }

  /// Takes bytes as they are for what stands before the next document.
  void keep(std::size_t n) {
    if (frames_.empty() || frames_.back().checksum_at != 0) frames_.emplace_back();
    const Bytes bytes = window_.bytes().first(n);
    frames_.back().bytes.insert(frames_.back().bytes.end(), bytes.begin(), bytes.end());
    window_.drop(n);
    kept_ += n;
  }

  Outcome<State*> state_of(const std::string& ns) {
    if (ns.size() > kLongestName) return damaged("the name of a collection is too long");
    const auto [it, is_new] = states_.try_emplace(ns);
    State& s = it->second;
    if (is_new) {
      if (states_.size() > kMostCollections) return damaged("it has too many collections");
      s.sum = std::make_shared<SharedCrc64>();
      s.collection = std::make_shared<const Collection>(Collection{states_.size() - 1, ns});
    }
    return &s;
  }

  /// One of the collections of which the archive says that they will come.
  Done announce(Bytes document) {
    const std::string_view type = text_in(document, "type");
    const bool view = type == "view" ||
                      (type.empty() &&
                       text_in(document, "metadata").find("\"viewOn\"") != std::string_view::npos);
    // Views have no documents, and those of a time series stand under another name.
    if (view || type == "timeseries" || text_in(document, "collection").empty()) return ok;
    FLE_TRY(State * s, state_of(namespace_of(document)));
    if (!s->announced) announced_.push_back(s->collection);
    s->announced = true;
    return ok;
  }

  /// Reads a block's header. False: there is no other block.
  Outcome<bool> enter_block() {
    FLE_CHECK(window_.at_least(1));
    if (window_.bytes().empty()) {
      FLE_CHECK(check_complete());
      return false;
    }
    FLE_TRY(const std::size_t size, document_or_terminator());
    if (size == 0) return damaged("a block has no header");
    if (kept_ + size > kMostBetween)
      return damaged("too many blocks without documents follow each other");
    const Bytes header = window_.bytes().first(size);
    if (text_in(header, "collection").empty())
      return damaged("the header of a block names no collection");
    FLE_TRY(State * s, state_of(namespace_of(header)));
    enter(s->collection, s->documents);
    if (s->closed) return damaged("a block follows after the end of its collection");
    const auto eof = bson::find(header, "EOF");
    if (eof && eof->type == Type::bool_ && header[eof->value_offset] != 0) {
      FLE_CHECK(close(*s, size));
      return true;
    }
    keep(size);
    current_ = s;
    return true;
  }

  /// A header that says that there are no more documents of its collection.
  Done close(State& s, std::size_t size) {
    const Bytes header = window_.bytes().first(size);
    const auto sum = bson::find(header, "CRC");
    if (sum && sum->type == Type::long_ &&
        bson::load64(header.data() + sum->value_offset) != s.sum->value())
      return damaged("its documents are not those that were dumped: their checksum is wrong");
    keep(size);
    if (sum && sum->type == Type::long_) {
      Frame& f = frames_.back();
      f.checksum_at = f.bytes.size() - size + sum->value_offset;
      f.collection = s.collection;
    }
    FLE_TRY(const std::size_t next, document_or_terminator());
    if (next != 0) return damaged("documents follow after the end of their collection");
    keep(kWord);
    s.closed = true;
    return ok;
  }

  [[nodiscard]] Done check_complete() {
    for (const auto& [ns, s] : states_) {
      if (s.closed) continue;
      enter(s.collection, s.documents);
      return truncated();
    }
    return ok;
  }

  [[nodiscard]] Failure truncated() const {
    return at_place({Errc::truncated_stream, "the archive is cut short"});
  }
  [[nodiscard]] Failure damaged(const std::string& what) const {
    return at_place({Errc::malformed_bson, "the archive is damaged: " + what});
  }
  [[nodiscard]] Failure at_place(Failure f) const {
    return prelude_ ? f : at_document(std::move(f));
  }

  std::map<std::string, State> states_;  // by namespace
  std::vector<std::shared_ptr<const Collection>> announced_;
  State* current_ = nullptr;  // whose documents follow
  bool prelude_ = false;
  std::size_t kept_ = 0;  // bytes that wait for the next document, without the prelude
};

}  // namespace

std::unique_ptr<Cutter> cut_archive(Window window, std::size_t max_bytes) {
  return std::make_unique<ArchiveCutter>(std::move(window), max_bytes);
}

}  // namespace fle::tools
