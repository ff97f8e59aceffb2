#ifndef FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_
#define FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_

#include <string>

namespace CLI {
class App;
}

namespace fle::tools {

/// What is wrong with the place of a result, by the options of the command that was chosen; empty:
/// nothing. A result in the place of the key vault would end all keys, and with them all that is
/// encrypted; one within a folder that is read would be taken for a part of it.
[[nodiscard]] std::string result_fault(const CLI::App& app);

}  // namespace fle::tools

#endif  // FLE_TOOLS_OPTIONS_RESULT_OPTIONS_H_
