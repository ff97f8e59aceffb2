#ifndef FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_
#define FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_

#include <span>
#include <string>

#include "settings.h"

namespace fle::tools {

/// What is wrong with the place of a result, by the options of the command that was chosen; empty:
/// nothing. A result in the place of the key vault would end all keys, and with them all that is
/// encrypted; one within a folder that is read would be taken for a part of it; and of two in one
/// place, one would be lost.
/// @param settings  files that are to be read by other commands, if not by this one.
[[nodiscard]] std::string result_fault(const CLI::App& app,
                                       std::span<const CommandLine::File> settings);

/// Which options both read standard input, where the second one finds nothing; empty: none.
/// @param settings  names the configuration
[[nodiscard]] std::string input_fault(const CLI::App& app,
                                      std::span<const CommandLine::File> settings);

/// Which option was given an empty name of a file or collection, or which flag a number or sign
/// that says neither true nor false; empty: none. Where a variable is not set that a script means,
/// an option would else be as good as not given: a result would go to standard output, and a
/// sealing key would not be looked at. And CLI11 takes -1 for false, and 1x for true.
[[nodiscard]] std::string value_fault(const CLI::App& app);

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_
