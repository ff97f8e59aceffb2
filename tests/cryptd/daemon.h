#ifndef FLE_TESTS_CRYPTD_DAEMON_H_
#define FLE_TESTS_CRYPTD_DAEMON_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace fle::test {

/// A folder that goes away with its content.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }
  /// The content of a file; empty if there is none.
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

/// Tries until `condition` holds, as long as the patience of tests lasts.
bool eventually(const std::function<bool()>& condition);

/// A run of fle-cryptd in a folder of its own, with --port 0, without a Unix socket and without an
/// end of its own, unless the options say otherwise. It is killed with this object, if it still
/// runs.
class Daemon {
 public:
  /// A limit of setrlimit(2).
  struct Limit {
    int resource;
    rlim_t max;
  };
  /// @param out  where its standard output goes; -1: to what out() reads.
  explicit Daemon(const std::vector<std::string>& options = {}, std::optional<Limit> limit = {},
                  int out = -1);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Waits until the log says that it listens, and gives the port.
  /// Throws if it ends before that.
  std::uint16_t port();
  /// The status of its exit, or 1000 and a signal's number. Waits for the end.
  int wait();
  [[nodiscard]] bool running();
  /// How often its first thread has gone to sleep so far.
  [[nodiscard]] long n_sleeps() const;
  void signal(int number) const;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  [[nodiscard]] const Folder& folder() const noexcept { return folder_; }
  /// Standard output, which is the log unless the options say otherwise.
  [[nodiscard]] std::string out() const { return folder_.read("out"); }
  [[nodiscard]] std::string err() const { return folder_.read("err"); }

 private:
  bool collect(int options);

  Folder folder_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  int status_ = -1;
};

/// The connection string of a Unix socket.
std::string uri_of_socket(const std::string& path);

/// The number that follows `key` in the record with `id`, in a log; -1 if there is none.
int number_in_log(const std::string& log, int id, const std::string& key);

}  // namespace fle::test

#endif  // FLE_TESTS_CRYPTD_DAEMON_H_
