#ifndef FLE_TOOLS_CRYPTD_UNIX_SOCKET_H_
#define FLE_TOOLS_CRYPTD_UNIX_SOCKET_H_

#include <string>

#include <sys/types.h>

#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::cryptd {

/// DIR/mongocryptd.sock
[[nodiscard]] std::string socket_path(const std::string& folder);

/// A listening Unix socket with its file, which goes away with this object.
class UnixSocket {
 public:
  UnixSocket() = default;
  ~UnixSocket() { remove(); }
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;

  /// Listens on socket_path(folder), whose file has the mode from the start: 0700, only this user
  /// can connect; 0770, its group, too. The file of a
  /// daemon of this user that ended without removing it is replaced; one that somebody listens on
  /// is not, nor is anything that is not a socket. The folder belongs to this user or to root, and
  /// is not one where everybody may replace files: values would go to whoever does. Needs
  /// renameat2(2), which network file systems lack. Changes the umask for a moment: call it before
  /// threads start.
  ///
  /// @return  the socket's descriptor, non-blocking; the caller closes it.
  /// @retval Errc::io_failed
  [[nodiscard]] Outcome<int> listen(const std::string& folder, mode_t mode = 0700);

  /// Removes the file, unless another daemon has replaced it since.
  void remove() noexcept;

 private:
  files::Fd folder_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_UNIX_SOCKET_H_
