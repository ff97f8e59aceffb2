#ifndef FLE_TOOLS_PRETTY_JSON_H_
#define FLE_TOOLS_PRETTY_JSON_H_

#include <string>
#include <string_view>

namespace fle::tools {

/// JSON over lines with an indent of two, for people; what fits into a line stays in one. With a
/// line end.
/// @param json  well-formed, as our own writers make it; nested no deeper than a schema.
[[nodiscard]] std::string pretty_json(std::string_view json);

}  // namespace fle::tools

#endif  // FLE_TOOLS_PRETTY_JSON_H_
