#ifndef FLE_TOOLS_PAGES_H_
#define FLE_TOOLS_PAGES_H_

#include <string>

#include "command_tree.h"

namespace fle::tools {

/// "fle-key-list": the name of a command's man page.
[[nodiscard]] std::string page_name(const CommandText& command);
/// The man page of a command in section 1: macros of man(7). It has no date: the same sources give
/// the same page.
[[nodiscard]] std::string man_page(const CommandText& all, const CommandText& command);

/// What a shell loads to complete the commands' words.
[[nodiscard]] std::string bash_completion(const CommandText& all);
[[nodiscard]] std::string zsh_completion(const CommandText& all);
[[nodiscard]] std::string fish_completion(const CommandText& all);

}  // namespace fle::tools

#endif  // FLE_TOOLS_PAGES_H_
