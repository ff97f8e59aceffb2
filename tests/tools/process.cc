#include "process.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace fle::test {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read = fds[0];
    write = fds[1];
  }
};

[[noreturn]] void become_fle(const std::filesystem::path& folder,
                             const std::vector<std::string>& args, const Ends& ends, const Pipe& in,
                             const Pipe& out, const Pipe& err) {
  if (::chdir(folder.c_str()) != 0) ::_exit(126);
  ::dup2(in.read, STDIN_FILENO);
  ::dup2(out.write, STDOUT_FILENO);
  ::dup2(err.write, STDERR_FILENO);
  // Otherwise libmongoc, once loaded, makes /dev/shm/mongoc-PID, a killed run leaves it behind, and
  // a later one with that number complains.
  ::setenv("MONGOC_DISABLE_SHM", "1", 1);
  if (ends.prepare) ends.prepare();
  std::vector<char*> argv{const_cast<char*>(FLE_COMMAND)};
  for (const std::string& a : args) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(FLE_COMMAND, argv.data());
  ::_exit(127);
}

template <class Take>
void drain(int fd, Take take) {
  std::array<char, 65536> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    if (!take(buffer.data(), static_cast<std::size_t>(n))) break;
  }
  ::close(fd);
}

}  // namespace

Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              const Ends& ends) {
  const Pipe in;
  const Pipe out;
  const Pipe err;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) become_fle(folder, args, ends, in, out, err);
  ::close(in.read);
  ::close(out.write);
  ::close(err.write);
  ::signal(SIGPIPE, SIG_IGN);
  Ended e;
  std::thread feeding([&] {
    ends.feed(in.write, child);
    ::close(in.write);
  });
  std::thread complaining([&] {
    drain(err.read, [&e](const char* p, std::size_t n) {
      e.err.append(p, n);
      return true;
    });
  });
  drain(out.read, ends.take);
  feeding.join();
  complaining.join();
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  e.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  e.max_rss_kib = usage.ru_maxrss;
  return e;
}

bool write_to(int fd, const std::string& data) {
  for (std::size_t at = 0; at < data.size();) {
    const ssize_t n = ::write(fd, data.data() + at, data.size() - at);
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              const std::string& input) {
  std::string out;
  const Ends ends{[&input](int fd, pid_t) { write_to(fd, input); },
                  [&out](const char* p, std::size_t n) {
                    out.append(p, n);
                    return true;
                  },
                  {}};
  Ended e = run_fle(folder, args, ends);
  e.out = std::move(out);
  return e;
}

Ended run_fle(const std::filesystem::path& folder, const std::vector<std::string>& args,
              Terminal& terminal, const std::string& input) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
    throw std::runtime_error("posix_openpt");
  const std::string slave = ::ptsname(master);
  winsize size{};
  size.ws_row = 20;
  size.ws_col = terminal.columns;
  ::ioctl(master, TIOCSWINSZ, &size);
  // Open as long as the command is about to start: a terminal that nobody has is at its end.
  const int keep = ::open(slave.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);

  std::string out;
  std::promise<pid_t> started;
  Ends ends{[&](int fd, pid_t child) {
              started.set_value(child);
              write_to(fd, input);
            },
            [&out](const char* p, std::size_t n) {
              out.append(p, n);
              return true;
            },
            {}};
  ends.prepare = [&] {
    ::setsid();
    const int fd = ::open(slave.c_str(), O_RDWR);
    if (terminal.in) ::dup2(fd, STDIN_FILENO);
    if (terminal.out) ::dup2(fd, STDOUT_FILENO);
    if (terminal.err) ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  };
  std::thread showing([&] {
    drain(master, [&](const char* p, std::size_t n) {
      terminal.screen.append(p, n);
      if (!terminal.screen.ends_with(terminal.prompt)) return true;
      if (!terminal.answer.empty()) write_to(master, terminal.answer);
      if (terminal.signal != 0) ::kill(started.get_future().get(), terminal.signal);
      return true;
    });
  });
  Ended e = run_fle(folder, args, ends);
  termios at_the_end{};
  terminal.echoes = ::tcgetattr(keep, &at_the_end) == 0 && (at_the_end.c_lflag & ECHO) != 0;
  ::close(keep);
  showing.join();
  e.out = std::move(out);
  return e;
}

TempFolder::TempFolder() {
  ::umask(022);  // what tests write may be read by the command wherever they run
  std::string name = (std::filesystem::temp_directory_path() / "fle-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path_ / name, std::ios::binary) << content;
}

std::string TempFolder::read(const std::string& name) const {
  std::ifstream in(path_ / name, std::ios::binary);
  if (!in) throw std::runtime_error("no " + name);
  std::ostringstream all;  // not character by character: some files have many MiB
  all << in.rdbuf();
  return all.str();
}

std::vector<std::string> TempFolder::names() const {
  std::vector<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(path_))
    names.push_back(e.path().filename());
  return names;
}

std::string base64_of(const std::string& raw) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;  // of whole groups of three bytes: keys have no others
  for (std::size_t i = 0; i + 3 <= raw.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | static_cast<std::uint8_t>(raw[i + k]);
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[bits >> shift & 63];
  }
  return out;
}

std::vector<std::string> set_up_clinic(const TempFolder& folder) {
  if (run_fle(folder.path(), {"keygen", "--out", "master.key"}).status != 0)
    throw std::runtime_error("keygen");
  const std::vector<std::string> keys{"--vault", "keys.vault", "--local-key", "master.key"};
  std::vector<std::string> create{"key", "create", "--alt-name", "patients"};
  create.insert(create.end(), keys.begin(), keys.end());
  const Ended made = run_fle(folder.path(), create);
  std::smatch uuid;
  if (made.status != 0 ||
      !std::regex_search(made.out, uuid, std::regex("\"uuid\": \"([^\"]+)\""))) {
    throw std::runtime_error("key create: " + made.err);
  }
  folder.write("schema.json",
               R"({"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": ")" +
                   uuid[1].str() +
                   R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}, "properties": {
      "ssn": {"encrypt": {"bsonType": "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
      "bloodType": {"encrypt": {"bsonType": "string"}}}})");
  return keys;
}

}  // namespace fle::test
