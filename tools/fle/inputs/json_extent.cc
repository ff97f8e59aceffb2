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

/// Behind the first line end at or behind `from`; the text's end where there is none.
/// @param found  set where there is one.
std::size_t behind_line_end(Bytes text, std::size_t from, bool& found) {
  // A window that was just emptied has no memory: memchr(3) may not be asked even for nothing.
  const void* const end =
      from < text.size() ? std::memchr(text.data() + from, '\n', text.size() - from) : nullptr;
  found = end != nullptr;
  return found ? static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - text.data()) + 1
               : text.size();
}

}  // namespace

bool LineExtent::find(Bytes text, bool last) {
  bool found = false;
  at_ = behind_line_end(text, at_, found);
  return found || last;
}

bool JsonExtent::find(Bytes text, bool last) {
  if (!broken_) {
    look(text);
    if (broken_ && begins_line(text)) {
      at_ = std::max(after_line_end_, dropped_) - dropped_;
      return true;
    }
  }
  if (broken_) {
    bool found = false;
    at_ = behind_line_end(text, at_, found);
    if (found) line_end();
    return found || last;
  }
  return whole_ || last;
}

void JsonExtent::drop(Bytes text, std::size_t n) {
  std::size_t solid = n;
  while (solid != 0 && is_space(text[solid - 1])) --solid;
  if (solid != 0) {
    last_dropped_ = text[solid - 1];
    dropped_of_line_ |= dropped_ + solid > after_line_end_;
  }
  TextExtent::drop(text, n);
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
  const std::size_t from = std::max(after_line_end_, dropped_) - dropped_;
  return after_line_end_ != 0 && !dropped_of_line_ && text[at_] == '{' &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                     text.begin() + static_cast<std::ptrdiff_t>(at_), is_space);
}

/// A document or array stands behind a colon, or in an array at its start or behind a comma.
void JsonExtent::open(Bytes text, bool array) {
  if (depth_ != 0 && depth_ <= kDepths) {
    std::size_t before = at_;
    while (before != 0 && is_space(text[before - 1])) --before;
    const std::uint8_t c = before != 0 ? text[before - 1] : last_dropped_;
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
