#include "options.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "fle/version.h"
#include "fle/whole_number.h"
#include "unix_socket.h"

namespace fle::cryptd {
namespace {

/// What only the combination of options shows.
struct Raw {
  std::string bind_ip = "127.0.0.1";
  std::vector<std::string> parameters;
  std::string config;
  bool no_unix_socket = false;
  bool log_append = false;
  std::int64_t idle_seconds = 60;
  std::string file_permissions = "0700";
};

std::optional<std::string> loopback(const std::string& name) {
  if (name == "localhost") return "127.0.0.1";
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127) return name;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6)) return name;
  return std::nullopt;
}

/// Nobody who connects is asked who they are, and what they send is plaintext: only this machine.
std::vector<std::string> read_addresses(const std::string& list) {
  std::vector<std::string> addresses;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) {
    const auto address = loopback(name);
    if (!address)
      throw CLI::ValidationError("--bind_ip",
                                 "takes loopback addresses only (127.0.0.1, ::1, localhost), for "
                                 "there is neither authentication nor TLS");
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
      addresses.push_back(*address);
  }
  if (addresses.empty()) throw CLI::ValidationError("--bind_ip", "names no address");
  return addresses;
}

/// The mode of the socket's file, in octal as mongod takes it. What comes over the socket is
/// plaintext, and whoever may connect may keep the daemon busy: a group may, everybody may not.
unsigned read_permissions(const std::string& text) {
  unsigned mode = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, mode, 8);
  if (read.ec != std::errc() || read.ptr != end || mode > 0777)
    throw CLI::ValidationError("--filePermissions", "wants a mode in octal, such as 0770");
  if ((mode & 0700) != 0700 || (mode & 07) != 0)
    throw CLI::ValidationError("--filePermissions",
                               "must let its user connect, and nobody beside its group: 0700 to "
                               "0770");
  return mode;
}

/// Parameters of MongoDB's daemons mean nothing here. Values are not kept: they may be anything.
std::vector<std::string> read_parameters(const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (const std::string& p : given) {
    const std::size_t equals = p.find('=');
    if (equals == std::string::npos || equals == 0)
      throw CLI::ValidationError("--setParameter", "wants NAME=VALUE");
    names.push_back(p.substr(0, equals));
  }
  return names;
}

CLI::Validator is_whole_number(std::uint64_t most) {
  return {[most](std::string& text) { return whole_number_fault(text, 0, most); }, ""};
}

/// After --fork the working folder is another one.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

void add_options(CLI::App& app, Options& o, Raw& raw) {
  // A driver adds its own options behind those that it was given: the last one counts.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--port", o.port, "TCP port; 0: a free one, told in the log")
      ->type_name("N")
      ->transform(is_whole_number(UINT16_MAX))
      ->capture_default_str();
  app.add_option("--bind_ip", raw.bind_ip, "Loopback addresses to listen on, with commas between")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--unixSocketPrefix", o.unix_socket_folder,
                 "Folder of the Unix socket mongocryptd.sock")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--filePermissions", raw.file_permissions,
                 "Mode of the Unix socket: 0770 lets its group connect")
      ->type_name("MODE")
      ->capture_default_str();
  app.add_flag("--nounixsocket", raw.no_unix_socket, "No Unix socket");
  app.add_option("--idleShutdownTimeoutSecs", raw.idle_seconds,
                 "Exit after so many seconds without a command; 0: never")
      ->type_name("N")
      ->transform(is_whole_number(std::uint64_t{1} << 31))
      ->capture_default_str();
  app.add_option("--pidfilepath", o.pid_file, "File for the process id; emptied at exit")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--logpath", o.log_path, "Log file, appended to; standard output if not given")
      ->type_name("FILE");
  app.add_option("--workBudget", o.work_budget,
                 "Steps that one analysis may take, beside 8 for each byte of its command")
      ->envname("FLE_WORK_BUDGET")
      ->type_name("N")
      ->transform(is_whole_number(UINT64_MAX))
      ->capture_default_str();
  app.add_flag("--logappend", raw.log_append, "Accepted; the log is always appended to");
  app.add_flag("--fork", o.fork, "Run in the background; exit when it listens");
  app.add_flag("--quiet", o.quiet, "Log no connections");
  app.add_flag("-v,--verbose", o.verbosity, "Log the name, sizes and time of each command");
  app.add_flag("--metrics", o.metrics,
               "Answer GET /metrics, on the same addresses, in Prometheus' text format");
  app.add_option("--setParameter", raw.parameters, "Accepted and without effect")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--config", raw.config, "Not supported: options stand on the command line")
      ->type_name("FILE");
}

void finish(const CLI::App& app, const Raw& raw, Options& o) {
  if (app.count("--config") != 0)
    throw CLI::ValidationError("--config", "is not supported: put the options on the command line");
  o.addresses = read_addresses(raw.bind_ip);
  o.parameters = read_parameters(raw.parameters);
  o.idle_shutdown = std::chrono::seconds(raw.idle_seconds);
  o.unix_socket_mode = read_permissions(raw.file_permissions);
  o.unix_socket = !raw.no_unix_socket;
  o.unix_socket_required = o.unix_socket && app.count("--unixSocketPrefix") != 0;
  o.pid_file_required = app.count("--pidfilepath") != 0;
  if (o.fork && o.log_path.empty())
    throw CLI::ValidationError("--fork", "needs --logpath: nobody reads its standard output");
  for (std::string* path : {&o.pid_file, &o.log_path, &o.unix_socket_folder})
    *path = absolute(*path);
  if (o.unix_socket_required &&
      socket_path(o.unix_socket_folder).size() >= sizeof(sockaddr_un::sun_path))
    throw CLI::ValidationError("--unixSocketPrefix", "is too long for the path of a socket");
}

}  // namespace

std::variant<Options, ExitStatus> parse_options(int argc, const char* const* argv) {
  CLI::App app(
      "Analyzes commands for automatic client-side field level encryption, over the protocol of "
      "mongocryptd.",
      "fle-cryptd");
  app.set_version_flag("--version", "fle-cryptd " FLE_VERSION_STRING);
  app.footer(
      "Who can connect can use it: any local user over TCP, the same user over the socket, and "
      "its group with --filePermissions 0770.\n"
      "Exit status: 0 asked to end, or idle; 2 wrong usage; 48 an address is taken; 1 other "
      "failures.");
  Options o;
  Raw raw;
  add_options(app, o, raw);
  try {
    app.parse(argc, argv);
    finish(app, raw, o);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitClean : kExitBadOptions;
  }
  return o;
}

}  // namespace fle::cryptd
