#ifndef FLE_TOOLS_PRETTY_JSON_H_
#define FLE_TOOLS_PRETTY_JSON_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/failure.h"

namespace fle::tools {

/// Writes JSON over lines with an indent of two, for people; what fits into a line stays in one.
/// Piece by piece: it keeps no more than a line, however long the whole becomes.
class PrettyJson {
 public:
  using Sink = std::function<Done(std::string_view)>;
  explicit PrettyJson(Sink sink) : sink_(std::move(sink)) {}

  /// Begins an object or an array, which close() ends.
  /// @param name  in the object that it stands in; in an array and as the root it has none.
  void open_object(std::string_view name = {}) { open(name, '{'); }
  void open_array(std::string_view name = {}) { open(name, '['); }
  void close();

  // A value. Strings are not JSON yet: they get their quotes here.
  void add(std::string_view name, std::string_view text);
  void add(std::string_view name, std::uint64_t n) { add_json(name, std::to_string(n)); }
  void add(std::string_view name, bool b) { add_json(name, b ? "true" : "false"); }
  void add(std::string_view name, const char* text) { add(name, std::string_view(text)); }
  /// @param json  well-formed, as our own writers make it; nested no deeper than a schema.
  void add_json(std::string_view name, std::string_view json);

  /// Ends the last line.
  /// @return  the first failure of the sink, after which nothing was written.
  [[nodiscard]] Done finish();

 private:
  /// What has come of a container of which nothing is written yet: its line may become too long.
  struct Token {
    std::string name;  // "\"a\": "; of an item of an array, and of what ends, empty
    std::string text;  // a scalar, or a bracket
    enum class Kind : std::uint8_t { open, close, scalar } kind;
  };
  class Reader;

  void open(std::string_view name, char bracket);
  void take(Token t);
  void hold(Token t);
  void spread();
  void begin_line(const std::string& name);
  void write(std::string_view text);

  Sink sink_;
  Done done_ = ok;
  std::string out_;            // for the sink
  std::string closes_;         // of what open_object() and open_array() have begun
  std::string closing_;        // of containers that go over lines, outermost first
  bool first_ = true;          // in the innermost of them
  std::vector<Token> held_{};  // of the container inside of them
  std::size_t depth_ = 0;      // open in held_
  std::size_t length_ = 0;     // of held_ as a line, with what stands before it
};

/// All of it at once. With a line end.
/// @param json  as add_json() takes it.
[[nodiscard]] std::string pretty_json(std::string_view json);

}  // namespace fle::tools

#endif  // FLE_TOOLS_PRETTY_JSON_H_
