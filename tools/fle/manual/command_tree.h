#ifndef FLE_TOOLS_COMMAND_TREE_H_
#define FLE_TOOLS_COMMAND_TREE_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}

// The commands and their options as text, read out of what parses them: what man pages and
// completions are made from.
namespace fle::tools {

/// What a value names.
enum class Takes : unsigned char { nothing, text, file, folder };

/// An option, or an argument.
struct OptionText {
  std::vector<std::string> names;  // "--vault"; of an argument "FILE"
  std::string value;               // "FILE|URI|@FILE"; empty: a flag
  std::string help;
  std::string variable;  // of the environment, or empty
  std::string standard;  // its value where it is not given, or empty
  Takes takes = Takes::nothing;
  std::vector<std::string> choices{};  // all values that it takes, where they are words
  bool required = false;
  bool repeated = false;
};

struct CommandText {
  std::string path;  // "fle key list"
  std::string name;  // "list"
  std::string about;
  std::string footer;
  std::vector<OptionText> options{};
  std::vector<OptionText> arguments{};
  std::vector<CommandText> commands{};
};

/// What is hidden from --help is left out.
[[nodiscard]] CommandText read_commands(const CLI::App& app);

/// A command and all below it.
template <class Visit>
void for_each_command(const CommandText& command, const Visit& visit) {
  visit(command);
  for (const CommandText& c : command.commands) for_each_command(c, visit);
}

/// The first part of a sentence, for where there is a line for it.
[[nodiscard]] std::string in_short(const std::string& help);

}  // namespace fle::tools

#endif  // FLE_TOOLS_COMMAND_TREE_H_
