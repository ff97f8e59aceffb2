#ifndef FLE_FILES_UNNAMED_FILE_H_
#define FLE_FILES_UNNAMED_FILE_H_

#include <string>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::files {

/// A file without a name, for reading and writing, on the file system of the folder where `path`
/// stands: it is gone with its descriptor, however the process ends. Where the file system has no
/// such files (O_TMPFILE, open(2)) it has a random name until this returns. Mode 0600.
/// @retval Errc::io_failed, Errc::io_busy
[[nodiscard]] Outcome<Fd> unnamed_file(const std::string& path);

/// Whether open(2) with O_TMPFILE has failed, with `error`, because there are no such files here.
[[nodiscard]] bool lacks_unnamed_files(int error) noexcept;

/// Writes all of `data` where the descriptor stands, whatever signals come; false: see errno.
[[nodiscard]] bool write_all(int fd, Bytes data) noexcept;

}  // namespace fle::files

#endif  // FLE_FILES_UNNAMED_FILE_H_
