#include "terminal.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace fle::tools {

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

bool redraws(int fd) noexcept {
  const char* const kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  return is_terminal(fd) && (kind == nullptr || std::string_view(kind) != "dumb");
}

unsigned columns_of(int fd) noexcept {
  constexpr unsigned kUsual = 80;
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : kUsual;
}

bool is_confirmed(const std::string& question) {
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::fflush(stderr);
  std::string line;
  char c = 0;
  // Byte by byte: what comes after the line is not ours.
  while (line.size() < 100 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  if (c != '\n') std::fputc('\n', stderr);  // the end of input has left the cursor where it was
  return line == "y" || line == "Y" || line == "yes" || line == "Yes" || line == "YES";
}

namespace {

constexpr char kInterrupt = 3;  // ^C

termios usual{};  // the terminal as it was, for the handler

/// Ends the program as the signal would have, with the terminal as it was.
extern "C" void show_and_end(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &usual);
  ::raise(signal);  // once the handler is left, which was good for one
}

/// While it lives, the terminal at standard input shows nothing, and ^C is a byte like others: a
/// program that a signal ends would leave the terminal so. Signals of others are handled.
class NoEcho {
 public:
  NoEcho() noexcept {
    if (::tcgetattr(STDIN_FILENO, &usual) != 0) return;
    struct sigaction ends {};
    ends.sa_handler = show_and_end;
    ends.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < kEnds.size(); ++i) {
      ::sigaction(kEnds[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(kEnds[i], &ends, nullptr);
    }
    termios quiet = usual;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ISIG);
    quiet.c_cc[VEOL] = kInterrupt;  // ends the line at once
    quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    if (!quiet_) leave_signals();
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (!quiet_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
    leave_signals();
  }
  [[nodiscard]] bool is_quiet() const noexcept { return quiet_; }

 private:
  static constexpr std::array kEnds = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

  void leave_signals() const noexcept {
    for (std::size_t i = 0; i < kEnds.size(); ++i) ::sigaction(kEnds[i], &before_[i], nullptr);
  }

  std::array<struct sigaction, kEnds.size()> before_{};
  bool quiet_ = false;
};

}  // namespace

Outcome<SecretBytes> ask_password(const std::string& question) {
  constexpr std::size_t kMost = 1024;
  FLE_TRY(SecretBytes line, SecretBytes::create(kMost, LockPolicy::best_effort));
  const MutBytes all = line.expose_mut();
  std::size_t n = 0;
  char last = 0;
  {
    const NoEcho quiet;
    if (!quiet.is_quiet())
      return Failure(Errc::io_failed, "the terminal would show a password: give it another way");
    std::fprintf(stderr, "%s", question.c_str());
    std::fflush(stderr);
    while (n < kMost && ::read(STDIN_FILENO, &all[n], 1) == 1) {
      last = static_cast<char>(all[n]);
      if (last == '\n' || last == kInterrupt) break;
      ++n;
    }
  }
  std::fputc('\n', stderr);  // the one that was typed was not shown
  if (last != '\n' || n == 0) return Failure(Errc::invalid_argument, "no password was given");
  FLE_TRY(SecretBytes out, SecretBytes::copy_of(all.first(n), LockPolicy::best_effort));
  return out;
}

}  // namespace fle::tools
