#include "cutter.h"
#include "fle/bson/little_endian.h"

namespace fle::tools {
namespace {

constexpr std::size_t kSmallest = 5;

class BsonCutter : public Cutter {
 public:
  BsonCutter(Window window, std::size_t max_bytes) : Cutter(std::move(window), max_bytes) {}

 protected:
  Outcome<std::optional<Extent>> find() override {
    FLE_CHECK(window_.at_least(4));
    if (window_.bytes().empty()) return std::optional<Extent>();
    if (window_.bytes().size() < 4) return truncated();
    const std::uint32_t size = bson::load32(window_.bytes().data());
    if (size < kSmallest || size > max_bytes_) {
      return at_document(Failure(
          Errc::malformed_bson,
          "no BSON document starts here: its length would be " + std::to_string(size) + " bytes"));
    }
    FLE_CHECK(window_.at_least(size));
    if (window_.bytes().size() < size) return truncated();
    return std::optional(Extent{0, size});
  }
  [[nodiscard]] std::size_t next_size(Bytes bytes) const noexcept override {
    const std::uint32_t size = bytes.size() < kSmallest ? 0 : bson::load32(bytes.data());
    return size < kSmallest || size > max_bytes_ || size > bytes.size() ? 0 : size;
  }

 private:
  [[nodiscard]] Failure truncated() const {
    return at_document(Failure(Errc::truncated_stream, "the stream ends inside a document"));
  }
};

}  // namespace

std::unique_ptr<Cutter> cut_bson(Window window, std::size_t max_bytes) {
  return std::make_unique<BsonCutter>(std::move(window), max_bytes);
}

}  // namespace fle::tools
