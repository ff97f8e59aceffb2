#include "long_text.h"

#include <algorithm>
#include <cstring>

namespace fle::tools {

std::size_t LongText::next(std::span<char> into) {
  while (extent_.left() == 0)
    if (!look_on()) return 0;
  const std::size_t n = std::min(into.size(), extent_.left());
  std::memcpy(into.data(), window_.bytes().data(), n);
  drop(n);
  return n;
}

Done LongText::finish() {
  do {
    drop(extent_.left());
  } while (look_on());
  if (failure_) return std::move(*failure_);
  return copy_ != nullptr && !too_long_ ? copy_->finish() : Done(ok);
}

/// Looks at more of the text. False where there is no more.
bool LongText::look_on() {
  if (ended_) return false;
  ended_ = true;
  too_long_ = extent_.size() > most_;
  if (too_long_) return false;
  if (Done done = window_.more(); !done) return fail(std::move(done.error()));
  ended_ = extent_.find(window_.bytes(), window_.ended());
  return true;
}

/// False: nothing is read any more.
bool LongText::fail(Failure why) {
  failure_ = std::move(why);
  ended_ = true;
  return false;
}

void LongText::drop(std::size_t n) {
  if (copy_ != nullptr && !failure_) {
    if (Done done = copy_->write(window_.bytes().first(n)); !done) fail(std::move(done.error()));
  }
  extent_.drop(window_.bytes(), n);
  window_.drop(n);
}

}  // namespace fle::tools
