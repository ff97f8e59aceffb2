#include "builders.h"

#include <algorithm>
#include <stdexcept>

#if FLE_WITH_ZLIB
#include <zlib.h>
#endif

#include "support/bson_values.h"

namespace fle::test {
namespace {

constexpr const char* kTerminator = "\xff\xff\xff\xff";

std::string text_of(const BsonDocument& d) {
  const Buf b = d.bytes();
  return {b.begin(), b.end()};
}

std::string as_text(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

}  // namespace

std::string bson_text(const std::string& json) {
  const Buf b = bson_of(json);
  return {b.begin(), b.end()};
}

std::uint64_t checksum_of(const std::string& bytes) {
  std::uint64_t crc = ~std::uint64_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xc96c5795d7870f42 : crc >> 1;
  }
  return ~crc;
}

std::string header_text(const std::string& db, const std::string& collection, bool eof,
                        std::uint64_t checksum) {
  const BsonDocument d;
  bson_append_utf8(d.get(), "db", -1, db.c_str(), -1);
  bson_append_utf8(d.get(), "collection", -1, collection.c_str(), -1);
  bson_append_bool(d.get(), "EOF", -1, eof);
  bson_append_int64(d.get(), "CRC", -1, static_cast<std::int64_t>(checksum));
  return text_of(d);
}

ArchiveBuilder& ArchiveBuilder::announce(const std::string& db, const std::string& collection,
                                         const std::string& metadata, const std::string& type) {
  const BsonDocument d;
  bson_append_utf8(d.get(), "db", -1, db.c_str(), -1);
  bson_append_utf8(d.get(), "collection", -1, collection.c_str(), -1);
  bson_append_utf8(d.get(), "metadata", -1, metadata.c_str(), -1);
  bson_append_int32(d.get(), "size", -1, 0);
  bson_append_utf8(d.get(), "type", -1, type.c_str(), -1);
  prelude_ += text_of(d);
  return *this;
}

std::string& ArchiveBuilder::documents_of(const std::string& ns) {
  const auto it = std::ranges::find(sums_, ns, &Sum::ns);
  if (it != sums_.end()) return it->documents;
  sums_.push_back({ns, {}});
  return sums_.back().documents;
}

ArchiveBuilder& ArchiveBuilder::block(const std::string& db, const std::string& collection,
                                      const std::vector<std::string>& documents) {
  blocks_ += header_text(db, collection, false, 0);
  for (const std::string& d : documents) {
    blocks_ += d;
    documents_of(db + "." + collection) += d;
  }
  blocks_ += kTerminator;
  return *this;
}

ArchiveBuilder& ArchiveBuilder::end(const std::string& db, const std::string& collection,
                                    std::uint64_t checksum_off) {
  blocks_ += header_text(db, collection, true,
                         checksum_of(documents_of(db + "." + collection)) ^ checksum_off);
  blocks_ += kTerminator;
  return *this;
}

std::string ArchiveBuilder::bytes() const {
  return "\x6d\xe2\x99\x81" +
         bson_text(R"({"concurrent_collections": 4, "version": "0.1", "server_version": "7.0.5", )"
                   R"("tool_version": "100.9.4"})") +
         prelude_ + kTerminator + blocks_;
}

std::string gzip_text([[maybe_unused]] const std::string& bytes) {
#if FLE_WITH_ZLIB
  z_stream z{};
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string out(deflateBound(&z, bytes.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
#else
  throw std::runtime_error("no zlib in this build");
#endif
}

Outcome<std::size_t> Text::read(MutBytes into) {
  const std::size_t n = std::min({into.size(), step_, text_.size() - at_});
  std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at_), n, into.begin());
  at_ += n;
  return n;
}

Cut cut(const std::string& stream, tools::Format format, std::size_t step, std::size_t target) {
  constexpr std::size_t kMost = 16 * 1024 * 1024 + 16 * 1024;
  Cut result;
  auto recognized = tools::recognize(std::make_unique<Text>(stream, step), format, kMost);
  if (!recognized) {
    result.failure = recognized.error().to_string();
    return result;
  }
  result.form = recognized->form;
  tools::Chunk chunk;
  for (;;) {
    const Done done = recognized->cutter->next(chunk, target);
    for (const tools::Frame& f : chunk.before) result.all += as_text(f.bytes);
    result.all += as_text(chunk.raw);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const std::string& ns = chunk.collection->ns;
      result.documents.push_back((ns.empty() ? "" : ns + " ") + as_text(chunk[i]));
      if (!chunk.places.empty())
        result.places.push_back(std::to_string(chunk.places[i].line) + ":" +
                                std::to_string(chunk.places[i].column));
    }
    if (!done) result.failure = done.error().to_string();
    if (!done || chunk.empty()) break;
  }
  for (const tools::Frame& f : recognized->cutter->rest()) result.all += as_text(f.bytes);
  return result;
}

}  // namespace fle::test
