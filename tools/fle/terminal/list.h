#ifndef FLE_TOOLS_TERMINAL_LIST_H_
#define FLE_TOOLS_TERMINAL_LIST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "streams/json_text.h"

namespace CLI {
class App;
}

namespace fle::tools {

/// One item of a list: an object of JSON on a line of its own.
class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::string_view text) {
    items_.push_back({std::string(name), json_string(text), std::string(text)});
    return *this;
  }
  JsonLine& add(std::string_view name, std::uint64_t n) {
    return add_value(name, std::to_string(n));
  }
  /// @param json  a value of JSON.
  JsonLine& add_value(std::string_view name, const std::string& json) {
    items_.push_back({std::string(name), json, json});
    return *this;
  }
  /// {"name": ...}
  [[nodiscard]] std::string object() const;
  /// The same with a line end.
  [[nodiscard]] std::string line() const { return object() + "\n"; }
  /// As people read it: a text without quotes. Empty where there is no such name.
  [[nodiscard]] std::string text_of(std::string_view name) const;

 private:
  struct Item {
    std::string name;
    std::string json;
    std::string text;
  };
  std::vector<Item> items_;
};

/// ["a", "b"]
[[nodiscard]] std::string json_array(const std::vector<std::string>& texts);

/// --json and --field, where a subcommand prints a list.
struct ListOptions {
  bool json = false;
  std::vector<std::string> fields;  // those of --field, in that order

  /// @param what   what stands on a line: "a key".
  /// @param names  of what an item has under --json.
  void add(CLI::App& cmd, const std::string& what, std::vector<std::string> names);
  /// Whether people read it: neither of the options was given.
  [[nodiscard]] bool for_people() const noexcept { return !json && fields.empty(); }
  /// An item as it was asked for: its object, its fields with tabs between them, or `text`.
  [[nodiscard]] std::string line(const JsonLine& item, const std::string& text) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_TERMINAL_LIST_H_
