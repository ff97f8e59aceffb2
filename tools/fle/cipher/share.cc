#include "share.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "fle/bson/little_endian.h"

namespace fle::tools {
namespace {

constexpr std::size_t kBlock = 16 * 1024;

/// Where the k-th of n equal parts of `size` begins; k from 0.
std::uint64_t cut(std::uint64_t size, unsigned k, unsigned n) noexcept {
  return size / n * k + size % n * k / n;
}

/// Steps from document to document by their lengths.
class BsonSteps {
 public:
  explicit BsonSteps(const Input& in) : in_(in), block_(kBlock) {}

  /// The first document that begins at `place` or behind it, from the last one on.
  Done go_to(std::uint64_t place) {
    while (at_ < place) {
      FLE_TRY(const std::uint32_t size, length());
      at_ += size;
      ++documents_;
    }
    return ok;
  }
  [[nodiscard]] std::uint64_t at() const noexcept { return at_; }
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }

 private:
  Outcome<std::uint32_t> length() {
    if (at_ < begin_ || at_ + 4 > begin_ + have_) {
      FLE_TRY(have_, in_.read_at(block_, at_));
      begin_ = at_;
    }
    const std::uint64_t in_block = at_ - begin_;
    const std::uint32_t size = have_ < in_block + 4 ? 0 : bson::load32(block_.data() + in_block);
    if (size >= 5 && size <= kMaxDocument && at_ + size <= in_.size()) return size;
    Failure f(size >= 5 && size <= kMaxDocument ? Errc::truncated_stream : Errc::malformed_bson,
              "no whole BSON document starts here");
    f.document = documents_ + 1;
    return f;
  }

  const Input& in_;
  WipedBytes block_;
  std::uint64_t begin_ = 0;  // of the block
  std::size_t have_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t documents_ = 0;
};

/// The first line that begins at `place` or behind it.
Outcome<std::uint64_t> first_line(const Input& in, std::uint64_t place) {
  if (place == 0) return place;
  WipedBytes block(kBlock);
  for (std::uint64_t at = place - 1;; at += block.size()) {
    FLE_TRY(const std::size_t n, in.read_at(block, at));
    if (n == 0) return in.size();
    if (const void* end = std::memchr(block.data(), '\n', n))
      return at + static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(end) - block.data()) +
             1;
  }
}

}  // namespace

std::string PartOption::check(const std::string& text) {
  const PartOption p = of(text);
  constexpr unsigned kMost = 100'000;
  return p.k >= 1 && p.k <= p.n && p.n <= kMost && p.text() == text
             ? std::string()
             : "'" + text + "' is not K/N with K from 1 to N, such as 3/16";
}

PartOption PartOption::of(const std::string& text) {
  PartOption p{0, 0};
  const char* const end = text.data() + text.size();
  const auto [slash, error] = std::from_chars(text.data(), end, p.k);
  if (error == std::errc() && slash != end) std::from_chars(slash + 1, end, p.n);
  return p;
}

Outcome<Share> share_of(const Input& in, const PartOption& part, bool is_text) {
  const std::uint64_t size = in.size();
  if (part.whole()) return Share{0, size};
  const std::uint64_t begin = cut(size, part.k - 1, part.n);
  const std::uint64_t end = cut(size, part.k, part.n);
  Share share;
  if (is_text) {
    FLE_TRY(share.from, first_line(in, begin));
    FLE_TRY(share.to, first_line(in, end));
    share.counted = begin == 0;
    return share;
  }
  BsonSteps steps(in);
  FLE_CHECK(steps.go_to(begin));
  share.from = steps.at();
  share.documents_before = steps.documents();
  FLE_CHECK(steps.go_to(end));
  share.to = steps.at();
  return share;
}

}  // namespace fle::tools
