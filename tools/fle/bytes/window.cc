#include "window.h"

#include <algorithm>
#include <cstring>

namespace fle::tools {
namespace {

constexpr std::size_t kRead = 64 * 1024;
constexpr std::size_t kLeast = 16 * 1024;  // of a read, where there is something already
// A buffer that a large document has made larger than this is not kept.
constexpr std::size_t kKeep = 1024 * 1024;
// Where a text is longer than that, as much is read at once: nearly nothing of what follows it.
constexpr std::size_t kMostRead = kKeep;
// A buffer grows by as much again, or by that much: all of it is wiped, whether it was used or not,
// and so takes memory; and while it grows it is there twice.
constexpr std::size_t kMostGrowth = 16 * 1024 * 1024;

}  // namespace

Done Window::more(std::size_t need) {
  if (ended_) return ok;
  const std::size_t base = holds_ ? held_ : from_;
  const std::size_t have = to_ - base;
  if (base != 0) std::memmove(buffer_.data(), buffer_.data() + base, have);
  from_ -= base;
  to_ = have;
  held_ = 0;
  need += from_;
  // Always some room, and in steps that are not many for a large document whose size is not known.
  std::size_t room = std::max(need, holds_ ? std::max(aim_, kRead) : kRead);
  if (room < have + kLeast) room = have + std::clamp((have - from_) / 2, kLeast, kMostRead);
  if (room > buffer_.capacity() && room > kKeep && need <= have) {
    WipedBytes larger;
    larger.reserve(std::max(room, have + std::clamp(have, kKeep, kMostGrowth)));
    larger.resize(have);
    std::memcpy(larger.data(), buffer_.data(), have);  // reserve() of buffer_ would go byte by byte
    buffer_.swap(larger);
  }
  if (buffer_.size() < room) buffer_.resize(room);
  // Beyond what is held, no more than is asked for: who takes the buffer leaves the rest to be
  // copied.
  const std::size_t end = holds_ ? room : std::min(buffer_.size(), std::max(room, aim_));
  FLE_TRY(const std::size_t n, source_->read({buffer_.data() + to_, end - to_}));
  to_ += n;
  ended_ = n == 0;
  return ok;
}

Done Window::at_least(std::size_t n) {
  while (bytes().size() < n && !ended_) FLE_CHECK(more(n));
  return ok;
}

void Window::drop(std::size_t n) {
  from_ += n;
  if (!holds_) shrink();
}

void Window::lend(WipedBytes& buffer) {
  const std::size_t left = to_ - from_;
  if (left > kLeast || buffer.capacity() < std::max(buffer_.size(), kRead)) return;
  buffer.resize(buffer.capacity());
  if (left != 0) std::memcpy(buffer.data(), buffer_.data() + from_, left);
  buffer_.swap(buffer);
  buffer.clear();
  from_ = 0;
  to_ = left;
}

void Window::take(std::size_t n, WipedBytes& out) {
  holds_ = false;
  const std::size_t left = to_ - from_;
  if (!out.empty() || left > n) {
    // insert() would construct each byte.
    const std::size_t before = out.size();
    out.resize(before + n);
    if (n != 0) std::memcpy(out.data() + before, buffer_.data() + held_, n);
    return shrink();
  }
  buffer_.swap(out);
  buffer_.resize(std::max(buffer_.capacity(), left));
  if (left != 0) std::memcpy(buffer_.data(), out.data() + from_, left);
  from_ = 0;
  to_ = left;
  if (held_ != 0) std::memmove(out.data(), out.data() + held_, n);
  out.resize(n);
  shrink();
}

void Window::shrink() {
  const std::size_t left = to_ - from_;
  if (buffer_.size() <= kKeep || left > kRead) return;
  WipedBytes rest(kRead);
  if (left != 0) std::memcpy(rest.data(), buffer_.data() + from_, left);
  buffer_.swap(rest);
  from_ = 0;
  to_ = left;
}

Outcome<std::size_t> Window::read(MutBytes into) {
  if (from_ == to_ && !ended_) return source_->read(into);
  const std::size_t n = std::min(into.size(), to_ - from_);
  std::copy_n(buffer_.data() + from_, n, into.data());
  drop(n);
  return n;
}

}  // namespace fle::tools
