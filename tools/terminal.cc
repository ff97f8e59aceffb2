#include "terminal.h"

#include <cstdio>

#include <sys/ioctl.h>
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

}  // namespace fle::tools
