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
  return failure_ ? Done(std::move(*failure_)) : ok;
}

/// Looks at more of the text. False where there is no more.
bool LongText::look_on() {
  if (ended_) return false;
  ended_ = true;
  too_long_ = extent_.size() > most_;
  if (too_long_) return false;
  if (Done done = window_.more(); !done) {
    failure_ = std::move(done.error());
    return false;
  }
  ended_ = extent_.find(window_.bytes(), window_.ended());
  return true;
}

void LongText::drop(std::size_t n) {
  extent_.drop(window_.bytes(), n);
  window_.drop(n);
}

}  // namespace fle::tools
