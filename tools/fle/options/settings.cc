#include "settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "config_text.h"
#include "fle/did_you_mean.h"

namespace fle::tools {
namespace {

enum class SettingKind : std::uint8_t { text, path, vault };

struct Setting {
  std::string_view name;
  SettingKind kind;
};
constexpr std::string_view kTrace = "trace";  // the one file that is a result
// None holds a secret, and none makes a command do what it would else ask for.
constexpr Setting kSettings[] = {
    {"vault", SettingKind::vault},        {"vault-ns", SettingKind::text},
    {"local-key", SettingKind::path},     {"kms", SettingKind::path},
    {"kms-options", SettingKind::path},   {"seal-key", SettingKind::path},
    {"require-seals", SettingKind::text}, {"may-swap", SettingKind::text},
    {"schema", SettingKind::path},        {"ns", SettingKind::text},
    {"threads", SettingKind::text},       {"work-budget", SettingKind::text},
    {"quiet", SettingKind::text},         {kTrace, SettingKind::path},
};
constexpr const char* kConfig = "--config";
constexpr std::size_t kMaxConfiguration = 64 * 1024;

const Setting* find_setting(std::string_view name) {
  const auto* const it = std::ranges::find(kSettings, name, &Setting::name);
  return it == std::end(kSettings) ? nullptr : it;
}

std::string variable(std::string_view name) {
  std::string out = "FLE_";
  for (const char c : name)
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// Empty where it is not set.
std::string from_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

CLI::Option* option_of(CLI::App& command, std::string_view name) {
  return command.get_option_no_throw("--" + std::string(name));
}

/// Null where it has no such command.
CLI::App* command_of(CLI::App& app, const std::string& name) {
  const auto found =
      app.get_subcommands([&name](const CLI::App* sub) { return sub->check_name(name); });
  return found.empty() ? nullptr : found.front();
}

/// The command that the first words name, how many they are, and what options follow.
struct Typed {
  CLI::App* command;
  std::size_t n_words = 0;
  std::string path{};  // "key list"
  std::set<const CLI::Option*> options{};
  std::string config{};
  bool has_config = false;
  bool asks_for_help = false;
};

Typed read_typed(CLI::App& app, const std::vector<std::string>& args) {
  Typed t{&app};
  for (; t.n_words < args.size(); ++t.n_words) {
    CLI::App* const sub = command_of(*t.command, args[t.n_words]);
    if (sub == nullptr) break;
    t.command = sub;
    t.path += (t.path.empty() ? "" : " ") + args[t.n_words];
  }
  for (std::size_t i = t.n_words; i < args.size() && args[i] != "--"; ++i) {
    const std::string& word = args[i];
    if (!word.starts_with('-')) continue;
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name == "--help" || name == "-h") t.asks_for_help = true;
    if (name == kConfig) {
      t.has_config = true;
      t.config = equals != std::string::npos ? word.substr(equals + 1)
                 : i + 1 < args.size()       ? args[i + 1]
                                             : "";
    }
    if (const CLI::Option* const o = t.command->get_option_no_throw(name)) t.options.insert(o);
  }
  return t;
}

/// Settings of one place, by name.
struct Level {
  std::string origin;  // empty: the environment
  std::map<std::string, std::string, std::less<>> values{};
};

Level environment() {
  Level level;
  for (const Setting& s : kSettings) {
    const std::string value = from_environment(variable(s.name));
    if (!value.empty()) level.values[std::string(s.name)] = value;
  }
  return level;
}

/// A file is named from the folder of the configuration, wherever the command is started.
std::string beside(const std::string& config, const std::string& path) {
  return (std::filesystem::path(config).parent_path() / path).lexically_normal().string();
}

/// The files that a level names for a command to read.
void add_files(const Level& level, std::vector<CommandLine::File>& out) {
  for (const auto& [name, value] : level.values) {
    const Setting* const s = find_setting(name);
    if (s->kind == SettingKind::text || name == kTrace) continue;
    const std::string from =
        level.origin.empty() ? variable(name) : "'" + name + "' of " + level.origin;
    out.push_back({from, value, s->kind == SettingKind::vault});
  }
}

std::string words(const std::vector<std::string>& all, char between) {
  std::string s;
  for (const std::string& word : all) s += (s.empty() ? "" : std::string(1, between)) + word;
  return s;
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& path) : path_(path) {}

  struct Said {
    std::vector<Level> levels{};  // to the command of a path, and to all
    std::vector<CommandLine::File> files_of_others{};
  };
  Outcome<Said> read(CLI::App& app, const std::string& command_path) const {
    FLE_TRY(const std::string text,
            read_file(path_, kMaxConfiguration, files::FileKind::configuration));
    if (text.find('\0') != std::string::npos) return refuse("a NUL stands in it");
    const auto items = read_config(text);
    if (!items) return refuse(items.error().message);
    const std::string origin = "configuration '" + path_ + "'";
    Said said;
    Level all{origin};
    Level own{origin};
    for (const ConfigItem& item : *items) {
      FLE_CHECK(check(app, item));
      if (item.value.empty()) return refuse("'" + item.name + "' has no value");
      const std::string section = words(item.section, ' ');
      FLE_TRY(std::string value, value_of(*find_setting(item.name), item.value));
      if (!section.empty() && section != command_path) {
        add_files({origin, {{item.name, std::move(value)}}}, said.files_of_others);
        continue;
      }
      // Of a flag the last one would count, and nobody knows which was meant.
      Level& level = section.empty() ? all : own;
      if (!level.values.emplace(item.name, std::move(value)).second)
        return refuse("'" + item.name + "' is given twice");
    }
    said.levels = {std::move(own), std::move(all)};
    return said;
  }

