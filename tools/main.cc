// The fle command: keys, schemas, and streams of documents through DocumentCipher.
#include <csignal>
#include <cstdio>
#include <exception>
#include <sstream>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include "command.h"

namespace fle::tools {
namespace {

// A new subcommand is a file and a row.
constexpr AddCommand kCommands[] = {add_keygen,  add_key,     add_schema,  add_encrypt,
                                    add_decrypt, add_inspect, add_analyze, add_command};

int run(int argc, char** argv) {
  CLI::App app("Client-side field level encryption, byte-compatible with MongoDB CSFLE.", "fle");
  app.set_version_flag("--version", "fle " FLE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 1 the input or a key was refused; 2 wrong usage.\n"
      "See 'fle COMMAND --help' for the options of a command.");
  Action chosen;
  for (const AddCommand add : kCommands) add(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // --help and --version are "errors" of status 0 to CLI11. Others quote the arguments.
    std::ostringstream out;
    std::ostringstream err;
    const int status = app.exit(e, out, err);
    std::fputs(out.str().c_str(), stdout);
    std::fputs(shortened(err.str()).c_str(), stderr);
    return status == 0 ? kDone : kUsage;
  }
  const Done done = chosen();
  if (done) return kDone;
  complain(done.error().to_string());
  return kRefused;
}

void prepare_process() {
  // A reader that goes away gives EPIPE, and so exit status 1 and a message.
  std::signal(SIGPIPE, SIG_IGN);
  // A closed standard descriptor must not become the number of a key vault or an output file.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Of the wrong direction, so that using it is an error as before.
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  // Documents stand in ordinary memory: they may not reach a core file, nor another process of the
  // same user that attaches to this one.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
#ifdef __GLIBC__
  // Memory of large documents goes back to the system; by default glibc keeps ever more of it.
  ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
#endif
}

}  // namespace

void complain(const std::string& line) {
  std::fprintf(stderr, "fle: %s\n", shortened(printable(line)).c_str());
}

Done print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return ok;
  return Failure(Errc::io_failed, "cannot write to standard output");
}

}  // namespace fle::tools

int main(int argc, char** argv) {
  fle::tools::prepare_process();
  try {
    return fle::tools::run(argc, argv);
  } catch (const std::exception& e) {
    fle::tools::complain(e.what());
    return fle::tools::kRefused;
  }
}
