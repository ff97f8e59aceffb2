#include "cutter.h"

#include <algorithm>

namespace fle::tools {
namespace {

constexpr std::size_t kSlack = 4096;  // more than the next chunk may need than this one

}  // namespace

Done Cutter::next(Chunk& out, std::size_t target) {
  out.add_up();  // of who cuts alone into one chunk
  out.clear();
  has_some_ = false;
  // Texts are copied out of the window one by one.
  if (!is_text_) window_.lend(out.raw);
  bool full = false;
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
    if (!found_) break;
    const bool is_first = out.empty();
    // What does not fit beside others waits for a chunk of its own, as does another collection.
    if (!is_first && !frames_.empty()) break;
    full = !is_first && run + out.weight() + found_->size + Chunk::kEach > target;
    if (full) break;
    if (is_first) {
      out.collection = collection_;
      out.first_document = documents_;
      out.before = std::move(frames_);
      frames_.clear();
    }
    const bool alone = extracted_.has_value();  // find() saw to that
    if (alone) {
      out.raw = std::move(extracted_->document);
      out.text_bytes = extracted_->text_bytes;
      out.text = std::move(extracted_->text);
      if (!extracted_->read) out.unreadable = std::move(extracted_->read.error());
      extracted_.reset();
    } else {
      window_.drop(found_->from);
      if (is_first || window_.held() != run) {  // something else stood in between
        if (run != 0) window_.take(run, out.raw);
        window_.hold(usual_);
        run = 0;
      }
      window_.drop(found_->size);
      run += found_->size;
    }
    has_some_ = true;
    out.ends.push_back(out.raw.size() + run);
    if (is_text_) out.places.push_back(found_->place);
    found_.reset();
    ++documents_;
    full = alone || run + out.weight() >= target;
    if (full) break;
  }
  if (run != 0) window_.take(run, out.raw);
  if (has_some_) complete(out);
  if (!done) return done;
  const std::size_t usual = std::min(out.raw.size() + kSlack, target);
  usual_ = full ? usual : std::max(usual, usual_);
  out.input_bytes = window_.position() - position_;
  position_ = window_.position();
  out.end = found_ ? found_->place : place();
  return ok;
}

}  // namespace fle::tools
