#ifndef FLE_TOOLS_FILES_H_
#define FLE_TOOLS_FILES_H_

#include <cstdint>
#include <string>

#include "fle/failure.h"
#include "fle/secret.h"

namespace fle::tools {

/// An open file descriptor; "-" and "" mean standard input.
class Input {
 public:
  static Outcome<Input> open(const std::string& path);
  Input(Input&& o) noexcept;
  Input& operator=(Input&&) = delete;
  ~Input();

  /// Bytes read, 0 at the end.
  Outcome<std::size_t> read(MutBytes into);
  /// Size of a regular file, 0 when unknown.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  Input(int fd, std::string name, std::uint64_t size) noexcept
      : fd_(fd), name_(std::move(name)), size_(size) {}
  int fd_;
  std::string name_;
  std::uint64_t size_;
};

/// Where results go. "-" and "" mean standard output. A file appears, or is replaced, only by
/// commit(): until then the bytes stand in a hidden file beside it, which goes away on failure and
/// on SIGINT, SIGTERM and SIGHUP.
class Output {
 public:
  static Outcome<Output> open(const std::string& path);
  Output(Output&& o) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();

  /// Buffered.
  Done write(Bytes data);
  /// Flushes, makes the file durable and puts it in place.
  Done commit();

 private:
  Output(int fd, std::string path, std::string temporary)
      : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}
  static Outcome<Output> create(const std::string& path);
  Done flush();
  Failure failed(const char* what) const;
  int fd_;
  std::string path_;       // empty: standard output
  std::string temporary_;  // empty: nothing to take away
  std::string buffer_;
};

/// A whole file that is not secret; at most `limit` bytes.
[[nodiscard]] Outcome<std::string> read_file(const std::string& path, std::size_t limit);
/// A whole file that is: 1 to `limit` bytes in secret memory. Warns when others may read it.
[[nodiscard]] Outcome<SecretBytes> read_secret_file(const std::string& path, std::size_t limit,
                                                    LockPolicy policy);
/// Creates a file of mode 0600 that does not exist yet, durably.
[[nodiscard]] Done create_secret_file(const std::string& path, Bytes content);

}  // namespace fle::tools

#endif  // FLE_TOOLS_FILES_H_
