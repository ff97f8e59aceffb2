#include "kms/kmip/child_process.h"

#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/patience.h"

extern char** environ;

namespace fle::kms::test {
namespace {

constexpr int kPatienceMs =
    std::chrono::duration_cast<std::chrono::duration<int, std::milli>>(fle::test::kPatience)
        .count();

struct Pipe {
  int ends[2];
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  }
};

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  std::vector<char*> args;
  for (const std::string& a : command) args.push_back(const_cast<char*>(a.c_str()));
  args.push_back(nullptr);
  const Pipe in;
  const Pipe out;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 2);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  const int why = ::posix_spawnp(&pid_, args[0], &actions, &attributes, args.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  ::close(in.ends[0]);
  ::close(out.ends[1]);
  input_ = in.ends[1];
  output_ = out.ends[0];
  if (why != 0) {
    pid_ = -1;
    ::close(input_);
    ::close(output_);
    throw std::runtime_error("cannot run " + command[0]);
  }
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);  // the group of this child alone
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(input_);
  ::close(output_);
}

std::string ChildProcess::read_line() {
  std::string line;
  for (char c = 0;;) {
    pollfd p{output_, POLLIN, 0};
    if (::poll(&p, 1, kPatienceMs) <= 0) throw std::runtime_error("a child says nothing: " + line);
    if (::read(output_, &c, 1) != 1) {
      if (line.empty()) throw std::runtime_error("a child has ended");
      return line;
    }
    if (c == '\n') return line;
    line += c;
  }
}

void ChildProcess::write_line(const std::string& line) {
  const std::string text = line + '\n';
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("a child does not listen");
}

void ChildProcess::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(input_, bytes.data(), bytes.size());
    if (n <= 0) throw std::runtime_error("a child does not listen");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void ChildProcess::read(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = ::read(output_, out.data(), out.size());
    if (n <= 0) throw std::runtime_error("a child has ended");
    out = out.subspan(static_cast<std::size_t>(n));
  }
}

int ChildProcess::wait() {
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_program(const std::vector<std::string>& command) {
  ChildProcess child(command);
  std::string output;
  try {
    for (;;) output += child.read_line() + "\n";
  } catch (const std::runtime_error&) {  // it has ended
  }
  if (child.wait() != 0) throw std::runtime_error(command[0] + " failed:\n" + output);
}

}  // namespace fle::kms::test
