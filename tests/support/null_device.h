#ifndef FLE_TESTS_SUPPORT_NULL_DEVICE_H_
#define FLE_TESTS_SUPPORT_NULL_DEVICE_H_

#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace fle::test {

/// A null device that a faulty program may replace: one of our own in `folder`; for users who could
/// not replace it anyway, that of the system. Empty: there is none.
inline std::string null_device(const std::filesystem::path& folder) {
  if (::geteuid() != 0) return "/dev/null";
  std::string own = folder / "null";
  if (::mknod(own.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) return {};
  const int fd = ::open(own.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return {};  // a file system without devices
  ::close(fd);
  return own;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_NULL_DEVICE_H_
