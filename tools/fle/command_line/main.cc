// The fle command: keys, schemas, and streams of documents through DocumentCipher.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <malloc.h>

#include "cli.h"
#include "command.h"
#include "fle/did_you_mean.h"
#include "fle/files/place.h"
#include "fle/files/process.h"
#include "fle/version.h"
#include "options/result_options.h"
#include "options/settings.h"

namespace fle::tools {
namespace {

// A new subcommand is a file and a row.
constexpr AddCommand kCommands[] = {
    add_keygen, add_key,     add_schema,  add_encrypt,  add_decrypt,    add_reencrypt, add_inspect,
    add_report, add_analyze, add_command, add_generate, add_completion, add_manual};

/// "fle key delete": the commands that were understood.
std::string command_line_so_far(const CLI::App& app) {
  std::string line = app.get_name();
  for (const CLI::App* sub : app.get_subcommands()) line += " " + command_line_so_far(*sub);
  return line;
}

/// The command that was understood last.
const CLI::App& last_command(const CLI::App& app) {
  const auto subs = app.get_subcommands();
  return subs.empty() ? app : last_command(*subs.back());
}

/// The word that was meant for one of `commands`: the first unknown one, or one that was taken for
/// an argument of the command that they belong to.
std::string meant_for_command(const CLI::App& command, const std::string& unknown,
                              std::span<const std::string_view> commands) {
  for (const CLI::Option* o : command.get_options()) {
    if (!o->get_positional()) continue;
    for (const std::string& word : o->results())
      if (!closest_name(word, commands).empty()) return word;
  }
  return unknown;
}

/// What is wrong with the command line, and which option or command was meant.
std::string usage_fault(const CLI::App& app, const CLI::ParseError& e) {
  const CLI::App& command = last_command(app);
  std::vector<std::string> rest = app.remaining(true);
  std::erase_if(rest, [](const std::string& word) { return word == "--" || word.empty(); });
  if (rest.empty()) return e.what();
  std::string word = rest.front().substr(0, rest.front().find('='));
  std::vector<std::string> known;
  const bool option = word.starts_with('-');
  if (option) {
    for (const CLI::Option* o : command.get_options())
      for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
  } else {
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(sub->get_name());
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  if (!option) word = meant_for_command(command, word, names);
  const std::string meant = did_you_mean(word, names);
  if (std::ranges::count(known, word) != 0)
    return "'" + word + "' stands too early: options follow the command";
  if (option || !known.empty())
    return "'" + command_line_so_far(app) + "' has no " + (option ? "option" : "command") + " '" +
           word + "'." + meant;
  return e.what();
}

/// Exit statuses at the end of each help that has none of its own.
void tell_exit_statuses(CLI::App& command) {
  const auto subs = command.get_subcommands([](const CLI::App*) { return true; });
  for (CLI::App* sub : subs) tell_exit_statuses(*sub);
  const std::string footer = command.get_footer();
  // "fle key" does nothing by itself, and "fle schema" does.
  if (command.get_require_subcommand_min() != 0 && command.get_parent() != nullptr) return;
  if (footer.find("xit status") != std::string::npos) return;
  command.footer(footer + (footer.empty() ? "" : "\n") + exit_statuses());
}

/// What the library calls by a name of C++, and how the command is told of it.
struct OwnWord {
  std::string_view library;
  std::string_view command;
};
constexpr OwnWord kOwnWords[] = {
    {"KmsOptions::allowed_endpoints", "allowedEndpoints in the file of --kms-options"},
    {"KmsOptions::master_keys", "masterKeys in the file of --kms-options"},
    {"RewrapOptions::from", "--from-master-key"},
    {" from KmsOptions::credentials", ""},
    {": re-encrypt it", ": see 'fle reencrypt'"},
    {"or a part of it, in plaintext", "or a part of it, in plaintext (--allow-decrypt)"},
    {"check the endpoint and TlsOptions",
     "check the endpoint, and tlsOptions in the file of --kms-options"},
};

std::string in_own_words(std::string line) {
  for (const OwnWord& w : kOwnWords) {
    const std::size_t at = line.find(w.library);
    if (at != std::string::npos) line.replace(at, w.library.size(), w.command);
  }
  return line;
}

/// Whether a text has an option, and not only one of a longer name: --vault, and not --vault-ns.
bool names_option(std::string_view text, std::string_view option) {
  constexpr std::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz-";
  for (std::size_t at = text.find(option); at != std::string_view::npos;
       at = text.find(option, at + option.size())) {
    const std::size_t end = at + option.size();
    if (end == text.size() || kOfNames.find(text[end]) == std::string_view::npos) return true;
  }
  return false;
}

/// "(--threads is of FLE_THREADS)", for a fault that names what nobody typed.
std::string origin_of(const std::string& fault, const CommandLine& line) {
  for (const CommandLine::Setting& s : line.settings)
    if (names_option(fault, s.option)) return " (" + s.option + " is of " + s.origin + ")";
  return {};
}

/// As CLI11 has them, and the variables of the environment.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string variable = variable_of(*option);
    return CLI::Formatter::make_option_opts(option) +
           (variable.empty() ? "" : " (Env:" + variable + ")");
  }
};

int run(int argc, char** argv) {
  CLI::App app("Client-side field level encryption, byte-compatible with MongoDB CSFLE.", "fle");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", "fle " FLE_VERSION_STRING);
  app.require_subcommand(1);
  app.footer("See 'fle COMMAND --help' for the options of a command.");
  Action chosen;
  for (const AddCommand add : kCommands) add(app, chosen);
  tell_exit_statuses(app);
  add_config_option(app);
  auto line = with_settings(app, std::vector<std::string>(argv + 1, argv + argc));
  if (!line) {
    complain(line.error().to_string());
    return kUsage;
  }
  try {
    app.parse(std::vector<std::string>(line->args.rbegin(), line->args.rend()));
  } catch (const CLI::ParseError& e) {
    // --help and --version are "errors" of status 0 to CLI11.
    if (e.get_exit_code() == 0) {
      std::ostringstream text;
      app.exit(e, text);
      const Ending end = print(text.str());
      if (!end.done) complain(end.done.error().to_string());
      return end.status;
    }
    // Faults quote the arguments.
    const std::string fault = usage_fault(app, e);
    complain(shortened(fault) + origin_of(fault, *line) + " (see '" + command_line_so_far(app) +
             " --help')");
    return kUsage;
  }
  std::string fault = value_fault(app);
  if (fault.empty()) fault = input_fault(app, line->files);
  if (fault.empty()) fault = result_fault(app, line->files);
  if (!fault.empty()) {
    complain(fault + origin_of(fault, *line) + " (see '" + command_line_so_far(app) + " --help')");
    return kUsage;
  }
  const Ending end = chosen();
  if (!end.done) complain(end.done.error().to_string());
  return end.status;
}

}  // namespace

void complain(const std::string& line) {
  std::fprintf(stderr, "fle: %s\n", shortened(printable(in_own_words(line))).c_str());
}

Done print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return ok;
  return files::failure("write", "standard output", errno);
}

}  // namespace fle::tools

int main(int argc, char** argv) {
  // A reader that goes away gives EPIPE, and so exit status 1 and a message.
  fle::files::prepare_process(fle::files::ClosedStream::fails);
  // What a large document has taken goes back at once. By itself, malloc(3) would keep as much from
  // the second such document on, for each thread; and of smaller blocks twice as much as is the
  // kernel's.
  constexpr int kLargeBlock = 1024 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBlock / 4);
  try {
    return fle::tools::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("fle: no_memory\n", stderr);
    return fle::tools::kTryAgain;
  } catch (const std::exception& e) {
    fle::tools::complain(e.what());
    return fle::tools::kRefused;
  }
}
