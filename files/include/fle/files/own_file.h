#ifndef FLE_FILES_OWN_FILE_H_
#define FLE_FILES_OWN_FILE_H_

#include "fle/files/trust.h"

namespace fle::files {

/// Opens a file that is written where it stands, or makes it with mode 0600: what check_file() lets
/// the kind be. No symbolic link is followed, a FIFO does not make it wait, and nothing is changed
/// before the file has been looked at.
///
/// @param access  O_RDWR or O_WRONLY, with O_APPEND or not
/// @retval Errc::io_failed
[[nodiscard]] Outcome<Fd> open_own_file(FileKind kind, const std::string& path, int access);

}  // namespace fle::files

#endif  // FLE_FILES_OWN_FILE_H_
