#include "cutter.h"

#include <cstring>

namespace fle::tools {

Done Cutter::next(Chunk& out, std::size_t target) {
  out.clear();
  for (;;) {
    if (!found_) {
      Outcome<std::optional<Extent>> found = find();
      if (!found) return std::move(found.error());
      found_ = *found;
    }
    const bool is_first = out.empty();
    if (!found_) break;
    // What does not fit beside others waits for a chunk of its own, as does another collection.
    if (!is_first && (!frames_.empty() || out.weight() + found_->size + Chunk::kEach > target))
      break;
    if (is_first) {
      out.collection = collection_;
      out.first_document = documents_;
      out.before = std::move(frames_);
      frames_.clear();
    }
    const Bytes document = window_.bytes().subspan(found_->from, found_->size);
    // insert() would construct each byte.
    const std::size_t before = out.raw.size();
    out.raw.resize(before + document.size());
    std::memcpy(out.raw.data() + before, document.data(), document.size());
    out.ends.push_back(out.raw.size());
    if (is_text_) out.places.push_back(found_->place);
    window_.drop(found_->from + found_->size);
    found_.reset();
    ++documents_;
    if (out.weight() >= target) break;
  }
  out.input_bytes = window_.position() - position_;
  position_ = window_.position();
  out.end = found_ ? found_->place : place();
  return ok;
}

}  // namespace fle::tools
