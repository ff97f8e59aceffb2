#ifndef FLE_TOOLS_CONFIG_TEXT_H_
#define FLE_TOOLS_CONFIG_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "fle/failure.h"

namespace fle::tools {

/// A line of a configuration that sets something.
struct ConfigItem {
  std::vector<std::string> section{};  // words of the command; none: of all commands
  std::string name{};
  std::string value{};
};

/// What a configuration says, in its order: lines of TOML, but no more of it than settings need.
///
///     # A comment, which may stand behind everything else, too.
///     name = true              # a bare value: no space, no quotation mark
///     name = "a # b \" c \\"   # escapes: the quotation mark and the backslash
///     name = 'a "b" \'         # as it stands
///     [word.word]              # what follows is said to this command
///     word.word.name = 4       # so is this
///
/// What is anything else is refused rather than guessed at: a setting that means another thing than
/// its reader thinks may leave values without encryption. Texts of a line may have any bytes.
///
/// @retval Errc::invalid_argument  "line N ..."
[[nodiscard]] Outcome<std::vector<ConfigItem>> read_config(std::string_view text);

}  // namespace fle::tools

#endif  // FLE_TOOLS_CONFIG_TEXT_H_
