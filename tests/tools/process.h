#ifndef FLE_TESTS_TOOLS_PROCESS_H_
#define FLE_TESTS_TOOLS_PROCESS_H_

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace fle::test {

/// How a run of the fle command ended.
struct Ended {
  int status = -1;  // of exit; -1: killed by a signal
  int signal = 0;
  std::string out;
  std::string err;
  long max_rss_kib = 0;
};

/// Runs the fle command with `args` in `folder`, `input` on its standard input.
Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              const std::string& input = {});

/// Both ends of a run that goes on while the test watches it.
struct Ends {
  /// Writes to standard input, which is closed on return.
  std::function<void(int fd, pid_t command)> feed;
  /// Takes what comes from standard output; false closes it, as `head` does.
  std::function<bool(const char* p, std::size_t n)> take;
  /// Runs in the new process before it becomes the command.
  std::function<void()> prepare = {};
};
Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              const Ends& ends);
/// Writes all of `data`, unless the other end is closed.
bool write_to(int fd, const std::string& data);

/// A terminal that a run stands on, with some of its descriptors.
struct Terminal {
  unsigned short columns = 80;
  bool in = false;
  bool out = false;
  bool err = false;
  /// What is typed once the terminal shows `prompt`.
  std::string answer{};
  std::string prompt = "[y/N] ";
  int signal = 0;  ///< Sent then in place of an answer.
  /// All that it showed, as it came: line ends are \r\n.
  std::string screen{};
  bool echoes = true;  ///< Once the command has ended.
};
/// Runs the fle command with `args` in `folder`, `input` on its standard input if that is none of
/// the terminal's.
Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              Terminal& terminal, const std::string& input = {});

[[nodiscard]] std::string base64_of(const std::string& raw);

/// A folder of a test, removed with what is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  void write(const std::string& name, const std::string& content) const;
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const {
    return std::filesystem::exists(path_ / name);
  }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

/// A master key, a vault with one key called "patients", and the MedcoMD schema, in `folder`.
/// Returns the options that name vault and master key.
std::vector<std::string> set_up_clinic(const TempFolder& folder);

}  // namespace fle::test

#endif  // FLE_TESTS_TOOLS_PROCESS_H_
