#include "window.h"

#include <algorithm>
#include <cstring>

namespace fle::tools {
namespace {

constexpr std::size_t kRead = 64 * 1024;
// A buffer that a large document has made larger than this is not kept.
constexpr std::size_t kKeep = 1024 * 1024;

}  // namespace

Done Window::more(std::size_t need) {
  if (ended_) return ok;
  const std::size_t have = to_ - from_;
  if (from_ != 0) std::memmove(buffer_.data(), buffer_.data() + from_, have);
  from_ = 0;
  to_ = have;
  // Always some room, and in steps that are not many for a large document whose size is not known.
  std::size_t room = std::max(need, kRead);
  if (buffer_.size() <= have) room = std::max(room, have + have / 2);
  if (buffer_.size() < room) buffer_.resize(room);
  FLE_TRY(const std::size_t n, source_->read({buffer_.data() + to_, buffer_.size() - to_}));
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
  const std::size_t left = to_ - from_;
  if (buffer_.size() <= kKeep || left > kRead) return;
  WipedBytes rest(kRead);
  std::memcpy(rest.data(), buffer_.data() + from_, left);
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
