#include "fle/observe/trace.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>

#include <unistd.h>

#include "decimal.h"

namespace fle {
namespace {

using Clock = std::chrono::steady_clock;

void append_line(std::string& out, const std::string& time, const Event& e) {
  const MetricInfo& about = info(e.metric);
  out.append("fle ").append(time).append(" ").append(about.name);
  for (std::size_t i = 0; i < kMaxLabels && !about.labels[i].empty(); ++i)
    out.append(" ").append(about.labels[i]).append("=").append(e.labels[i].view());
  out.append(" ").append(decimal(e.value, about.unit)).append("\n");
}

}  // namespace

struct Trace::State {
  std::function<void(std::string_view line)> write;
  std::function<Clock::time_point()> now;
  Clock::time_point began;
  std::mutex mutex;  // of `write`
};

Trace::Trace(std::function<void(std::string_view line)> write,
             std::function<Clock::time_point()> now)
    : s_(std::make_unique<State>()) {
  s_->write = std::move(write);
  s_->now = now ? std::move(now) : Clock::now;
  s_->began = s_->now();
}
Trace::~Trace() = default;

void Trace::observe(std::span<const Event> events) {
  using std::chrono::microseconds;
  const auto since = std::chrono::duration_cast<microseconds>(
      std::max<Clock::duration>(s_->now() - s_->began, Clock::duration::zero()));
  const std::string time =
      decimal(static_cast<std::uint64_t>(since.count()) * 1000, Unit::nanoseconds);
  for (const Event& e : events) {
    std::string line;
    append_line(line, time, e);
    const std::lock_guard lock(s_->mutex);
    s_->write(line);
  }
}

std::shared_ptr<Trace> Trace::to_descriptor(int fd) {
  return std::make_shared<Trace>([fd](std::string_view line) {
    [[maybe_unused]] const ssize_t n = ::write(fd, line.data(), line.size());
  });
}

}  // namespace fle
