// The fle command: keys, schemas, and streams of documents through DocumentCipher.
#include <csignal>
#include <cstdio>
#include <exception>

#include "command.h"

namespace fle::tools {
namespace {

// A new subcommand is a file and a row.
constexpr AddCommand kCommands[] = {add_keygen,  add_key,     add_schema,
                                    add_encrypt, add_decrypt, add_inspect};

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
    // --help and --version are "errors" of status 0 to CLI11.
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  const Done done = chosen();
  if (done) return kDone;
  complain(done.error().to_string());
  return kRefused;
}

}  // namespace

void complain(const std::string& line) { std::fprintf(stderr, "fle: %s\n", line.c_str()); }

}  // namespace fle::tools

int main(int argc, char** argv) {
  // A reader that goes away gives EPIPE, and so exit status 1 and a message.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return fle::tools::run(argc, argv);
  } catch (const std::exception& e) {
    fle::tools::complain(e.what());
    return fle::tools::kRefused;
  }
}
