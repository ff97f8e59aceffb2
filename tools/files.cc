#include "files.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

namespace fle::tools {
namespace {

Failure io_failure(const std::string& name, const char* what) {
  return Failure(Errc::io_failed,
                 std::string("cannot ") + what + " '" + name + "': " + std::strerror(errno));
}

Failure too_large(const std::string& path, std::size_t limit) {
  return Failure(Errc::io_failed,
                 "'" + path + "' is larger than " + std::to_string(limit) + " bytes");
}

bool is_standard(const std::string& path) { return path.empty() || path == "-"; }

// The hidden file of a running Output, for the signal handler. One command writes one file.
char temporary_path[4096];
volatile std::sig_atomic_t temporary_is_there = 0;

extern "C" void remove_temporary(int signal) {
  if (temporary_is_there != 0) ::unlink(temporary_path);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void watch_signals(const std::string& path) {
  if (path.size() >= sizeof temporary_path) return;
  std::memcpy(temporary_path, path.c_str(), path.size() + 1);
  temporary_is_there = 1;
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    // nohup and shells in the background have them ignored; so they stay.
    if (::sigaction(s, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = remove_temporary;
    ::sigaction(s, &action, nullptr);
  }
}

bool write_all(int fd, const char* p, std::size_t n) noexcept {
  while (n != 0) {
    const ssize_t w = ::write(fd, p, n);
    if (w < 0 && errno == EINTR) continue;
    if (w <= 0) return false;
    p += w;
    n -= static_cast<std::size_t>(w);
  }
  return true;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A rename is durable once the folder is.
void sync_folder(const std::string& path) noexcept {
  const int fd = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

// A symbolic link stays one: the file that it leads to is replaced.
std::string target_of(const std::string& path) {
  std::error_code not_there;
  const auto target = std::filesystem::canonical(path, not_there);
  return not_there ? path : target.string();
}

// What a new file would get, or what the file that is replaced has.
mode_t mode_for(const std::string& path) noexcept {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) return st.st_mode & 07777;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

// ---- Input

Outcome<Input> Input::open(const std::string& path) {
  if (is_standard(path)) return Input(STDIN_FILENO, "standard input", 0);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_failure(path, "open");
  struct stat st {};
  const bool regular = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  return Input(fd, path, regular ? static_cast<std::uint64_t>(st.st_size) : 0);
}

Input::Input(Input&& o) noexcept
    : fd_(std::exchange(o.fd_, -1)), name_(std::move(o.name_)), size_(o.size_) {}

Input::~Input() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

Outcome<std::size_t> Input::read(MutBytes into) {
  for (;;) {
    const ssize_t n = ::read(fd_, into.data(), into.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return io_failure(name_, "read");
  }
}

// ---- Output

Outcome<Output> Output::open(const std::string& path) {
  if (is_standard(path)) return Output(STDOUT_FILENO, {}, {});
  struct stat st {};
  // A device or a pipe is written to as it is: it cannot be replaced.
  if (::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return io_failure(path, "open");
    return Output(fd, path, {});
  }
  return create(target_of(path));
}

Outcome<Output> Output::create(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;  // 0 when there is no slash
  std::string temporary = path.substr(0, name) + "." + path.substr(name) + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return io_failure(path, "create");
  watch_signals(temporary);
  Output out(fd, path, std::move(temporary));
  if (::fchmod(fd, mode_for(path)) != 0) return io_failure(path, "set the mode of");
  return out;
}

Output::Output(Output&& o) noexcept
    : fd_(std::exchange(o.fd_, -1)),
      path_(std::move(o.path_)),
      temporary_(std::exchange(o.temporary_, {})),
      buffer_(std::move(o.buffer_)) {}

Output::~Output() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  temporary_is_there = 0;
}

Failure Output::failed(const char* what) const {
  return io_failure(path_.empty() ? "standard output" : path_, what);
}

Done Output::write(Bytes data) {
  constexpr std::size_t kBuffer = 256 * 1024;
  if (buffer_.size() + data.size() > kBuffer) FLE_CHECK(flush());
  if (data.size() >= kBuffer) {
    if (!write_all(fd_, reinterpret_cast<const char*>(data.data()), data.size()))
      return failed("write");
    return ok;
  }
  buffer_.append(reinterpret_cast<const char*>(data.data()), data.size());
  return ok;
}

Done Output::flush() {
  if (!write_all(fd_, buffer_.data(), buffer_.size())) return failed("write");
  buffer_.clear();
  return ok;
}

Done Output::commit() {
  FLE_CHECK(flush());
  if (temporary_.empty()) return ok;
  if (::fsync(fd_) != 0) return failed("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("create");
  temporary_is_there = 0;
  temporary_.clear();
  sync_folder(path_);
  return ok;
}

// ---- Small files

Outcome<std::string> read_file(const std::string& path, std::size_t limit) {
  constexpr std::size_t kBlock = 64 * 1024;
  FLE_TRY(Input in, Input::open(path));
  std::string content;
  for (std::size_t size = 0;;) {
    content.resize(size + kBlock);
    FLE_TRY(const std::size_t n,
            in.read({reinterpret_cast<std::uint8_t*>(content.data()) + size, kBlock}));
    size += n;
    content.resize(size);
    if (size > limit) return too_large(path, limit);
    if (n == 0) return content;
  }
}

Outcome<SecretBytes> read_secret_file(const std::string& path, std::size_t limit,
                                      LockPolicy policy) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
    complain("warning: '" + path + "' holds a key and can be read by other users; chmod 600 it");
  }
  FLE_TRY(Input in, Input::open(path));
  FLE_TRY(SecretBytes whole, SecretBytes::create(limit + 1, policy));
  std::size_t size = 0;
  while (size < whole.size()) {
    FLE_TRY(const std::size_t n, in.read(whole.expose_mut().subspan(size)));
    if (n == 0) break;
    size += n;
  }
  if (size > limit) return too_large(path, limit);
  if (size == 0) return Failure(Errc::io_failed, "'" + path + "' is empty");
  FLE_TRY(SecretBytes content, SecretBytes::copy_of(whole.expose().first(size), policy));
  return content;
}

Done create_secret_file(const std::string& path, Bytes content) {
  // O_EXCL: a key that was lost by overwriting it takes all data with it.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return io_failure(path, "create");
  const bool written =
      ::fchmod(fd, 0600) == 0 &&
      write_all(fd, reinterpret_cast<const char*>(content.data()), content.size()) &&
      ::fsync(fd) == 0;
  if (!written) {
    Failure why = io_failure(path, "write");
    ::close(fd);
    ::unlink(path.c_str());
    return why;
  }
  ::close(fd);  // nothing is left to fail: fsync has written it
  sync_folder(path);
  return ok;
}

}  // namespace fle::tools
