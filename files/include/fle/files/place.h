#ifndef FLE_FILES_PLACE_H_
#define FLE_FILES_PLACE_H_

#include <optional>
#include <string>

#include <sys/stat.h>

#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::files {

/// Whether a reason, a number of errno, may be gone when the same is tried again: there is no room,
/// or too much is open.
[[nodiscard]] bool may_pass(int error) noexcept;

/// "cannot WHAT 'PATH': REASON", the reason being that of `error`, a number of errno. Its code is
/// io_busy where it may_pass(), else io_failed.
[[nodiscard]] Failure failure(const char* what, const std::string& path, int error);

/// Whether others can plant entries in this folder: everybody may write there, or its sticky bit
/// says that several users are meant to.
[[nodiscard]] bool is_shared(const struct stat& folder) noexcept;

/// Where a path leads: an open folder, and a name in it. What is done with it afterwards is done
/// with these, so that nobody can turn the path elsewhere meanwhile.
struct Place {
  std::string path;  ///< As it was given, for messages.
  Fd folder;         ///< O_PATH: for the *at functions alone.
  struct stat folder_stat {};
  std::string name;                  ///< Of the entry in the folder; no slash.
  std::optional<struct stat> entry;  ///< What had the name when it was last looked at.
  int descriptor = -1;  ///< The path names this descriptor of the process: /dev/stdout, /dev/fd/3.

  /// Looks again at what has the name; a symbolic link is an entry like any other here.
  /// @retval Errc::io_failed
  [[nodiscard]] Done look();
  [[nodiscard]] bool is_regular() const noexcept { return entry && S_ISREG(entry->st_mode); }
};

enum class Links {
  follow,  ///< As far as check_entry() lets a link be followed.
  refuse,  ///< The last component may not be a symbolic link.
};

/// Finds the place of `path`. Links among the folders on the way are the kernel's to judge.
/// @retval Errc::io_failed  no such folder, a link that may not be followed, not a file's name
[[nodiscard]] Outcome<Place> find_place(const std::string& path, Links links);

/// Whether what stands in a shared folder may be followed, opened for writing or replaced: only if
/// it belongs to this user or to the owner of the folder. These are the rules of Linux
/// (fs.protected_symlinks, protected_regular and protected_fifos, Documentation/admin-guide/
/// sysctl/fs.rst), which a system may have switched off, for every folder that is_shared().
/// @retval Errc::io_failed
[[nodiscard]] Done check_entry(const std::string& path, const struct stat& folder,
                               const struct stat& entry);

/// Makes the folder's entries durable. A folder that may not be read, and a file system that cannot
/// do it, are no failures.
/// @retval Errc::io_failed
[[nodiscard]] Done sync_folder(const Place& place);

}  // namespace fle::files

#endif  // FLE_FILES_PLACE_H_
