#include "fle/files/place.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace fle::files {
namespace {

constexpr int kMostLinks = 40;  // as the kernel (path_resolution(7))
constexpr int kOpenPath = O_PATH | O_NOFOLLOW | O_CLOEXEC;

bool same_file(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Moves `place` to where `path` leads, seen from its folder.
Done enter(Place& place, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (place.name.empty() || place.name == "." || place.name == "..")
    return failure("open", place.path, path.empty() ? ENOENT : EISDIR);
  const int from = place.folder ? place.folder.get() : AT_FDCWD;
  Fd next(::openat(from, folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!next || ::fstat(next.get(), &place.folder_stat) != 0)
    return failure("open", place.path, errno);
  place.folder = std::move(next);
  return ok;
}

/// The number of the descriptor that a link in /proc/PID/fd names, if it is one of this process.
int descriptor_named_by(const Place& place) noexcept {
  struct statfs fs {};
  if (::fstatfs(place.folder.get(), &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) return -1;
  int number = -1;
  const char* const end = place.name.data() + place.name.size();
  if (std::from_chars(place.name.data(), end, number).ptr != end) return -1;
  struct stat linked {};
  struct stat ours {};
  const bool same = ::fstatat(place.folder.get(), place.name.c_str(), &linked, 0) == 0 &&
                    ::fstat(number, &ours) == 0 && same_file(linked, ours);
  return same ? number : -1;
}

Outcome<std::string> text_of(const Fd& link, const std::string& path) {
  std::array<char, 4096> text{};
  const ssize_t n = ::readlinkat(link.get(), "", text.data(), text.size());
  if (n < 0) return failure("follow", path, errno);
  if (static_cast<std::size_t>(n) == text.size()) return failure("follow", path, ENAMETOOLONG);
  return std::string(text.data(), static_cast<std::size_t>(n));
}

}  // namespace

bool may_pass(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case ETIMEDOUT:
    case ESTALE:
      return true;
    default:
      return false;
  }
}

Failure failure(const char* what, const std::string& path, int error) {
  return {
      may_pass(error) ? Errc::io_busy : Errc::io_failed,
      std::string("cannot ") + what + " '" + path + "': " + std::generic_category().message(error)};
}

bool is_shared(const struct stat& folder) noexcept {
  const mode_t others = (folder.st_mode & S_ISVTX) != 0 ? S_IWOTH | S_IWGRP : S_IWOTH;
  return (folder.st_mode & others) != 0;
}

Done Place::look() {
  entry.emplace();
  if (::fstatat(folder.get(), name.c_str(), &*entry, AT_SYMLINK_NOFOLLOW) == 0) return ok;
  entry.reset();
  if (errno == ENOENT) return ok;
  return failure("open", path, errno);
}

Outcome<Place> find_place(const std::string& path, Links links) {
  if (path.find('\0') != std::string::npos) return failure("open", path, EINVAL);
  Place place;
  place.path = path;
  std::string next = path;
  for (int followed = 0; followed <= kMostLinks; ++followed) {
    FLE_CHECK(enter(place, next));
    const Fd found(::openat(place.folder.get(), place.name.c_str(), kOpenPath));
    if (!found && errno == ENOENT) return place;
    // Of the descriptor: the entry itself may be another one by now.
    struct stat st {};
    if (!found || ::fstat(found.get(), &st) != 0) return failure("open", path, errno);
    if (!S_ISLNK(st.st_mode)) {
      place.entry = st;
      return place;
    }
    if (links == Links::refuse)
      return Failure(Errc::io_failed, "'" + path + "' is a symbolic link, which is not followed");
    FLE_CHECK(check_entry(path, place.folder_stat, st));
    place.descriptor = descriptor_named_by(place);
    if (place.descriptor >= 0) return place;
    FLE_TRY(next, text_of(found, path));
  }
  return failure("follow", path, ELOOP);
}

Done check_entry(const std::string& path, const struct stat& folder, const struct stat& entry) {
  if (!is_shared(folder) || entry.st_uid == ::geteuid() || entry.st_uid == folder.st_uid) return ok;
  return Failure(Errc::io_failed, "'" + path + "' leads over " +
                                      (S_ISLNK(entry.st_mode) ? "a link" : "a file") +
                                      " of another user (" + std::to_string(entry.st_uid) +
                                      ") in a folder where everybody may write: it is not touched");
}

Done sync_folder(const Place& place) {
  const Fd folder(::openat(place.folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) == 0 || errno == EINVAL || errno == EOPNOTSUPP) return ok;
  return failure("make durable", place.path, errno);
}

}  // namespace fle::files
