#ifndef FLE_TESTS_KMS_KMIP_CHILD_PROCESS_H_
#define FLE_TESTS_KMS_KMIP_CHILD_PROCESS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace fle::kms::test {

/// A program in a process group of its own, with pipes to its input and output. Ends with this
/// object.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The next line it prints, without the line feed; all that is left when it ends. Throws when
  /// there is none before the patience of tests is at its end.
  std::string read_line();
  /// Writes a line to its input.
  void write_line(const std::string& line);
  /// Writes all of `bytes` to its input, or fills `out` from its output, however long that takes.
  void write(std::span<const std::uint8_t> bytes);
  void read(std::span<std::uint8_t> out);
  /// Waits for its end: the exit code, or -1 for a signal.
  int wait();

 private:
  pid_t pid_ = -1;
  int input_ = -1;   // written by us
  int output_ = -1;  // read by us
};

/// Runs a program to its end; throws with its output when it fails.
void run_program(const std::vector<std::string>& command);

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_KMIP_CHILD_PROCESS_H_
