#include "progress.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

#include <unistd.h>

#include "terminal.h"

namespace fle::tools {
namespace {

/// "  0:07 left", "  1:02:03 left"; nothing where that is no news.
void write_left(std::span<char> text, double seconds) noexcept {
  constexpr double kMost = 1000 * 3600;
  if (!(seconds < kMost)) return;
  const auto s = static_cast<unsigned>(seconds + 0.5);
  if (s < 3600) {
    std::snprintf(text.data(), text.size(), "  %u:%02u left", s / 60, s % 60);
  } else {
    std::snprintf(text.data(), text.size(), "  %u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
  }
}

}  // namespace

Progress::Progress(std::uint64_t total, bool quiet) noexcept
    : on_(!quiet && redraws(STDERR_FILENO)), total_(total) {}

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
  // The last column stays free: some terminals wrap when it is written.
  std::array<char, kMostColumns + 1> line{};
  const unsigned width = std::min(columns_of(STDERR_FILENO) - 1, kMostColumns);
  write_line(line.data(), width);
  std::fprintf(stderr, "\r\033[K%s", line.data());
}

/// As much as fits of "[####....]  40%  123 documents  12.3 MiB/s  0:07 left".
void Progress::write_line(char* line, unsigned width) const noexcept {
  constexpr int kBar = 30;
  constexpr int kLeastBar = 6;
  constexpr double kMiB = 1024.0 * 1024.0;
  const double seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const double mib = static_cast<double>(bytes_) / kMiB;
  const double rate = seconds > 0 ? mib / seconds : 0;
  const auto documents = static_cast<unsigned long long>(documents_);
  std::array<char, 24> done{};
  if (total_ == 0) {
    std::snprintf(done.data(), done.size(), "%.1f MiB", mib);
  } else {
    std::snprintf(done.data(), done.size(), "%3.0f%%", part() * 100);
  }
  std::array<char, 24> left{};
  if (part() > 0) write_left(left, seconds * (1 / part() - 1));
  // From all of it to nothing, the first that fits.
  std::array<char, kMostColumns + 1> text{};
  const auto room = static_cast<int>(width);
  int n = std::snprintf(text.data(), text.size(), "%s  %llu documents  %.1f MiB/s%s", done.data(),
                        documents, rate, left.data());
  if (n > room)
    n = std::snprintf(text.data(), text.size(), "%s  %llu documents  %.1f MiB/s", done.data(),
                      documents, rate);
  if (n > room) n = std::snprintf(text.data(), text.size(), "%s  %llu", done.data(), documents);
  if (n > room) n = std::snprintf(text.data(), text.size(), "%s", done.data());
  if (n > room) return;
  const int bar = total_ == 0 ? 0 : std::min(kBar, room - n - 3);
  if (bar >= kLeastBar) {
    *line++ = '[';
    for (int i = 0; i < bar; ++i) *line++ = i < static_cast<int>(part() * bar) ? '#' : '.';
    *line++ = ']';
    *line++ = ' ';
  }
  std::copy_n(text.data(), n, line);
}

double Progress::part() const noexcept {
  if (total_ == 0) return 0;
  return std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(total_));
}

}  // namespace fle::tools
