#ifndef FLE_TOOLS_OPTIONS_SETTINGS_H_
#define FLE_TOOLS_OPTIONS_SETTINGS_H_

#include <string>
#include <vector>

#include "fle/failure.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

// Options that need not stand on the command line: an FLE_* variable or a file may say them. What
// they say is put onto the command line before it is read, so it goes through the same checks.
namespace fle::tools {

/// Gives every command that has a setting among its options the option --config.
void add_config_option(CLI::App& app);

/// The environment's name for an option, "FLE_VAULT_NS"; empty where it is no setting.
[[nodiscard]] std::string variable_of(const CLI::Option& option);

/// A command line, and what of it nobody typed.
struct CommandLine {
  struct Setting {
    std::string option;  // "--vault"
    std::string origin;  // "FLE_VAULT", or "configuration 'fle.conf'"
  };
  /// A file that settings name, whether or not the command reads it.
  struct File {
    std::string name;  // as Setting::origin; of a configuration, "'vault' of configuration 'c'"
    std::string path;
    bool is_vault = false;  // or the address of one, or @FILE with that
  };
  std::vector<std::string> args;
  std::vector<Setting> settings{};
  std::vector<File> files{};
};

/// Adds what the environment says, and then what the file of --config, or of FLE_CONFIG, says: only
/// what no earlier one has said, nor anything that excludes it.
/// @retval Errc::invalid_argument  the file names what is no setting, or holds a password
/// @retval as read_file
[[nodiscard]] Outcome<CommandLine> with_settings(CLI::App& app, std::vector<std::string> args);

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_SETTINGS_H_
