#include "document_builder.h"

#include <algorithm>

namespace fle::bson::internal {

void DocumentBuilder::grow(std::size_t n) {
  const std::size_t used = size();
  constexpr std::size_t kLarge = 1024 * 1024;
  const std::size_t needed = before_ + used + n;
  if (needed < kLarge) {
    // Half as much again: what stands in the buffer is copied a bounded number of times.
    out_.resize(std::max(needed, out_.size() + out_.size() / 2));
  } else {
    // Of a large document the rest of the text is in `n`, mostly, so there is not much to come.
    const std::size_t room = std::max(out_.capacity(), needed + needed / (expects_more_ ? 2 : 16));
    if (room == out_.capacity()) {
      out_.resize(room);
    } else {
      WipedBytes larger(room);  // out_ would construct each byte anew
      if (!out_.empty()) std::memcpy(larger.data(), out_.data(), out_.size());
      out_.swap(larger);
    }
  }
  place(used);
}

const std::vector<std::string_view>& DocumentBuilder::path(bool with_value) {
  path_.clear();
  // A name ends with the NUL before its value; to look for that would take as long as it is.
  for (std::uint32_t i = 1; i < depth_; ++i) {
    const Frame& f = frames_[i];
    path_.emplace_back(base_ + f.type_at + 1, f.start - f.type_at - 2);
  }
  if (!with_value || depth_ == 0) return path_;
  if (top().is_array) {
    const char* const end = write_integer(index_, top().n);
    path_.emplace_back(index_, static_cast<std::size_t>(end - index_));
  } else {
    path_.push_back(name());
  }
  return path_;
}

std::string dotted(const std::vector<std::string_view>& path) {
  std::string s;
  for (std::size_t i = 0; i < path.size(); ++i) s += (i == 0 ? "" : ".") + std::string(path[i]);
  return s;
}

}  // namespace fle::bson::internal
