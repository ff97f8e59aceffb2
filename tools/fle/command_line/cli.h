#ifndef FLE_TOOLS_CLI_H_
#define FLE_TOOLS_CLI_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "command.h"
#include "fle/whole_number.h"

// For files that define options. Others do not name CLI11: it is all in its header, and compiled in
// each file that does.
namespace fle::tools {

/// Lets `run` with the options be what is chosen when the user picks `cmd`.
/// @param check_usage  what CLI11 cannot check by itself: throws a usage error. May be null.
template <class Options, class Result>  // Done or Ending
void choose(CLI::App& cmd, Action& chosen, std::shared_ptr<Options> o,
            Result (*run)(const Options&), void (*check_usage)(const Options&) = nullptr) {
  cmd.callback([o = std::move(o), &chosen, run, check_usage] {
    if (check_usage != nullptr) check_usage(*o);
    chosen = [o, run]() -> Ending { return run(*o); };
  });
}

/// DATABASE.COLLECTION, with something on both sides of the dot.
[[nodiscard]] inline std::string namespace_fault(const std::string& ns) {
  const std::size_t dot = ns.find('.');
  return dot == std::string::npos || dot == 0 || dot + 1 == ns.size()
             ? "'" + ns + "' is not DATABASE.COLLECTION"
             : std::string();
}
[[nodiscard]] inline CLI::Validator is_namespace() { return {namespace_fault, ""}; }

/// A number in decimal digits. To be given to Option::transform(), so that CLI11, which reads "010"
/// as 8, gets "10".
[[nodiscard]] inline CLI::Validator is_whole_number() {
  return {[](std::string& text) { return whole_number_fault(text, 0, UINT64_MAX); }, ""};
}
/// The same, with limits that the help shows.
[[nodiscard]] inline CLI::Validator is_whole_number(std::uint64_t least, std::uint64_t most) {
  return {[=](std::string& text) { return whole_number_fault(text, least, most); },
          "UINT in [" + std::to_string(least) + " - " + std::to_string(most) + "]"};
}

}  // namespace fle::tools

#endif  // FLE_TOOLS_CLI_H_
