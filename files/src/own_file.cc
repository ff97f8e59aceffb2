#include "fle/files/own_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/sysmacros.h>

namespace fle::files {
namespace {

bool is_null_device(const struct stat& file) noexcept {
  return S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3);  // Linux, devices.txt
}

}  // namespace

Outcome<Fd> open_own_file(FileKind kind, const std::string& path, int access) {
  constexpr mode_t kPrivate = 0600;
  constexpr int kCarefully = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  FLE_TRY(const Place place, find_place(path, Links::refuse));
  if (place.entry) FLE_CHECK(check_entry(path, place.folder_stat, *place.entry));
  Fd fd(::openat(place.folder.get(), place.name.c_str(), access | O_CREAT | kCarefully, kPrivate));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    // Of a FIFO that nobody reads, and of a socket.
    if (errno != ENXIO) return failure("open", path, errno);
    return Failure(Errc::io_failed, "'" + path + "' is not a regular file");
  }
  if (is_null_device(st)) return fd;
  FLE_CHECK(check_file(kind, path, st));
  // A umask may take from its owner what opens it again.
  if (!place.entry && (st.st_mode & kPrivate) != kPrivate && ::fchmod(fd.get(), kPrivate) != 0)
    return failure("set the mode of", path, errno);
  return fd;
}

}  // namespace fle::files
