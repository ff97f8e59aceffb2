#include "cutter.h"

#include <algorithm>

namespace fle::tools {
namespace {

constexpr std::size_t kSlack = 4096;  // more than the next chunk may need than this one

}  // namespace

Done Cutter::next(Chunk& out, std::size_t target) {
  out.clear();
  std::size_t run = 0;  // bytes of documents that the window holds, one behind the other
  Done done = ok;
  for (;;) {
    if (!found_) {
      if (const std::size_t size = next_size(window_.bytes()); size != 0) {
        found_ = Extent{0, size};
      } else if (Outcome<std::optional<Extent>> found = find(); found) {
        found_ = *found;
      } else {
        done = std::move(found.error());
        break;
      }
    }
    const bool is_first = out.empty();
    if (!found_) break;
    // What does not fit beside others waits for a chunk of its own, as does another collection.
    if (!is_first &&
        (!frames_.empty() || run + out.weight() + found_->size + Chunk::kEach > target))
      break;
    if (is_first) {
      out.collection = collection_;
      out.first_document = documents_;
      out.before = std::move(frames_);
      frames_.clear();
    }
    window_.drop(found_->from);
    if (is_first || window_.held() != run) {  // something else stood in between
      if (run != 0) window_.take(run, out.raw);
      window_.hold(usual_);
      run = 0;
    }
    window_.drop(found_->size);
    run += found_->size;
    out.ends.push_back(out.raw.size() + run);
    if (is_text_) out.places.push_back(found_->place);
    found_.reset();
    ++documents_;
    if (run + out.weight() >= target) break;
  }
  if (run != 0) window_.take(run, out.raw);
  if (!done) return done;
  usual_ = std::min(out.raw.size() + kSlack, target);
  out.input_bytes = window_.position() - position_;
  position_ = window_.position();
  out.end = found_ ? found_->place : place();
  return ok;
}

}  // namespace fle::tools