 private:
  [[nodiscard]] Failure refuse(const std::string& why) const {
    return {Errc::invalid_argument, "configuration '" + path_ + "': " + why};
  }

  /// @param before  the words of `command`, each with a space behind it
  [[nodiscard]] Failure no_command(const ConfigItem& item, CLI::App& command,
                                   const std::string& before, const std::string& name) const {
    std::vector<std::string_view> known;
    for (const CLI::App* s : command.get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(s->get_name());
    return refuse("section [" + words(item.section, '.') + "]: there is no command '" + before +
                  name + "'." + did_you_mean(name, known));
  }

  [[nodiscard]] Done check(CLI::App& app, const ConfigItem& item) const {
    CLI::App* command = &app;
    std::string so_far;
    for (const std::string& name : item.section) {
      CLI::App* const sub = command_of(*command, name);
      if (sub == nullptr) return no_command(item, *command, so_far, name);
      command = sub;
      so_far += name + " ";
    }
    std::vector<std::string_view> known;
    for (const Setting& s : kSettings)
      if (command == &app || option_of(*command, s.name) != nullptr) known.push_back(s.name);
    if (std::ranges::count(known, item.name) != 0) return ok;
    return refuse(
        "'" + item.name + "' is no setting" +
        (so_far.empty() ? "." : " of 'fle " + so_far.substr(0, so_far.size() - 1) + "'.") +
        did_you_mean(item.name, known));
  }

  [[nodiscard]] Outcome<std::string> value_of(const Setting& s, const std::string& value) const {
    if (s.kind == SettingKind::text || value.empty() || value == "-") return value;
    if (s.kind == SettingKind::path) return beside(path_, value);
    if (has_password(value))
      return refuse("the address of 'vault' has a password: put it into a file of its own, @FILE");
    if (value.find("://") != std::string::npos) return value;
    return value.starts_with('@') ? "@" + beside(path_, value.substr(1)) : beside(path_, value);
  }

  std::string path_;
};

/// Puts a level's settings onto the command line, behind the command's words.
class Expansion {
 public:
  Expansion(Typed typed, std::vector<std::string> args)
      : typed_(std::move(typed)), at_(typed_.n_words), line_{std::move(args)} {}

  void add(const Level& level) {
    add_files(level, line_.files);
    std::set<const CLI::Option*> added;
    for (const auto& [name, value] : level.values) {
      const CLI::Option* const option = option_of(*typed_.command, name);
      if (option == nullptr || is_said(option)) continue;
      added.insert(option);
      const std::string typed = "--" + name;
      line_.args.insert(line_.args.begin() + static_cast<std::ptrdiff_t>(at_++),
                        typed + "=" + value);
      line_.settings.push_back({typed, level.origin.empty() ? variable(name) : level.origin});
    }
    typed_.options.insert(added.begin(), added.end());
  }
  void add_file(CommandLine::File file) { line_.files.push_back(std::move(file)); }
  void add(const ConfigFile::Said& said) {
    for (const Level& level : said.levels) add(level);
    for (const CommandLine::File& file : said.files_of_others) add_file(file);
  }
  [[nodiscard]] CommandLine take() { return std::move(line_); }

 private:
  /// By a level above this one: itself, or what excludes it.
  [[nodiscard]] bool is_said(const CLI::Option* option) const {
    if (typed_.options.contains(option)) return true;
    return std::ranges::any_of(option->get_excludes(), [this](const CLI::Option* other) {
      return typed_.options.contains(other);
    });
  }

  Typed typed_;
  std::size_t at_;
  CommandLine line_;
};

bool takes_settings(CLI::App& command) {
  return std::ranges::any_of(
      kSettings, [&](const Setting& s) { return option_of(command, s.name) != nullptr; });
}

}  // namespace

void add_config_option(CLI::App& app) {
  if (takes_settings(app)) {
    // with_settings() has read it before CLI11 does.
    app.add_option_function<std::string>(
           kConfig, [](const std::string&) {},
           "Configuration: NAME = VALUE for options that this command line does not have")
        ->type_name("FILE");
  }
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) add_config_option(*sub);
}

std::string variable_of(const CLI::Option& option) {
  if (option.get_lnames().empty()) return {};
  const std::string& name = option.get_lnames().front();
  return find_setting(name) != nullptr || "--" + name == kConfig ? variable(name) : std::string();
}

Outcome<CommandLine> with_settings(CLI::App& app, std::vector<std::string> args) {
  Typed typed = read_typed(app, args);
  if (typed.asks_for_help) return CommandLine{std::move(args)};
  const std::string variable_of_config = variable(kConfig + 2);
  const std::string path = typed.has_config ? typed.config : from_environment(variable_of_config);
  const std::string command = typed.path;
  const bool reads_config = takes_settings(*typed.command);
  Expansion expansion(std::move(typed), std::move(args));
  expansion.add(environment());
  if (!path.empty()) expansion.add_file({variable_of_config, path});
  if (!path.empty()) {
    const auto said = ConfigFile(path).read(app, command);
    // A command that takes no settings needs no file without faults.
    if (!said && reads_config) return said.error();
    if (said) expansion.add(*said);
  }
  return expansion.take();
}

}  // namespace fle::tools
