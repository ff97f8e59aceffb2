#ifndef FLE_TOOLS_JSON_LAYOUT_H_
#define FLE_TOOLS_JSON_LAYOUT_H_

#include <string_view>

#include "fle/wiped.h"

namespace fle::tools {

/// A JSON document of one line laid out over several, as mongoexport --pretty does it: a name or
/// item a line, indented by tabs. Appended to `out`, without a line end behind it.
void lay_out(std::string_view line, WipedChars& out);

}  // namespace fle::tools

#endif  // FLE_TOOLS_JSON_LAYOUT_H_
