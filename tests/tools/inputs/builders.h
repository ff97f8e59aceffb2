#ifndef FLE_TESTS_TOOLS_BUILDERS_H_
#define FLE_TESTS_TOOLS_BUILDERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "inputs/recognize.h"

namespace fle::test {

// Streams as other programs write them, made from the descriptions of their formats and with none
// of the code that is tested.

/// A document as BSON bytes.
std::string bson_text(const std::string& json);

/// CRC-64 of mongodump's archives, bit by bit.
std::uint64_t checksum_of(const std::string& bytes);

/// An archive of mongodump (mongo-tools, common/archive/spec.md).
class ArchiveBuilder {
 public:
  /// A collection that is announced, with the text of its .metadata.json and its type.
  ArchiveBuilder& announce(const std::string& db, const std::string& collection,
                           const std::string& metadata = R"({"indexes":[]})",
                           const std::string& type = "collection");
  /// A block of documents.
  ArchiveBuilder& block(const std::string& db, const std::string& collection,
                        const std::vector<std::string>& documents);
  /// The last block of a collection, whose checksum is right unless `checksum_off` says by what
  /// not.
  ArchiveBuilder& end(const std::string& db, const std::string& collection,
                      std::uint64_t checksum_off = 0);
  [[nodiscard]] std::string bytes() const;

 private:
  struct Sum {
    std::string ns;
    std::string documents;
  };
  std::string& documents_of(const std::string& ns);
  std::string prelude_;
  std::string blocks_;
  std::vector<Sum> sums_;
};

/// The header of a block.
std::string header_text(const std::string& db, const std::string& collection, bool eof,
                        std::uint64_t checksum);

/// Compressed by zlib as one member, with its default level.
std::string gzip_text(const std::string& bytes);

/// A source that gives `step` bytes at a time.
class Text : public tools::ByteSource {
 public:
  Text(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
  Outcome<std::size_t> read(MutBytes into) override;
  [[nodiscard]] std::uint64_t position() const noexcept override { return at_; }

 private:
  std::string text_;
  std::size_t step_;
  std::size_t at_ = 0;
};

/// What became of a stream.
struct Cut {
  tools::Form form;
  std::vector<std::string> documents;  // as they came; before each the name of its collection
  std::vector<std::string> places;     // "line:column" of texts
  std::string all;                     // documents and what stands between them
  std::string failure;                 // Failure::to_string(); empty: none
};
/// Reads all of a stream, in chunks of about `target` bytes, from a source of `step` bytes a time.
Cut cut(const std::string& stream, tools::Format format = tools::Format::automatic,
        std::size_t step = 1 << 16, std::size_t target = 1 << 16);

}  // namespace fle::test

#endif  // FLE_TESTS_TOOLS_BUILDERS_H_
