#ifndef FLE_TOOLS_JSON_TEXT_H_
#define FLE_TOOLS_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace fle::tools {

/// Names out of documents may be any bytes, JSON is UTF-8: a text that is not becomes one character
/// for each byte.
[[nodiscard]] std::string to_utf8(std::string_view text);
/// A string of JSON, quotes included.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace fle::tools

#endif  // FLE_TOOLS_JSON_TEXT_H_
