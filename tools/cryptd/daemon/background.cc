#include "background.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fle::cryptd {
namespace {

constexpr int kChildDied = 1;

Failure failed(const char* what) {
  return {Errc::io_failed, what + std::system_category().message(errno)};
}

[[noreturn]] void wait_for(pid_t child, int from_child) {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::read(from_child, &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n == 1) {
    std::printf("forked process: %d\n", static_cast<int>(child));
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : kChildDied);
}

}  // namespace

Background::~Background() {
  if (to_parent_ >= 0) ::close(to_parent_);
}

Done Background::enter() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe: ");
  const pid_t child = ::fork();
  if (child < 0) {
    const Failure f = failed("fork: ");
    ::close(ends[0]);
    ::close(ends[1]);
    return f;
  }
  if (child > 0) {
    ::close(ends[1]);
    wait_for(child, ends[0]);
  }
  ::close(ends[0]);
  to_parent_ = ends[1];
  ::setsid();
  return ok;
}

void Background::ready() noexcept {
  if (to_parent_ < 0) return;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
  (void)!::chdir("/");  // so that no file system stays in use
  const char byte = 1;
  (void)!::write(to_parent_, &byte, 1);
  ::close(std::exchange(to_parent_, -1));
}

}  // namespace fle::cryptd
