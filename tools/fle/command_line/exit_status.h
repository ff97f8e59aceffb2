#ifndef FLE_TOOLS_EXIT_STATUS_H_
#define FLE_TOOLS_EXIT_STATUS_H_

#include <cstdint>
#include <string>

#include "fle/errc.h"

namespace fle::tools {

/// Exit statuses of the command; scripts rely on them.
enum Exit : std::uint8_t {
  kDone = 0,
  kRefused = 1,   ///< The input, a key, a schema or a file is not what it must be.
  kUsage = 2,     ///< The command line.
  kTryAgain = 3,  ///< What the command needs could not be had now.
};

/// The status of a command that fails with this code.
[[nodiscard]] Exit status_of(Errc code) noexcept;

/// All of them, for --help.
[[nodiscard]] std::string exit_statuses();

}  // namespace fle::tools

#endif  // FLE_TOOLS_EXIT_STATUS_H_
