#ifndef FLE_TOOLS_CRYPTD_PID_FILE_H_
#define FLE_TOOLS_CRYPTD_PID_FILE_H_

#include <string>

#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::cryptd {

/// The file with the number of this process. It is emptied at the end, not removed: an empty one
/// tells a client that the daemon has ended.
class PidFile {
 public:
  PidFile() = default;
  ~PidFile() { clear(); }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  /// Writes the number of this process, and keeps the file locked (flock(2)) while it runs: who
  /// finds it locked is a second daemon, and leaves it alone. It gets mode 0600, for others could
  /// take the lock of a file that they may open.
  ///
  /// The default place is the working folder, which may be one that others write to. So no symbolic
  /// link is followed, and nothing is touched but a regular file of this user that has one name.
  /// @retval Errc::io_failed
  Done write(const std::string& path);

  /// Empties the file, unless another process has put its number there since.
  void clear() noexcept;

 private:
  files::Fd file_;
  std::string content_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_PID_FILE_H_
