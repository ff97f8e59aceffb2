#ifndef FLE_TOOLS_SHELL_TEXT_H_
#define FLE_TOOLS_SHELL_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "command_tree.h"

namespace fle::tools {

/// In single quotes, as bash and zsh take it.
[[nodiscard]] inline std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

[[nodiscard]] inline std::string joined(const std::vector<std::string>& texts,
                                        std::string_view between) {
  std::string out;
  for (const std::string& t : texts) {
    if (&t != &texts.front()) out += between;
    out += t;
  }
  return out;
}

/// The paths of all commands below `all`, each in quotes.
[[nodiscard]] inline std::string quoted_paths(const CommandText& all, std::string_view between) {
  std::vector<std::string> paths;
  for_each_command(all, [&](const CommandText& c) {
    if (c.path != all.path) paths.push_back(single_quoted(c.path));
  });
  return joined(paths, between);
}

}  // namespace fle::tools

#endif  // FLE_TOOLS_SHELL_TEXT_H_
