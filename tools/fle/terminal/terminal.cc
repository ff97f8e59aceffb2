#include "terminal.h"

#include <cstdio>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace fle::tools {

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

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

/// While it lives, the terminal at standard input shows nothing, and ^C is a byte like others: a
/// program that a signal ends would leave the terminal so.
class NoEcho {
 public:
  NoEcho() noexcept {
    termios quiet{};
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ISIG);
    quiet.c_cc[VEOL] = kInterrupt;  // ends the line at once
    quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool is_quiet() const noexcept { return quiet_; }

 private:
  termios before_{};
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
