#ifndef FLE_TOOLS_CRYPTD_OPTIONS_H_
#define FLE_TOOLS_CRYPTD_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "fle/budget.h"

namespace fle::cryptd {

/// How the daemon was told to run. The names are those of mongocryptd's options.
struct Options {
  std::vector<std::string> addresses{"127.0.0.1"};  ///< Loopback addresses to listen on.
  std::uint16_t port = 27020;                       ///< 0: a free one.
  bool unix_socket = true;
  std::string unix_socket_folder = "/tmp";
  unsigned unix_socket_mode =
      0700;  ///< Who may connect: bits of its user and group, none of others.
  bool unix_socket_required = false;  ///< The folder was named, so doing without is a failure.
  std::chrono::milliseconds idle_shutdown{60'000};  ///< 0: never.
  std::string pid_file = "mongocryptd.pid";
  bool pid_file_required = false;  ///< The file was named.
  /// Steps that an analysis may take beside those in proportion to its command: fle::Budget.
  std::uint64_t work_budget = Budget{}.floor;
  std::string log_path;  ///< Empty: standard output.
  bool fork = false;
  bool quiet = false;    ///< Connections come and go without a record.
  int verbosity = 0;     ///< From 1 on each command leaves a record.
  bool metrics = false;  ///< GET /metrics is answered, on every address.
  /// Longest that requests in flight may take once it is to end. Not an option of the command line.
  std::chrono::milliseconds drain_time{10'000};
  /// Longest that a client which is refused may go on sending. Not an option of the command line.
  std::chrono::milliseconds linger_time{2'000};
  /// A client that is in the middle of a message, or of taking an answer, is dropped when nothing
  /// has moved for this long, and before twice as long. Not an option of the command line.
  std::chrono::milliseconds stall_time{15'000};
  /// Connections at once; 0: as many as the limit of descriptors allows, less those the daemon
  /// needs itself. Not an option of the command line.
  std::size_t max_connections = 0;
  /// For tests: the clock that idleness and stalling are measured with. It is looked at when a
  /// command ends, and whenever it could be time to end. Null: the system's.
  std::function<std::chrono::steady_clock::time_point()> now{};
  std::vector<std::string> parameters;  ///< Names of --setParameter, without their values.
};

/// Statuses of exit, those of MongoDB's daemons.
enum ExitStatus : int {
  kExitClean = 0,
  kExitBadOptions = 2,
  kExitFailed = 1,
  kExitNetwork = 48,
};

/// Reads a command line. `--help`, `--version` and mistakes are answered on the standard streams;
/// then the result is a status to exit with.
[[nodiscard]] std::variant<Options, ExitStatus> parse_options(int argc, const char* const* argv);

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_OPTIONS_H_
