#include "pid_file.h"

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fle::cryptd {
namespace {

Failure failed(const char* what, int error) {
  return {Errc::io_failed, what + std::system_category().message(error)};
}

}  // namespace

Done PidFile::write(const std::string& path) {
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0644);
  if (fd < 0) return failed("cannot open the pid file: ", errno);
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != ::geteuid()) {
    ::close(fd);
    return Failure(Errc::io_failed, "the pid file is not a file of this user");
  }
  content_ = std::to_string(::getpid()) + "\n";
  const auto size = static_cast<ssize_t>(content_.size());
  if (::ftruncate(fd, 0) != 0 || ::write(fd, content_.data(), content_.size()) != size) {
    const int error = errno;
    ::close(fd);
    return failed("cannot write the pid file: ", error);
  }
  fd_ = fd;
  return ok;
}

void PidFile::clear() noexcept {
  if (fd_ < 0) return;
  std::array<char, 32> found{};
  const ssize_t n = ::pread(fd_, found.data(), found.size(), 0);
  if (n > 0 && std::string_view(found.data(), static_cast<std::size_t>(n)) == content_)
    (void)!::ftruncate(fd_, 0);
  ::close(fd_);
  fd_ = -1;
}

}  // namespace fle::cryptd
