#ifndef FLE_TOOLS_CRYPTD_PID_FILE_H_
#define FLE_TOOLS_CRYPTD_PID_FILE_H_

#include <string>

#include "fle/failure.h"

namespace fle::cryptd {

/// The file with the number of this process. It is emptied at the end, not removed: an empty one
/// tells a client that the daemon has ended.
class PidFile {
 public:
  PidFile() = default;
  ~PidFile() { clear(); }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  /// Writes the number of this process.
  ///
  /// The default place is the working folder, which may be one that others write to. So no symbolic
  /// link is followed and no file of another user is touched.
  /// @retval Errc::io_failed
  Done write(const std::string& path);

  /// Empties the file, unless another process has put its number there since.
  void clear() noexcept;

 private:
  int fd_ = -1;
  std::string content_;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_PID_FILE_H_
