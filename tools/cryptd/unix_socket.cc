#include "unix_socket.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace fle::cryptd {
namespace {

/// A descriptor, closed when it is left behind.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

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
  struct stat st {};
  if (::lstat(address.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) return false;
  const Fd probe = new_socket();
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

/// Others hold it for as long as it takes to bind a socket.
bool lock_for_a_moment(int fd) {
  using namespace std::chrono_literals;
  for (int tries = 0; tries < 50; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

/// The mode of a socket's file is that of its making; chmod(2) would come too late.
class PrivateFiles {
 public:
  PrivateFiles() : before_(::umask(0077)) {}
  ~PrivateFiles() { ::umask(before_); }
  PrivateFiles(const PrivateFiles&) = delete;
  PrivateFiles& operator=(const PrivateFiles&) = delete;

 private:
  mode_t before_;
};

}  // namespace

std::string socket_path(const std::string& folder) { return folder + "/mongocryptd.sock"; }

Outcome<int> UnixSocket::listen(const std::string& folder) {
  const std::string path = socket_path(folder);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Failure(Errc::io_failed, "the path of the socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());

  // Two daemons that find the same stale file would remove each other's new one.
  const Fd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) return failed("cannot open the folder of the socket");
  if (!lock_for_a_moment(lock.get())) return failed("cannot lock the folder of the socket");

  Fd fd = new_socket();
  if (fd.get() < 0) return failed("cannot make a socket");
  const PrivateFiles restricted;
  bool bound = bind_to(fd.get(), address);
  if (!bound && errno == EADDRINUSE && is_stale(address)) {
    ::unlink(address.sun_path);
    bound = bind_to(fd.get(), address);
  }
  if (!bound) return failed("cannot listen on " + path);
  struct stat st {};
  if (::lstat(address.sun_path, &st) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    const Failure f = failed("cannot listen on " + path);
    ::unlink(address.sun_path);
    return f;
  }
  path_ = path;
  device_ = st.st_dev;
  inode_ = st.st_ino;
  return fd.release();
}

void UnixSocket::remove() noexcept {
  if (path_.empty()) return;
  struct stat st {};
  if (::lstat(path_.c_str(), &st) == 0 && st.st_dev == device_ && st.st_ino == inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

}  // namespace fle::cryptd
