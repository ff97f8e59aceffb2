#include "json_extent.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace fle::tools {
namespace {

/// Bytes that are not passed over: in a string, and outside of strings.
constexpr std::array<bool, 256> of(std::string_view chars, bool controls) {
  std::array<bool, 256> stops{};
  for (unsigned c = 0; controls && c < 0x20; ++c) stops[c] = true;
  for (const char c : chars) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}
constexpr std::array<bool, 256> kInString = of("\"\\", true);
constexpr std::array<bool, 256> kOutside = of("\"{}[]\n", false);

}  // namespace

bool JsonExtent::find(Bytes text, bool last) {
  if (!broken_) {
    look(text);
    if (broken_ && begins_line(text)) {
      at_ = after_line_end_;
      return true;
    }
  }
  if (broken_) {
    const void* end =
        at_ < text.size() ? std::memchr(text.data() + at_, '\n', text.size() - at_) : nullptr;
    const auto to =
        end == nullptr
            ? text.size()
            : static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - text.data() + 1);
    at_ = to;
    if (end != nullptr) line_end();
    return end != nullptr || last;
  }
  return whole_ || last;
}

void JsonExtent::look(Bytes text) {
  const std::uint8_t* const p = text.data();
  const std::size_t n = text.size();
  while (!whole_ && !broken_) {
    const std::array<bool, 256>& stops = in_string_ ? kInString : kOutside;
    while (at_ < n && !stops[p[at_]]) ++at_;
    if (at_ == n) return;
    const std::uint8_t c = p[at_];
    if (in_string_ && c == '\\') {
      if (at_ + 1 == n) return;
      if (p[at_ + 1] < 0x20) {
        broken_ = true;
      } else {
        at_ += 2;
      }
      continue;
    }
    if (c == '"') {
      in_string_ = !in_string_;
    } else if (in_string_) {
      broken_ = true;
      return;
    } else if (c == '{' || c == '[') {
      open(text, c == '[');
    } else if (c != '\n') {
      close(c == ']');
    }
    if (broken_) return;
    ++at_;
    if (c == '\n') line_end();
  }
}

/// Whether what does not fit is a bracket that a line begins with: the next document.
bool JsonExtent::begins_line(Bytes text) const noexcept {
  return after_line_end_ != 0 && text[at_] == '{' &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(after_line_end_),
                     text.begin() + static_cast<std::ptrdiff_t>(at_), is_space);
}

/// A document or array stands behind a colon, or in an array at its start or behind a comma.
void JsonExtent::open(Bytes text, bool array) {
  if (depth_ != 0 && depth_ <= kDepths) {
    std::size_t before = at_ - 1;
    while (is_space(text[before])) --before;  // the outermost bracket is none
    const std::uint8_t c = text[before];
    const bool fits = arrays_[depth_ - 1] ? c == '[' || c == ',' : c == ':';
    broken_ = !fits;
  }
  if (depth_ < kDepths) arrays_[depth_] = array;
  ++depth_;
}

void JsonExtent::close(bool array) {
  if (depth_ == 0 || (depth_ <= kDepths && arrays_[depth_ - 1] != array)) {
    broken_ = true;
    return;
  }
  --depth_;
  whole_ = depth_ == 0;
}

}  // namespace fle::tools
