#include "unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fle/files/fd.h"
#include "fle/files/temporary_name.h"
#include "fle/files/trust.h"

namespace fle::cryptd {
namespace {

using files::Fd;

Failure failed(const std::string& what) {
  const int error = errno;
  return {Errc::io_failed, what + ": " + std::system_category().message(error)};
}

Fd new_socket() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

bool bind_to(int fd, const sockaddr_un& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Whether nobody listens on it. A full backlog (EAGAIN) is somebody.
bool is_stale(const sockaddr_un& address) {
  const Fd probe = new_socket();
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

/// The mode of a socket's file is that of its making; chmod(2) would come too late.
class ModeOfFiles {
 public:
  explicit ModeOfFiles(mode_t mode) : before_(::umask(0777 & ~mode)) {}
  ~ModeOfFiles() { ::umask(before_); }
  ModeOfFiles(const ModeOfFiles&) = delete;
  ModeOfFiles& operator=(const ModeOfFiles&) = delete;

 private:
  mode_t before_;
};

/// A name in the folder, and the address that it makes.
struct Name {
  const Fd& folder;
  std::string name;
  sockaddr_un address{};

  [[nodiscard]] const char* c_str() const noexcept { return name.c_str(); }
  /// What has the name; none: no inode.
  [[nodiscard]] struct stat look() const noexcept {
    struct stat st {};
    if (::fstatat(folder.get(), c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) st.st_ino = 0;
    return st;
  }
  void unlink() const noexcept { ::unlinkat(folder.get(), c_str(), 0); }
  [[nodiscard]] bool rename_to(const Name& to, unsigned flags) const noexcept {
    return ::renameat2(folder.get(), c_str(), folder.get(), to.c_str(), flags) == 0;
  }
};

Name name_in(const Fd& folder, const std::string& path, const std::string& name) {
  Name n{folder, name, {}};
  n.address.sun_family = AF_UNIX;
  const std::string whole = path + "/" + name;
  std::memcpy(n.address.sun_path, whole.data(),
              std::min(whole.size(), sizeof n.address.sun_path - 1));
  return n;
}

bool same_file(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Nobody else can have it open: not through another name of it either.
bool is_ours_alone(const struct stat& st) noexcept {
  return S_ISREG(st.st_mode) && st.st_uid == ::geteuid() && (st.st_mode & 077) == 0 &&
         st.st_nlink <= 1;
}

/// Among the daemons of one user: two that find the same stale socket would remove each other's new
/// one. A file of its own for that, of mode 0600, while it lasts: others could lock the folder.
class Lock {
 public:
  explicit Lock(const Fd& folder) : name_(name_in(folder, {}, ".mongocryptd.lock")) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    // Whoever held it has removed it: what is locked then is not what the next one locks.
    do {
      fd_ = Fd(::openat(folder.get(), name_.c_str(), kFlags, 0600));
      struct stat st {};
      if (!fd_ || ::fstat(fd_.get(), &st) != 0 || !is_ours_alone(st)) return;
      while (::flock(fd_.get(), LOCK_EX) != 0)
        if (errno != EINTR) return;
      held_ = same_file(st, name_.look());
    } while (!held_);
  }
  ~Lock() {
    if (held_) name_.unlink();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  /// False: another user has taken its name.
  [[nodiscard]] bool held() const noexcept { return held_; }

 private:
  Name name_;
  Fd fd_;
  bool held_ = false;
};

/// Puts the new socket where a stale one of this user is.
bool replace_stale(const Name& fresh, const Name& name) {
  const Lock lock(name.folder);
  const struct stat old = name.look();
  if (lock.held() && S_ISSOCK(old.st_mode) && old.st_uid == ::geteuid() && is_stale(name.address))
    return fresh.rename_to(name, 0);
  errno = EADDRINUSE;
  return false;
}

bool put_at(const Name& fresh, const Name& name) {
  if (fresh.rename_to(name, RENAME_NOREPLACE)) return true;
  return errno == EEXIST && replace_stale(fresh, name);
}

constexpr const char* kName = "mongocryptd.sock";

}  // namespace

std::string socket_path(const std::string& folder) { return folder + "/" + kName; }

Outcome<int> UnixSocket::listen(const std::string& folder, mode_t mode) {
  const std::string path = socket_path(folder);
  if (path.size() >= sizeof sockaddr_un{}.sun_path)
    return Failure(Errc::io_failed, "the path of the socket is too long");
  Fd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat st {};
  if (!at || ::fstat(at.get(), &st) != 0) return failed("cannot open the folder of the socket");
  FLE_CHECK(files::check_folder(files::FileKind::socket, path, st));

  // It listens before it has its name, and gets that without replacing anything. No lock: whoever
  // may read the folder could hold one.
  FLE_TRY(const std::string random, files::random_chars(std::strlen(kName) - 1));
  const Name fresh = name_in(at, folder, "." + random);
  const Name name = name_in(at, folder, kName);
  Fd fd = new_socket();
  if (!fd) return failed("cannot make a socket");
  const ModeOfFiles restricted(mode);
  if (!bind_to(fd.get(), fresh.address)) return failed("cannot listen on " + path);
  st = fresh.look();
  if (::listen(fd.get(), SOMAXCONN) != 0 || !put_at(fresh, name)) {
    const Failure f = failed("cannot listen on " + path);
    fresh.unlink();
    return f;
  }
  folder_ = std::move(at);
  device_ = st.st_dev;
  inode_ = st.st_ino;
  return fd.release();
}

void UnixSocket::remove() noexcept {
  if (!folder_) return;
  const Fd folder = std::exchange(folder_, {});  // until the lock has gone from it
  const Lock lock(folder);
  const Name name = name_in(folder, {}, kName);
  const struct stat st = name.look();
  if (st.st_dev == device_ && st.st_ino == inode_) name.unlink();
}

}  // namespace fle::cryptd
