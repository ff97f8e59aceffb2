// A library for LD_PRELOAD that ends a process, as kill -9 does, at the n-th of the calls that
// change files. Nothing in the programs knows about it.
//
//   FLE_KILL_AT=n       before the n-th call (1, 2, ...) has done anything; 0 or not set: never
//   FLE_KILL_OF=CALL    counts the calls of that name alone
//   FLE_KILL_HOW=half   after half of its bytes, where it writes some; after: once it is done
//   FLE_CALL_LOG=FILE   a line for each call: its name, and the file
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::atomic<long> n_calls{0};

template <class F>
F original(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

enum class How { before, half, after };

/// What becomes of the call that is about to be made; nothing: it is made.
struct Fate {
  bool now = false;
  How how = How::before;
};

void log_call(const char* name, int fd, const char* path) {
  static const char* const log = std::getenv("FLE_CALL_LOG");
  if (log == nullptr) return;
  std::array<char, 512> file{};
  if (path != nullptr) {
    std::snprintf(file.data(), file.size(), "%s", path);
  } else {
    std::array<char, 64> link{};
    std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
    if (::readlink(link.data(), file.data(), file.size() - 1) < 0) file[0] = '\0';
  }
  std::array<char, 640> line{};
  const int n = std::snprintf(line.data(), line.size(), "%s %s\n", name, file.data());
  const int to = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  ::syscall(SYS_write, to, line.data(), n);
  ::syscall(SYS_close, to);
}

Fate count(const char* name, int fd, const char* path = nullptr) {
  static const char* const at = std::getenv("FLE_KILL_AT");
  static const char* const of = std::getenv("FLE_KILL_OF");
  static const char* const how = std::getenv("FLE_KILL_HOW");
  log_call(name, fd, path);
  Fate fate;
  const bool counts = at != nullptr && (of == nullptr || std::strcmp(of, name) == 0);
  fate.now = counts && ++n_calls == std::atol(at);
  if (how != nullptr && std::strcmp(how, "half") == 0) fate.how = How::half;
  if (how != nullptr && std::strcmp(how, "after") == 0) fate.how = How::after;
  if (fate.now && fate.how == How::before) ::raise(SIGKILL);
  return fate;
}

template <class Call>
auto run(const Fate& fate, Call call) {
  const auto result = call();
  if (fate.now) ::raise(SIGKILL);
  return result;
}

std::size_t part_of(const Fate& fate, std::size_t n) {
  return fate.now && fate.how == How::half ? n / 2 : n;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, std::size_t n) {
  const Fate fate = count("write", fd);
  return run(
      fate, [&] { return static_cast<ssize_t>(::syscall(SYS_write, fd, data, part_of(fate, n))); });
}

ssize_t pwrite(int fd, const void* data, std::size_t n, off_t at) {
  const Fate fate = count("pwrite", fd);
  return run(fate, [&] {
    return static_cast<ssize_t>(::syscall(SYS_pwrite64, fd, data, part_of(fate, n), at));
  });
}

// SQLite's, which was compiled with the names for large files.
ssize_t pwrite64(int fd, const void* data, std::size_t n, off64_t at) {
  const Fate fate = count("pwrite64", fd);
  return run(fate, [&] {
    return static_cast<ssize_t>(::syscall(SYS_pwrite64, fd, data, part_of(fate, n), at));
  });
}

int ftruncate64(int fd, off64_t size) noexcept {
  return run(count("ftruncate64", fd),
             [&] { return original<int (*)(int, off64_t)>("ftruncate64")(fd, size); });
}

int unlink(const char* name) noexcept {
  return run(count("unlink", -1, name),
             [&] { return original<int (*)(const char*)>("unlink")(name); });
}

int fsync(int fd) {
  return run(count("fsync", fd), [&] { return original<int (*)(int)>("fsync")(fd); });
}

int fdatasync(int fd) {
  return run(count("fdatasync", fd), [&] { return original<int (*)(int)>("fdatasync")(fd); });
}

int ftruncate(int fd, off_t size) noexcept {
  return run(count("ftruncate", fd),
             [&] { return original<int (*)(int, off_t)>("ftruncate")(fd, size); });
}

int renameat(int from, const char* old_name, int to, const char* name) noexcept {
  using F = int (*)(int, const char*, int, const char*);
  return run(count("renameat", -1, name),
             [&] { return original<F>("renameat")(from, old_name, to, name); });
}

int renameat2(int from, const char* old_name, int to, const char* name, unsigned flags) noexcept {
  using F = int (*)(int, const char*, int, const char*, unsigned);
  return run(count("renameat2", -1, name),
             [&] { return original<F>("renameat2")(from, old_name, to, name, flags); });
}

int unlinkat(int folder, const char* name, int flags) noexcept {
  using F = int (*)(int, const char*, int);
  return run(count("unlinkat", -1, name),
             [&] { return original<F>("unlinkat")(folder, name, flags); });
}

}  // extern "C"
