#include "fle/files/unnamed_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "fle/files/place.h"
#include "fle/files/temporary_name.h"

namespace fle::files {

Outcome<Fd> unnamed_file(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_CLOEXEC;
  constexpr mode_t kSecret = S_IRUSR | S_IWUSR;
  FLE_TRY(const Place place, find_place(path, Links::follow));
  const int folder = place.folder.get();
  // O_EXCL: nobody gives it a name.
  Fd file(::openat(folder, ".", kFlags | O_TMPFILE | O_EXCL, kSecret));
  if (file) return file;
  if (!lacks_unnamed_files(errno)) return failure("create a file beside", path, errno);
  FLE_TRY(const std::string name, temporary_name(place.name));
  file = Fd(::openat(folder, name.c_str(), kFlags | O_CREAT | O_EXCL | O_NOFOLLOW, kSecret));
  if (!file || ::unlinkat(folder, name.c_str(), 0) != 0)
    return failure("create a file beside", path, errno);
  return file;
}

bool lacks_unnamed_files(int error) noexcept {
  // Old kernels take the flag for O_DIRECTORY (EISDIR).
  return error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
}

bool write_all(int fd, Bytes data) noexcept {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace fle::files
