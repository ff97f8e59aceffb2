#include "result_options.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include <sys/stat.h>

#include "command_line/cli.h"

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

std::optional<struct stat> entry_at(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return std::nullopt;
  return st;
}

bool is_same(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// What stands where a value of an option that names what is read points.
std::optional<struct stat> read_at(const CLI::Option& option, std::string path) {
  if (option.get_type_name().starts_with("DB.COLL=")) path.erase(0, path.find('=') + 1);
  if (path.starts_with('@')) path.erase(0, 1);  // --vault @FILE
  return entry_at(path);
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

/// How a result at `path` and what another option reads stand to each other.
std::string fault_of(const ResultOption& result, const std::string& path, const CLI::Option& read) {
  const std::string name = read.get_name();
  const auto there = entry_at(path);
  for (const std::string& value : read.results()) {
    const auto source = read_at(read, value);
    if (!source) continue;
    const bool same = there && S_ISREG(there->st_mode) && is_same(*there, *source);
    if (same && !(result.in_place && name == "--in"))
      return std::string(result.name) + " names the file of " + name + ", which it would replace";
    if (S_ISDIR(source->st_mode) && leads_into(path, *source))
      return std::string(result.name) + " names a place in the folder of " + name +
             ", all of which is read";
  }
  return {};
}

}  // namespace

std::string result_fault(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  for (const ResultOption& result : kResults) {
    const CLI::Option* const out = command->get_option_no_throw(std::string(result.name));
    if (out == nullptr || out->results().size() <= result.at_word) continue;
    const std::string& path = out->results().at(result.at_word);
    if (path == "-") continue;
    for (const CLI::Option* read : command->get_options()) {
      if (read->get_type_name().find("FILE") == std::string::npos ||
          std::ranges::find(kResults, read->get_name(), &ResultOption::name) != std::end(kResults))
        continue;
      if (std::string fault = fault_of(result, path, *read); !fault.empty()) return fault;
    }
  }
  return {};
}

}  // namespace fle::tools
