#include "json_layout.h"

#include <algorithm>

namespace fle::tools {

void JsonLayout::add(std::string_view piece, WipedChars& out) {
  for (std::size_t at = 0; at < piece.size();) {
    if (in_string_) {
      string(piece, at, out);
      continue;
    }
    const char c = piece[at++];
    if (c == ' ' || c == '\n') continue;
    const bool closes = c == '}' || c == ']';
    if (closes && !opened_) {
      --depth_;
      new_line(out);
    } else if (opened_ && !closes) {
      ++depth_;
      new_line(out);
    }
    opened_ = c == '{' || c == '[';
    in_string_ = c == '"';
    out.push_back(c);
    if (c == ',') new_line(out);
    if (c == ':') out.push_back(' ');
  }
}

/// What stands at `at` in a string, to its end or that of the piece.
void JsonLayout::string(std::string_view piece, std::size_t& at, WipedChars& out) {
  const std::size_t from = at;
  for (; in_string_ && at < piece.size(); ++at) {
    in_string_ = escaped_ || piece[at] != '"';
    escaped_ = !escaped_ && piece[at] == '\\';
  }
  out.insert(out.end(), piece.begin() + static_cast<std::ptrdiff_t>(from),
             piece.begin() + static_cast<std::ptrdiff_t>(at));
}

void JsonLayout::new_line(WipedChars& out) const {
  out.push_back('\n');
  out.insert(out.end(), depth_, '\t');
}

}  // namespace fle::tools
