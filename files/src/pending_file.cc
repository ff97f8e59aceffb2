#include "fle/files/pending_file.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "fle/files/temporary_name.h"
#include "fle/files/trust.h"
#include "fle/files/unnamed_file.h"

namespace fle::files {
namespace {

constexpr mode_t kSecret = 0600;
constexpr int kMostTries = 16;  // others may make and remove the name meanwhile

mode_t mode_of_new(Privacy privacy, mode_t most) noexcept {
  if (privacy == Privacy::secret) return kSecret;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask & (most | kSecret);
}

std::string proc_path(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

/// A file without a name gets one through /proc: see linkat(2), AT_EMPTY_PATH.
bool can_be_named(const Fd& fd) noexcept { return ::access(proc_path(fd).c_str(), F_OK) == 0; }

bool link_to(const Fd& fd, const Place& place, const std::string& name) {
  return ::linkat(AT_FDCWD, proc_path(fd).c_str(), place.folder.get(), name.c_str(),
                  AT_SYMLINK_FOLLOW) == 0;
}

}  // namespace

Outcome<PendingFile> PendingFile::create(Place place, Privacy privacy, Existing existing,
                                         mode_t most) {
  PendingFile file(std::move(place), existing, mode_of_new(privacy, most));
  FLE_CHECK(file.check());
  FLE_CHECK(file.open());
  // Now, and not after hours of work.
  FLE_CHECK(file.keep_group());
  return file;
}

Outcome<PendingFile> PendingFile::resume(Place place, const std::string& partial, Privacy privacy,
                                         Existing existing) {
  PendingFile file(std::move(place), existing, mode_of_new(privacy, 0777));
  FLE_CHECK(file.check());
  const std::string& path = file.place_.path;
  const std::string shown = path.substr(0, path.size() - file.place_.name.size()) + partial;
  const int folder = file.place_.folder.get();
  file.fd_ =
      Fd(::openat(folder, partial.c_str(),
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kSecret));
  struct stat st {};
  if (!file.fd_ || ::fstat(file.fd_.get(), &st) != 0) return failure("open", shown, errno);
  FLE_CHECK(check_file(FileKind::partial_result, shown, st));
  // A commit() that was cut short may have set the mode of the place.
  if (::fchmod(file.fd_.get(), kSecret) != 0) return failure("set the mode of", shown, errno);
  file.temporary_ = partial;
  file.lasting_ = true;
  FLE_CHECK(file.keep_group());
  return file;
}

PendingFile::PendingFile(PendingFile&& o) noexcept
    : place_(std::move(o.place_)),
      existing_(o.existing_),
      new_mode_(o.new_mode_),
      fd_(std::move(o.fd_)),
      temporary_(std::exchange(o.temporary_, {})),
      watch_(o.watch_),
      lasting_(o.lasting_) {}

PendingFile::~PendingFile() {
  if (!lasting_) forget_temporary();
}

void PendingFile::forget_temporary() noexcept {
  if (unnamed()) return;
  ::unlinkat(place_.folder.get(), temporary_.c_str(), 0);
  if (!lasting_) forget_name(watch_);
  temporary_.clear();
}

bool PendingFile::take_name(std::string name) {
  const auto watch = watch_name(place_.folder.get(), name);
  if (!watch) return false;
  watch_ = *watch;
  temporary_ = std::move(name);
  return true;
}

Done PendingFile::open() {
  const int folder = place_.folder.get();
  constexpr int kFlags = O_WRONLY | O_CLOEXEC;
  fd_ = Fd(::openat(folder, ".", kFlags | O_TMPFILE, kSecret));
  if (fd_ && can_be_named(fd_)) return ok;
  if (!fd_ && !lacks_unnamed_files(errno)) return failure("create", place_.path, errno);
  FLE_TRY(std::string name, temporary_name(place_.name));
  if (!take_name(std::move(name))) return failure("create", place_.path, EBUSY);
  fd_ = Fd(::openat(folder, temporary_.c_str(), kFlags | O_CREAT | O_EXCL | O_NOFOLLOW, kSecret));
  if (!fd_) return failure("create", place_.path, errno);
  return ok;
}

/// Whether the place may get a new file.
Done PendingFile::check() const {
  const auto& old = place_.entry;
  if (!old) return ok;
  if (existing_ == Existing::keep) return failure("create", place_.path, EEXIST);
  if (!S_ISREG(old->st_mode))
    return failure("replace", place_.path, S_ISDIR(old->st_mode) ? EISDIR : EEXIST);
  FLE_CHECK(check_entry(place_.path, place_.folder_stat, *old));
  if (old->st_uid == ::geteuid() || ::geteuid() == 0) return ok;
  return Failure(Errc::io_failed, "'" + place_.path + "' belongs to another user (" +
                                      std::to_string(old->st_uid) +
                                      ") and would become yours: remove it first, or name another");
}

Done PendingFile::keep_group() const {
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  if (!place_.entry || ::fchown(fd_.get(), kSameOwner, place_.entry->st_gid) == 0) return ok;
  return failure("keep the group of", place_.path, errno);
}

/// Owner, group, mode, and all of it on the disk.
Done PendingFile::settle() const {
  const auto& old = place_.entry;
  if (old) FLE_CHECK(keep_group());
  if (old && old->st_uid != ::geteuid() && ::fchown(fd_.get(), old->st_uid, old->st_gid) != 0)
    return failure("keep the owner of", place_.path, errno);
  if (::fchmod(fd_.get(), old ? old->st_mode & 0777 : new_mode_) != 0)
    return failure("set the mode of", place_.path, errno);
  while (::fsync(fd_.get()) != 0)
    if (errno != EINTR) return failure("write", place_.path, errno);
  return ok;
}

bool PendingFile::put_at_new_name() {
  const int folder = place_.folder.get();
  if (unnamed()) return link_to(fd_, place_, place_.name);
  const bool moved =
      ::renameat2(folder, temporary_.c_str(), folder, place_.name.c_str(), RENAME_NOREPLACE) == 0;
  // EINVAL: the file system does not know the flag.
  const bool done = moved || (errno == EINVAL && ::linkat(folder, temporary_.c_str(), folder,
                                                          place_.name.c_str(), 0) == 0);
  if (done) forget_temporary();
  return done;
}

bool PendingFile::replace() {
  const int folder = place_.folder.get();
  if (unnamed()) {
    auto name = temporary_name(place_.name);
    if (!name || !take_name(std::move(*name))) {
      errno = EBUSY;
      return false;
    }
    if (!link_to(fd_, place_, temporary_)) {
      const int error = errno;
      forget_temporary();  // so that it has no name again
      errno = error;
      return false;
    }
  }
  if (::renameat(folder, temporary_.c_str(), folder, place_.name.c_str()) != 0) return false;
  forget_temporary();
  return true;
}

Done PendingFile::commit() {
  for (int tries = 1;; ++tries) {
    FLE_CHECK(place_.look());
    FLE_CHECK(check());
    FLE_CHECK(settle());
    if (place_.entry ? replace() : put_at_new_name()) return sync_folder(place_);
    if (errno != EEXIST || tries == kMostTries) return failure("create", place_.path, errno);
  }
}

}  // namespace fle::files
