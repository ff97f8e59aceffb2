#include "gzip_sink.h"

#if FLE_WITH_ZLIB
#include <algorithm>

#include <zlib.h>

#include "fle/wiped.h"
#include "wiping_zlib.h"
#endif

namespace fle::tools {

#if FLE_WITH_ZLIB
namespace {

// Ciphertext does not get smaller whatever one tries, and what stands around it does at once.
constexpr int kLevel = 1;
constexpr std::size_t kRoom = 64 * 1024;

class GzipSink : public ByteSink {
 public:
  explicit GzipSink(std::unique_ptr<ByteSink> below) : below_(std::move(below)), room_(kRoom) {
    use_wiped_memory(z_);
    ready_ = deflateInit2(&z_, kLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipSink() override {
    if (ready_) deflateEnd(&z_);
  }
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;
  [[nodiscard]] bool ready() const noexcept { return ready_; }

  Done write(Bytes data) override {
    constexpr std::size_t kMost = 1U << 30;
    while (!data.empty()) {
      const Bytes some = data.first(std::min(data.size(), kMost));
      FLE_CHECK(run(some, Z_NO_FLUSH));
      data = data.subspan(some.size());
    }
    return ok;
  }
  Done finish() override {
    FLE_CHECK(run({}, Z_FINISH));
    return below_->finish();
  }

 private:
  Done run(Bytes data, int flush) {
    z_.next_in = const_cast<Bytef*>(data.data());  // zlib.h: it is only read
    z_.avail_in = static_cast<uInt>(data.size());
    do {
      z_.next_out = room_.data();
      z_.avail_out = static_cast<uInt>(room_.size());
      deflate(&z_, flush);
      const std::size_t n = room_.size() - z_.avail_out;
      if (n != 0) FLE_CHECK(below_->write(Bytes(room_).first(n)));
    } while (z_.avail_out == 0);
    return ok;
  }

  std::unique_ptr<ByteSink> below_;
  WipedBytes room_;
  z_stream z_{};
  bool ready_ = false;
};

}  // namespace

Outcome<std::unique_ptr<ByteSink>> gzip_into(std::unique_ptr<ByteSink> below) {
  auto sink = std::make_unique<GzipSink>(std::move(below));
  if (!sink->ready()) return Failure(Errc::no_memory, "zlib cannot start");
  return std::unique_ptr<ByteSink>(std::move(sink));
}
#else
Outcome<std::unique_ptr<ByteSink>> gzip_into(std::unique_ptr<ByteSink>) {
  return Failure(Errc::not_in_build, "this build has no zlib: it cannot write gzip (--no-gzip)");
}
#endif

}  // namespace fle::tools
