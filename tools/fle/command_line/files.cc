#include "files.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "fle/files/unnamed_file.h"

namespace fle::tools {
namespace {

using files::FileKind;

Failure too_large(const std::string& path, std::size_t limit) {
  return Failure(Errc::io_failed,
                 "'" + path + "' is larger than " + std::to_string(limit) + " bytes");
}

bool is_standard(const std::string& path) { return path.empty() || path == "-"; }

/// A file that is replaced keeps its mode, and what it is to hold may not be for those who read it.
void warn_of_readers(const files::Place& place, files::Privacy privacy) {
  constexpr mode_t kOthersRead = S_IRGRP | S_IROTH;
  if (privacy == files::Privacy::secret && place.is_regular() &&
      (place.entry->st_mode & kOthersRead) != 0)
    complain("warning: '" + place.path +
             "' can be read by other users, and so can what replaces it; chmod 600 it");
}

/// What cannot be replaced, or is a descriptor already.
Outcome<files::Fd> open_as_it_is(const files::Place& place) {
  if (place.descriptor >= 0) {
    files::Fd same(::fcntl(place.descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!same) return files::failure("open", place.path, errno);
    return same;
  }
  FLE_CHECK(files::check_entry(place.path, place.folder_stat, *place.entry));
  files::Fd fd(::openat(place.folder.get(), place.name.c_str(),
                        O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return files::failure("open", place.path, errno);
  // Somebody has put a file there meanwhile.
  if (S_ISREG(st.st_mode)) return files::failure("open", place.path, EEXIST);
  return fd;
}

}  // namespace

// ---- Input

Outcome<Input> Input::open(const std::string& path) {
  if (is_standard(path)) return Input(STDIN_FILENO, "standard input");
  files::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return files::failure("open", path, errno);
  Input in(fd.get(), path);
  struct stat st {};
  if (::fstat(fd.get(), &st) == 0) {
    in.folder_ = S_ISDIR(st.st_mode);
    if (S_ISREG(st.st_mode)) in.size_ = static_cast<std::uint64_t>(st.st_size);
  }
  in.own_ = std::move(fd);
  return in;
}

Outcome<Input> Input::open(const std::string& path, FileKind kind) {
  FLE_TRY(Input in, open(path));
  if (is_standard(path)) return in;
  struct stat st {};
  if (::fstat(in.fd_, &st) != 0) return files::failure("open", path, errno);
  FLE_CHECK(files::check_file(kind, path, st));
  const std::string warning = files::warning_about(kind, path, st);
  if (!warning.empty()) complain("warning: " + warning);
  return in;
}

Outcome<struct stat> Input::status() const {
  struct stat st {};
  if (::fstat(fd_, &st) != 0) return files::failure("read", name_, errno);
  return st;
}

Outcome<std::size_t> Input::read_at(MutBytes into, std::uint64_t offset) const {
  std::size_t have = 0;
  while (have < into.size()) {
    const ssize_t n =
        ::pread(fd_, into.data() + have, into.size() - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return files::failure("read", name_, errno);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  return have;
}

Outcome<Input> Input::section(std::uint64_t from, std::uint64_t to) const {
  files::Fd same(::fcntl(fd_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!same) return files::failure("open", name_, errno);
  Input part(same.get(), name_);
  part.own_ = std::move(same);
  part.size_ = to - from;
  part.at_ = from;
  part.end_ = to;
  return part;
}

Outcome<std::size_t> Input::read(MutBytes into) {
  if (end_) {
    const std::uint64_t left = *end_ - at_;
    if (into.size() > left) into = into.first(static_cast<std::size_t>(left));
    FLE_TRY(const std::size_t n, read_at(into, at_));
    // An end that comes early would pass for that of the part.
    if (n < into.size())
      return Failure(Errc::io_failed, "'" + name_ + "' has become shorter while it was read");
    at_ += n;
    return n;
  }
  for (;;) {
    const ssize_t n = ::read(fd_, into.data(), into.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return files::failure("read", name_, errno);
  }
}

// ---- Output

Outcome<Output> Output::open(const std::string& path, files::Privacy privacy, mode_t most) {
  if (is_standard(path)) return Output(STDOUT_FILENO, {});
  FLE_TRY(files::Place place, files::find_place(path, files::Links::follow));
  const bool replaceable = !place.entry || place.is_regular() || S_ISDIR(place.entry->st_mode);
  if (place.descriptor >= 0 || !replaceable) {
    FLE_TRY(files::Fd fd, open_as_it_is(place));
    Output out(fd.get(), path);
    out.own_ = std::move(fd);
    return out;
  }
  warn_of_readers(place, privacy);
  FLE_TRY(files::PendingFile file,
          files::PendingFile::create(std::move(place), privacy, files::Existing::replace, most));
  Output out(file.fd(), path);
  out.file_.emplace(std::move(file));
  return out;
}

Outcome<Output> Output::create(const std::string& path) {
  FLE_TRY(files::Place place, files::find_place(path, files::Links::refuse));
  FLE_TRY(
      files::PendingFile file,
      files::PendingFile::create(std::move(place), files::Privacy::secret, files::Existing::keep));
  Output out(file.fd(), path);
  out.file_.emplace(std::move(file));
  return out;
}

Outcome<Output> Output::resume(const std::string& path, files::Privacy privacy,
                               files::Existing existing) {
  const Failure no_file(Errc::cannot_resume, "--resume needs --out FILE, a file");
  if (is_standard(path)) return no_file;
  FLE_TRY(files::Place place, files::find_place(path, files::Links::follow));
  if (place.descriptor >= 0 || (place.entry && !place.is_regular())) return no_file;
  warn_of_readers(place, privacy);
  const std::string partial = place.name + ".partial";
  FLE_TRY(files::PendingFile file,
          files::PendingFile::resume(std::move(place), partial, privacy, existing));
  Output out(file.fd(), path);
  out.file_.emplace(std::move(file));
  return out;
}

Done Output::cut(std::uint64_t size) {
  struct stat st {};
  if (::fstat(fd_, &st) != 0) return failed("read");
  if (static_cast<std::uint64_t>(st.st_size) < size)
    return Failure(Errc::cannot_resume, "'" + path_ + ".partial' is shorter than its journal says");
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 ||
      ::lseek(fd_, static_cast<off_t>(size), SEEK_SET) < 0)
    return failed("write");
  return ok;
}

Outcome<std::uint64_t> Output::sync() {
  FLE_CHECK(flush());
  while (::fdatasync(fd_) != 0)
    if (errno != EINTR) return failed("write");
  const off_t at = ::lseek(fd_, 0, SEEK_CUR);
  if (at < 0) return failed("write");
  return static_cast<std::uint64_t>(at);
}

Done Output::discard() {
  if (file_) file_->discard();
  return ok;
}

Outcome<std::uint64_t> Output::inode() const {
  struct stat st {};
  if (::fstat(fd_, &st) != 0) return failed("read");
  return static_cast<std::uint64_t>(st.st_ino);
}

Failure Output::failed(const char* what) const {
  return files::failure(what, path_.empty() ? "standard output" : path_, errno);
}

Done Output::write(Bytes data) {
  constexpr std::size_t kBuffer = 256 * 1024;
  constexpr std::size_t kDirect = 64 * 1024;  // a call costs less than a copy of so many
  if (buffer_.size() + data.size() > kBuffer || data.size() >= kDirect) FLE_CHECK(flush());
  if (data.size() >= kDirect) {
    if (!files::write_all(fd_, data)) return failed("write");
    return ok;
  }
  // insert() would construct each byte.
  const std::size_t before = buffer_.size();
  buffer_.resize(before + data.size());
  if (!data.empty()) std::memcpy(buffer_.data() + before, data.data(), data.size());
  return terminal_ ? flush() : Done(ok);
}

Done Output::flush() {
  if (!files::write_all(fd_,
                        {reinterpret_cast<const std::uint8_t*>(buffer_.data()), buffer_.size()}))
    return failed("write");
  buffer_.clear();
  return ok;
}

Done Output::commit() {
  FLE_CHECK(flush());
  if (file_) return file_->commit();
  return ok;
}

// ---- Small files

Outcome<std::string> read_file(const std::string& path, std::size_t limit, FileKind kind) {
  constexpr std::size_t kBlock = 64 * 1024;
  FLE_TRY(Input in, Input::open(path, kind));
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

Outcome<SecretBytes> read_secret_file(const std::string& path, std::size_t limit, LockPolicy policy,
                                      FileKind kind) {
  FLE_TRY(Input in, Input::open(path, kind));
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
  // A key that was lost by overwriting it takes all data with it.
  FLE_TRY(files::Place place, files::find_place(path, files::Links::refuse));
  FLE_TRY(
      files::PendingFile file,
      files::PendingFile::create(std::move(place), files::Privacy::secret, files::Existing::keep));
  if (!files::write_all(file.fd(), content)) return files::failure("write", path, errno);
  return file.commit();
}

}  // namespace fle::tools
