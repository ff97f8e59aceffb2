#include "result_options.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "command_line/cli.h"
#include "fle/files/place.h"

namespace fle::tools {
namespace {

/// Options that name a result; every other one of type FILE names what a command reads.
struct ResultOption {
  std::string_view name;
  bool in_place;        ///< It may take the place of --in, of which it is made.
  std::size_t at_word;  ///< Which of its words is the file.
};
constexpr ResultOption kResults[] = {
    {"--out", true, 0}, {"--html", false, 0}, {"--trace", false, 0}, {"--on-error", false, 1}};

/// A command whose result is refused where anything stands.
constexpr std::string_view kReplacesNothing = "keygen";

std::optional<struct stat> entry_at(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return std::nullopt;
  return st;
}

bool is_same(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// What stands where the value of an option or of a setting points that names what is read.
std::optional<struct stat> read_at(const std::string& value) {
  return entry_at(value.starts_with('@') ? value.substr(1) : value);  // --vault @FILE
}
std::optional<struct stat> read_at(const CLI::Option& option, const std::string& value) {
  const bool named = option.get_type_name().starts_with("DB.COLL=");
  return read_at(named ? value.substr(value.find('=') + 1) : value);
}

/// Whether two results would have one place. What stands there may be a pipe, or a device, which
/// takes both, as a descriptor of the process does.
bool are_one_place(const std::string& path_a, const std::string& path_b) {
  // As whoever writes them does it: a link may lead to what is not there yet.
  const auto a = files::find_place(path_a, files::Links::follow);
  const auto b = files::find_place(path_b, files::Links::follow);
  if (!a || !b || a->descriptor >= 0 || b->descriptor >= 0) return false;
  if (a->entry || b->entry)
    return a->is_regular() && b->is_regular() && is_same(*a->entry, *b->entry);
  return is_same(a->folder_stat, b->folder_stat) && a->name == b->name;
}

/// Whether a place is one where SQLite keeps something beside a vault: what it finds there it takes
/// for its own, and would put into the vault, or remove.
bool is_beside_vault(const std::string& place, const std::string& vault) {
  static constexpr const char* kBeside[] = {"-journal", "-wal", "-shm"};
  if (vault.starts_with('@') || vault.find("://") != std::string::npos) return false;
  std::error_code failed;  // it is beside what a link leads to
  const std::string file = std::filesystem::weakly_canonical(vault, failed).string();
  return !failed && std::ranges::any_of(kBeside, [&](const char* ending) {
    return are_one_place(file + ending, place);
  });
}

const CLI::App& chosen_command(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

/// The file that a result goes to, and those in which --resume keeps it meanwhile; none: it goes to
/// no file.
std::vector<std::string> places_of(const ResultOption& result, const CLI::App& command) {
  const CLI::Option* const option = command.get_option_no_throw(std::string(result.name));
  if (option == nullptr || option->results().size() <= result.at_word) return {};
  std::vector<std::string> places{option->results().at(result.at_word)};
  if (places.front() == "-") return {};
  const CLI::Option* const resume = command.get_option_no_throw("--resume");
  if (resume == nullptr || resume->count() == 0 || result.name == "--trace") return places;
  if (result.name == "--out") places.push_back(places.front() + ".journal");
  places.push_back(places.front() + ".partial");
  return places;
}

/// Whether a path, of which the end need not be there yet, leads into a folder.
bool leads_into(std::string path, const struct stat& folder) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::error_code failed;
  std::string above = std::filesystem::weakly_canonical(path, failed).parent_path().string();
  if (failed) return false;
  if (above.empty()) above = ".";
  for (auto here = entry_at(above); here;) {
    if (is_same(*here, folder)) return true;
    above += "/..";
    const auto next = entry_at(above);
    if (!next || is_same(*next, *here)) return false;  // the root
    here = next;
  }
  return false;
}

bool names_vault(const CLI::Option& option) {
  return option.get_type_name().find("@FILE") != std::string::npos;
}

std::string beside_fault(const ResultOption& result, const std::string& vault) {
  return std::string(result.name) + " names a file that SQLite keeps beside that of " + vault;
}

/// How a result at `path` and what another option reads stand to each other.
std::string fault_of(const ResultOption& result, const std::string& path, bool in_place,
                     const CLI::Option& read) {
  const std::string name = read.get_name();
  const auto there = entry_at(path);
  for (const std::string& value : read.results()) {
    if (names_vault(read) && is_beside_vault(path, value)) return beside_fault(result, name);
    const auto source = read_at(read, value);
    if (!source) continue;
    const bool same = there && S_ISREG(there->st_mode) && is_same(*there, *source);
    if (same && !(in_place && name == "--in"))
      return std::string(result.name) + " names the file of " + name + ", which it would replace";
    if (S_ISDIR(source->st_mode) && leads_into(path, *source))
      return std::string(result.name) + " names a place in the folder of " + name +
             ", all of which is read";
  }
  return {};
}

/// What the value of an option is; of an argument its own name may say so.
std::string kind_of_value(const CLI::Option& option) {
  return option.get_positional() ? option.get_name(true) + " " + option.get_type_name()
                                 : option.get_type_name();
}

/// Whether an option names what a command reads, and no result.
bool is_read(const CLI::Option& option) {
  return kind_of_value(option).find("FILE") != std::string::npos &&
         std::ranges::find(kResults, option.get_name(), &ResultOption::name) == std::end(kResults);
}

bool is_standard_input(const std::string& path) {
  if (path == "-") return true;
  const auto place = files::find_place(path, files::Links::follow);
  return place && place->descriptor == STDIN_FILENO;
}

/// How often an option has standard input read; --in by not being given, too, and --config by its
/// variable.
std::size_t reads_standard_input(const CLI::Option& option,
                                 std::span<const CommandLine::File> settings) {
  const std::string name = option.get_name();
  if (name == "--in" && option.count() == 0) return 1;
  if (name == "--config")
    return static_cast<std::size_t>(
        std::ranges::count_if(settings, [of = variable_of(option)](const CommandLine::File& file) {
          return file.name == of && is_standard_input(file.path);
        }));
  if (!is_read(option)) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(option.results(), [&](std::string value) {
    if (option.get_type_name().starts_with("DB.COLL=")) value.erase(0, value.find('=') + 1);
    if (!names_vault(option)) return is_standard_input(value);
    return value.starts_with('@') && is_standard_input(value.substr(1));
  }));
}

/// The same of what settings name for any command.
std::string fault_of(const ResultOption& result, const std::string& path, const CLI::App& command,
                     std::span<const CommandLine::File> settings) {
  if (command.get_name() == kReplacesNothing) return {};
  const auto there = entry_at(path);
  for (const CommandLine::File& file : settings) {
    if (file.is_vault && is_beside_vault(path, file.path)) return beside_fault(result, file.name);
    const auto source = there && S_ISREG(there->st_mode) ? read_at(file.path) : std::nullopt;
    if (source && is_same(*there, *source))
      return std::string(result.name) + " names the file of " + file.name +
             ", which it would replace";
  }
  return {};
}

}  // namespace

std::string result_fault(const CLI::App& app, std::span<const CommandLine::File> settings) {
  const CLI::App& command = chosen_command(app);
  std::vector<std::pair<const ResultOption*, std::string>> before;
  for (const ResultOption& result : kResults) {
    const std::vector<std::string> places = places_of(result, command);
    for (const std::string& place : places) {
      const bool in_place = result.in_place && place == places.front();
      for (const CLI::Option* read : command.get_options()) {
        if (!is_read(*read)) continue;
        if (std::string fault = fault_of(result, place, in_place, *read); !fault.empty())
          return fault;
      }
      for (const auto& [other, its] : before)
        if (are_one_place(its, place))
          return std::string(other->name) + " and " + std::string(result.name) +
                 " name one file: one of them would replace the other";
      if (std::string fault = fault_of(result, place, command, settings); !fault.empty())
        return fault;
    }
    for (const std::string& place : places) before.emplace_back(&result, place);
  }
  return {};
}

std::string input_fault(const CLI::App& app, std::span<const CommandLine::File> settings) {
  const CLI::Option* first = nullptr;
  for (const CLI::Option* o : chosen_command(app).get_options()) {
    const std::size_t n = reads_standard_input(*o, settings);
    if (n == 0) continue;
    if (first != nullptr || n > 1)
      return (first != nullptr ? first : o)->get_name() + " and " + o->get_name() +
             " cannot both be read from standard input";
    first = o;
  }
  return {};
}

std::string value_fault(const CLI::App& app) {
  static constexpr std::string_view kNamed[] = {"FILE", "FOLDER", "DB.COLL"};
  for (const CLI::Option* o : chosen_command(app).get_options()) {
    if (std::ranges::count(o->results(), "") != 0 &&
        std::ranges::any_of(kNamed, [type = kind_of_value(*o)](std::string_view what) {
          return type.find(what) != std::string::npos;
        }))
      return o->get_name() + ": its value is empty; leave it out where none is meant";
    if (const bool is_flag = o->get_items_expected_max() == 0; !is_flag) continue;
    for (const std::string& said : o->results())
      if (said.find_first_of("+-0123456789") != std::string::npos && said != "0" && said != "1")
        return o->get_name() + ": expected true or false, not " + said;
  }
  return {};
}

}  // namespace fle::tools
