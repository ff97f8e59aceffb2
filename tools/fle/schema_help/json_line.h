#ifndef FLE_TOOLS_JSON_LINE_H_
#define FLE_TOOLS_JSON_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "streams/json_text.h"

namespace fle::tools {

/// One item of a list under --json: an object on a line of its own.
class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::string_view text) {
    return add_value(name, json_string(text));
  }
  JsonLine& add(std::string_view name, std::uint64_t n) {
    return add_value(name, std::to_string(n));
  }
  /// @param json  a value of JSON.
  JsonLine& add_value(std::string_view name, const std::string& json) {
    text_ += (text_.empty() ? "" : ", ") + json_string(name) + ": " + json;
    return *this;
  }
  /// {"name": ...}
  [[nodiscard]] std::string object() const { return "{" + text_ + "}"; }
  /// The same with a line end.
  [[nodiscard]] std::string line() const { return object() + "\n"; }

 private:
  std::string text_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_JSON_LINE_H_
