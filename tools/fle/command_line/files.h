#ifndef FLE_TOOLS_FILES_H_
#define FLE_TOOLS_FILES_H_

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "fle/failure.h"
#include "fle/files/pending_file.h"
#include "fle/files/trust.h"
#include "fle/secret.h"
#include "fle/wiped.h"
#include "terminal/terminal.h"

namespace fle::tools {

/// An open file descriptor; "-" and "" mean standard input.
class Input {
 public:
  static Outcome<Input> open(const std::string& path);
  /// The same, but what others may have changed is refused, or warned of (files::check_file).
  static Outcome<Input> open(const std::string& path, files::FileKind kind);

  /// Bytes read, 0 at the end.
  Outcome<std::size_t> read(MutBytes into);
  /// Whether it is a folder, which has no bytes to read.
  [[nodiscard]] bool is_folder() const noexcept { return folder_; }
  /// As it was given; "standard input".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Size of a regular file, 0 when unknown.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  // Of regular files alone.

  /// Which file it is, by numbers that change when its content does.
  [[nodiscard]] Outcome<struct stat> status() const;
  /// Bytes at a place, without a change to what read() reads next: all of `into`, or up to the end.
  [[nodiscard]] Outcome<std::size_t> read_at(MutBytes into, std::uint64_t offset) const;
  /// The bytes of it from `from` to `to`, to be read whatever else is read of the file.
  [[nodiscard]] Outcome<Input> section(std::uint64_t from, std::uint64_t to) const;

 private:
  Input(int fd, std::string name) noexcept : fd_(fd), name_(std::move(name)) {}
  int fd_;  // own_, or standard input
  files::Fd own_;
  std::string name_;
  std::uint64_t size_ = 0;
  bool folder_ = false;
  // Of a section: where read() goes on in the file, and where it ends.
  std::uint64_t at_ = 0;
  std::optional<std::uint64_t> end_;
};

/// Where results go. "-" and "" mean standard output; devices, pipes and the descriptors of this
/// process (/dev/stdout) are written to as they are. A file appears, or is replaced, only by
/// commit(): see files::PendingFile.
class Output {
 public:
  /// @param most  of a new file: see files::PendingFile::create()
  static Outcome<Output> open(const std::string& path, files::Privacy privacy, mode_t most = 0777);
  /// A file of mode 0600 of its own: nothing may have the name, nor be put there meanwhile.
  static Outcome<Output> create(const std::string& path);
  /// A file that stands beside its place as PATH.partial until commit(), also when the process is
  /// killed; what is there already comes first.
  /// @param existing  what commit() does about a file at its place
  /// @retval Errc::cannot_resume  it would not be a file
  static Outcome<Output> resume(const std::string& path, files::Privacy privacy,
                                files::Existing existing);

  /// Whether people see what is written.
  [[nodiscard]] bool is_terminal() const noexcept { return terminal_; }
  /// Buffered, but on a terminal: what others write there comes between whole parts.
  Done write(Bytes data);
  /// Flushes, makes the file durable and puts it in place.
  Done commit();

  // Of resume() alone.

  /// Cuts off all but its first `size` bytes, and goes on there.
  /// @retval Errc::cannot_resume  it has fewer
  Done cut(std::uint64_t size);
  /// Flushes and makes durable what was written.
  /// @return  how many bytes there are
  Outcome<std::uint64_t> sync();
  /// Removes it.
  Done discard();
  /// The number of its inode, which stays when it is put in place.
  [[nodiscard]] Outcome<std::uint64_t> inode() const;

 private:
  Output(int fd, std::string path) noexcept
      : fd_(fd), terminal_(tools::is_terminal(fd)), path_(std::move(path)) {}
  Done flush();
  Failure failed(const char* what) const;
  int fd_;  // own_, that of file_, or standard output
  bool terminal_;
  files::Fd own_;
  std::optional<files::PendingFile> file_;
  std::string path_;  // empty: standard output
  WipedChars buffer_;
};

/// A whole file that is not secret; at most `limit` bytes.
[[nodiscard]] Outcome<std::string> read_file(const std::string& path, std::size_t limit,
                                             files::FileKind kind);
/// A whole file that is: 1 to `limit` bytes in secret memory.
[[nodiscard]] Outcome<SecretBytes> read_secret_file(const std::string& path, std::size_t limit,
                                                    LockPolicy policy, files::FileKind kind);
/// Creates a file of mode 0600 that does not exist yet, whole or not at all.
[[nodiscard]] Done create_secret_file(const std::string& path, Bytes content);

}  // namespace fle::tools

#endif  // FLE_TOOLS_FILES_H_
