#include "folder_output.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/stat.h>
#include <unistd.h>

#include "fle/files/temporary_name.h"
#include "fle/wiped.h"

namespace fle::tools {
namespace {

/// Nothing is replaced. False: see errno.
bool give_name(const std::string& hidden, const files::Place& place) {
  const int folder = place.folder.get();
  const char* const name = place.name.c_str();
  if (::renameat2(AT_FDCWD, hidden.c_str(), folder, name, RENAME_NOREPLACE) == 0) return true;
  // EINVAL: the file system does not know the flag, as NFS. A folder may take the place of an empty
  // one, and that is new.
  if (errno != EINVAL || ::mkdirat(folder, name, 0700) != 0) return false;
  if (::renameat(AT_FDCWD, hidden.c_str(), folder, name) == 0) return true;
  const int failed = errno;
  ::unlinkat(folder, name, AT_REMOVEDIR);
  errno = failed;
  return false;
}

}  // namespace

Outcome<FolderOutput> FolderOutput::create(const std::string& path, files::Privacy privacy,
                                           std::string like) {
  std::string plain = path;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  FLE_TRY(files::Place place, files::find_place(plain, files::Links::refuse));
  if (place.entry)
    return Failure(Errc::invalid_argument,
                   "'" + plain + "' is there already: a folder is not replaced; name a new one");
  FLE_TRY(std::string hidden, files::temporary_name(place.name));
  const std::size_t slash = plain.rfind('/');
  if (slash != std::string::npos) hidden.insert(0, plain.substr(0, slash + 1));
  FolderOutput all(std::move(place), privacy, std::move(like), std::move(hidden));
  if (::mkdir(all.hidden_.c_str(), 0700) != 0) {
    const std::string failed = std::exchange(all.hidden_, {});
    return files::failure("make", failed, errno);
  }
  return all;
}

FolderOutput::FolderOutput(FolderOutput&& o) noexcept
    : place_(std::move(o.place_)),
      privacy_(o.privacy_),
      like_(std::move(o.like_)),
      hidden_(std::exchange(o.hidden_, {})) {}

FolderOutput::~FolderOutput() {
  if (hidden_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(hidden_, ignored);
}

std::string FolderOutput::whole(const std::string& within) const { return hidden_ + "/" + within; }

/// What others may do with it where it comes from. Its owner may do all: it is being made.
mode_t FolderOutput::mode_like(const std::string& within) const {
  struct stat from {};
  struct stat made {};  // what is made in the hidden folder is of the same group as that
  if (privacy_ == files::Privacy::secret || ::stat((like_ + "/" + within).c_str(), &from) != 0 ||
      ::stat(hidden_.c_str(), &made) != 0)
    return 0700;
  if (from.st_gid == made.st_gid) return 0700 | (from.st_mode & 0077);
  // Anybody may be in one group and not in the other.
  const mode_t both = (from.st_mode >> 3U) & from.st_mode & 0007;
  return 0700 | both << 3U | both;
}

Done FolderOutput::add_folder(const std::string& within) {
  if (::mkdir(whole(within).c_str(), mode_like(within)) != 0)
    return files::failure("make", within, errno);
  return ok;
}

Outcome<Output> FolderOutput::add_file(const std::string& within) const {
  return Output::open(whole(within), privacy_, mode_like(within));
}

Done FolderOutput::copy_file(const std::string& within) const {
  FLE_TRY(Input in, Input::open(like_ + "/" + within));
  FLE_TRY(Output out, add_file(within));
  WipedBytes room(64 * 1024);
  for (;;) {
    FLE_TRY(const std::size_t n, in.read(room));
    if (n == 0) return out.commit();
    FLE_CHECK(out.write(Bytes(room).first(n)));
  }
}

Done FolderOutput::commit() {
  if (privacy_ == files::Privacy::ordinary) {
    const mode_t mask = ::umask(0);  // read by being set
    ::umask(mask);
    if (::chmod(hidden_.c_str(), mode_like({}) & ~mask) != 0)
      return files::failure("change", hidden_, errno);
  }
  if (!give_name(hidden_, place_)) return files::failure("make", place_.path, errno);
  hidden_.clear();
  return files::sync_folder(place_);
}

}  // namespace fle::tools
