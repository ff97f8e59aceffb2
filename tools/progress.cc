#include "progress.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace fle::tools {

Progress::Progress(std::uint64_t total, bool quiet) noexcept
    : on_(!quiet && ::isatty(STDERR_FILENO) == 1), total_(total) {}

Progress::~Progress() { hide(); }

void Progress::hide() noexcept {
  if (drawn_ == Clock::time_point{}) return;
  std::fprintf(stderr, "\r\033[K");
  drawn_ = {};
}

void Progress::add(std::uint64_t bytes, std::uint64_t documents) noexcept {
  constexpr auto kInterval = std::chrono::milliseconds(100);
  bytes_ += bytes;
  documents_ += documents;
  const auto now = Clock::now();
  if (!on_ || now - drawn_ < kInterval) return;
  drawn_ = now;
  draw();
}

void Progress::draw() noexcept {
  constexpr int kWidth = 30;
  constexpr double kMiB = 1024.0 * 1024.0;
  const double seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const double mib = static_cast<double>(bytes_) / kMiB;
  const double rate = seconds > 0 ? mib / seconds : 0;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\033[K%.1f MiB  %llu documents  %.1f MiB/s", mib,
                 static_cast<unsigned long long>(documents_), rate);
    return;
  }
  const double part = std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(total_));
  char bar[kWidth + 1] = {};
  for (int i = 0; i < kWidth; ++i) bar[i] = i < static_cast<int>(part * kWidth) ? '#' : '.';
  std::fprintf(stderr, "\r\033[K[%s] %3.0f%%  %llu documents  %.1f MiB/s", bar, part * 100,
               static_cast<unsigned long long>(documents_), rate);
}

}  // namespace fle::tools
