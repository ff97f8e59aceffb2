#ifndef FLE_TOOLS_JSON_LAYOUT_H_
#define FLE_TOOLS_JSON_LAYOUT_H_

#include <cstddef>
#include <string_view>

#include "fle/wiped.h"

namespace fle::tools {

/// One document of JSON over several lines, as `mongoexport --pretty` lays it out.
class JsonLayout {
 public:
  /// Appends to `out` what comes of the next piece of the document's text, which is on one line.
  void add(std::string_view piece, WipedChars& out);

 private:
  void string(std::string_view piece, std::size_t& at, WipedChars& out);
  void new_line(WipedChars& out) const;

  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;  // in a string, a backslash was the last character
  bool opened_ = false;   // a bracket was, and may close at once
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_JSON_LAYOUT_H_
