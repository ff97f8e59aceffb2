#include "pid_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fle/files/own_file.h"

namespace fle::cryptd {
namespace {

/// The first line of the file.
std::string content_of(const files::Fd& file) {
  std::array<char, 32> found{};
  const ssize_t n = ::pread(file.get(), found.data(), found.size(), 0);
  return {found.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

Failure taken(const std::string& path, const std::string& content) {
  std::string number;
  for (const char c : content)
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) number += c;
  return {Errc::io_failed, "the pid file '" + path + "' is in use by a running process" +
                               (number.empty() ? "" : ", number " + number)};
}

/// True: it is ours until it is closed. False: it is locked, but by somebody who could open it, for
/// it was not private as those of daemons are.
Outcome<bool> lock_file(const files::Fd& file, const std::string& path) {
  struct stat before {};
  if (::fstat(file.get(), &before) != 0 || ::fchmod(file.get(), 0600) != 0)
    return files::failure("set the mode of", path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) return files::failure("lock", path, errno);
  if ((before.st_mode & 077) != 0) return false;
  return taken(path, content_of(file));
}

}  // namespace

Done PidFile::write(const std::string& path) {
  FLE_TRY(files::Fd file, files::open_own_file(files::FileKind::pid, path, O_RDWR));
  FLE_TRY(const bool locked, lock_file(file, path));
  if (!locked) {
    ::unlink(path.c_str());
    FLE_TRY(file, files::open_own_file(files::FileKind::pid, path, O_RDWR));
    FLE_TRY(const bool ours, lock_file(file, path));
    if (!ours) return taken(path, {});
  }
  content_ = std::to_string(::getpid()) + "\n";
  const auto size = static_cast<ssize_t>(content_.size());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), content_.data(), content_.size(), 0) != size)
    return files::failure("write", path, errno);
  file_ = std::move(file);
  return ok;
}

void PidFile::clear() noexcept {
  if (!file_) return;
  if (content_of(file_) == content_) (void)!::ftruncate(file_.get(), 0);
  file_ = {};
}

}  // namespace fle::cryptd
