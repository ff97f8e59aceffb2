#include "gzip_source.h"

#if FLE_WITH_ZLIB
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <zlib.h>

#include "fle/wiped.h"
#include "wiping_zlib.h"
#endif

namespace fle::tools {

#if FLE_WITH_ZLIB
namespace {

constexpr std::size_t kPackedRoom = 64 * 1024;

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)), buffer_(kPackedRoom) {
    use_wiped_memory(z_);
    // 15 bits of window, and the wrapper of gzip alone.
    ready_ = inflateInit2(&z_, 15 + 16) == Z_OK;
  }
  ~GzipSource() override {
    if (ready_) inflateEnd(&z_);
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  [[nodiscard]] bool ready() const noexcept { return ready_; }

  Outcome<std::size_t> read(MutBytes into) override {
    const auto room = static_cast<uInt>(std::min<std::size_t>(into.size(), 1U << 30));
    z_.next_out = into.data();
    z_.avail_out = room;
    while (z_.avail_out == room) {
      if (fault_) return *fault_;
      if (z_.avail_in == 0) FLE_CHECK(fill());
      if (z_.avail_in == 0) {
        if (between_members_) return std::size_t{0};
        return Failure(Errc::truncated_stream,
                       "the gzip data is cut short: it ends at byte " + std::to_string(taken_));
      }
      // What stands before a fault comes first, however much of the file was read at once.
      if (Done done = between_members_ ? next_member() : inflate_some(); !done)
        fault_ = std::move(done.error());
    }
    return static_cast<std::size_t>(room - z_.avail_out);
  }
  [[nodiscard]] std::uint64_t position() const noexcept override { return packed_->position(); }
  [[nodiscard]] bool is_stored_so() const noexcept override { return false; }

 private:
  Done fill() {
    FLE_TRY(const std::size_t n, packed_->read(buffer_));
    taken_ += n;
    z_.next_in = buffer_.data();
    z_.avail_in = static_cast<uInt>(n);
    return ok;
  }

  Done next_member() {
    while (z_.avail_in != 0 && *z_.next_in == 0) {
      padded_ = true;
      ++z_.next_in;
      --z_.avail_in;
    }
    if (z_.avail_in == 0) return ok;
    if (padded_ || *z_.next_in != 0x1f) return damaged("what follows the data is not gzip");
    inflateReset(&z_);
    between_members_ = false;
    return ok;
  }

  Done inflate_some() {
    const int result = inflate(&z_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) return Failure(Errc::no_memory, {});
    if (result == Z_STREAM_END) between_members_ = true;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return ok;
    return damaged(z_.msg != nullptr ? z_.msg : "it needs a dictionary");
  }

  Failure damaged(const char* what) const {
    return {Errc::malformed_bson, "the gzip data is damaged at byte " +
                                      std::to_string(taken_ - z_.avail_in) + ": " + what};
  }

  std::unique_ptr<ByteSource> packed_;
  WipedBytes buffer_;
  z_stream z_{};
  std::uint64_t taken_ = 0;  // bytes that were read
  bool ready_ = false;
  bool between_members_ = false;
  bool padded_ = false;
  std::optional<Failure> fault_{};
};

}  // namespace

Outcome<std::unique_ptr<ByteSource>> gunzip(std::unique_ptr<ByteSource> packed) {
  auto source = std::make_unique<GzipSource>(std::move(packed));
  if (!source->ready()) return Failure(Errc::no_memory, "zlib cannot start");
  return std::unique_ptr<ByteSource>(std::move(source));
}
#else
Outcome<std::unique_ptr<ByteSource>> gunzip(std::unique_ptr<ByteSource>) {
  return Failure(Errc::not_in_build,
                 "the input is compressed by gzip, and this build has no zlib: unpack it first "
                 "(gunzip)");
}
#endif

}  // namespace fle::tools
