#ifndef FLE_TOOLS_TERMINAL_TERMINAL_H_
#define FLE_TOOLS_TERMINAL_TERMINAL_H_

#include <string>

#include "fle/failure.h"
#include "fle/secret.h"

namespace fle::tools {

/// Whether people sit at this descriptor.
[[nodiscard]] bool is_terminal(int fd) noexcept;
/// Whether it is one that can draw a line anew; TERM=dumb says that it shows control sequences.
[[nodiscard]] bool redraws(int fd) noexcept;
/// Columns that the terminal has now; 80 where it does not say.
[[nodiscard]] unsigned columns_of(int fd) noexcept;

/// Asks on standard error and reads a line from standard input. Anything but y or yes is no.
/// Only where standard input is a terminal.
[[nodiscard]] bool is_confirmed(const std::string& question);

/// Asks on standard error and reads a line from standard input, which the terminal does not show
/// meanwhile. Only where standard input is a terminal.
/// @retval Errc::invalid_argument  given up (^C, ^D), empty, or too long
/// @retval Errc::io_failed         the terminal would show it
[[nodiscard]] Outcome<SecretBytes> ask_password(const std::string& question);

}  // namespace fle::tools

#endif  // FLE_TOOLS_TERMINAL_TERMINAL_H_
