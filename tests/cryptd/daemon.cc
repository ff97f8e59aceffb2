#include "cryptd/daemon.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/patience.h"

namespace fle::test {
namespace {

bool names(const std::vector<std::string>& options, const std::string& name) {
  return std::any_of(options.begin(), options.end(),
                     [&name](const std::string& o) { return o.rfind(name, 0) == 0; });
}

[[noreturn]] void become_daemon(const Folder& folder, std::vector<std::string>& args,
                                std::optional<Daemon::Limit> limit, int out) {
  if (limit) {
    const rlimit l{limit->max, limit->max};
    ::setrlimit(static_cast<__rlimit_resource>(limit->resource), &l);
  }
  // A test that dies leaves nothing behind.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto open = [&folder](const char* name) {
    return ::open(folder.file(name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  };
  ::dup2(out >= 0 ? out : open("out"), STDOUT_FILENO);
  ::dup2(open("err"), STDERR_FILENO);
  if (::chdir(folder.path().c_str()) != 0) ::_exit(126);
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (std::string& a : args) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "fle-cryptd-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}
Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string Folder::read(const std::string& name) const {
  std::ifstream in(path_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool eventually(const std::function<bool()>& condition) {
  using namespace std::chrono_literals;
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

Daemon::Daemon(const std::vector<std::string>& options, std::optional<Limit> limit, int out) {
  std::vector<std::string> args{FLE_CRYPTD};
  if (!names(options, "--port")) args.insert(args.end(), {"--port", "0"});
  if (!names(options, "--unixSocketPrefix")) args.emplace_back("--nounixsocket");
  if (!names(options, "--idleShutdown")) args.emplace_back("--idleShutdownTimeoutSecs=0");
  args.insert(args.end(), options.begin(), options.end());
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) become_daemon(folder_, args, limit, out);
}

Daemon::~Daemon() {
  if (!running()) return;
  signal(SIGKILL);
  wait();
}

std::uint16_t Daemon::port() {
  if (port_ == 0) {
    const bool settled = eventually([this] {
      const int port = number_in_log(out(), 23016, "port");
      if (port > 0) port_ = static_cast<std::uint16_t>(port);
      return port_ != 0 || !running();
    });
    if (!settled || port_ == 0) throw std::runtime_error("fle-cryptd does not listen: " + err());
  }
  return port_;
}

bool Daemon::collect(int options) {
  if (status_ >= 0) return true;
  int status = 0;
  if (::waitpid(pid_, &status, options) != pid_) return false;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return true;
}
int Daemon::wait() {
  eventually([this] { return collect(WNOHANG); });
  return status_;
}
bool Daemon::running() { return !collect(WNOHANG); }
long Daemon::n_sleeps() const {
  const std::string pid = std::to_string(pid_);
  std::ifstream in("/proc/" + pid + "/task/" + pid + "/status");
  const std::string name = "voluntary_ctxt_switches:";  // proc(5)
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return std::strtol(line.c_str() + name.size(), nullptr, 10);
  return -1;
}
void Daemon::signal(int number) const {
  if (status_ < 0) ::kill(pid_, number);
}

std::string uri_of_socket(const std::string& path) {
  std::string uri = "mongodb://";
  for (const char c : path) {
    if (c == '/') {
      uri += "%2F";
    } else {
      uri += c;
    }
  }
  return uri;
}

int number_in_log(const std::string& log, int id, const std::string& key) {
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find('"' + key + "\":");
    if (line.find("\"id\":" + std::to_string(id) + ',') == std::string::npos ||
        at == std::string::npos || line.back() != '}')
      continue;
    return static_cast<int>(std::strtol(line.c_str() + at + key.size() + 3, nullptr, 10));
  }
  return -1;
}

}  // namespace fle::test
