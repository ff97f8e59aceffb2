// fle completion; fle manual, which the build calls.
#include <array>
#include <filesystem>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "fle/did_you_mean.h"
#include "pages.h"

namespace fle::tools {
namespace {

struct Shell {
  std::string_view name;
  std::string (*text)(const CommandText& all);
  const char* file;  // where the shell looks for it, below a folder of its own
};
constexpr Shell kShells[] = {
    {"bash", bash_completion, "bash/fle"},
    {"zsh", zsh_completion, "zsh/_fle"},
    {"fish", fish_completion, "fish/fle.fish"},
};

struct Manual {
  const CLI::App* all;
  std::string argument;
};

const Shell* find_shell(std::string_view name) {
  for (const Shell& s : kShells)
    if (s.name == name) return &s;
  return nullptr;
}

std::string check_shell(const std::string& name) {
  if (find_shell(name) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const Shell& s : kShells) names.push_back(s.name);
  return "expected bash, zsh or fish, not '" + name + "'." + did_you_mean(name, names);
}

Done completion(const Manual& o) {
  return print(find_shell(o.argument)->text(read_commands(*o.all)));
}

Done write(const std::filesystem::path& path, const std::string& text) {
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed)
    return Failure(Errc::io_failed, "cannot make the folder '" + path.parent_path().string() +
                                        "': " + failed.message());
  FLE_TRY(Output out, Output::open(path.string(), files::Privacy::ordinary));
  FLE_CHECK(out.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
  return out.commit();
}

Done manual(const Manual& o) {
  const std::filesystem::path folder = o.argument;
  const CommandText all = read_commands(*o.all);
  Done done = ok;
  for_each_command(all, [&](const CommandText& c) {
    if (done) done = write(folder / "man1" / (page_name(c) + ".1"), man_page(all, c));
  });
  FLE_CHECK(done);
  for (const Shell& s : kShells) FLE_CHECK(write(folder / s.file, s.text(all)));
  return ok;
}

}  // namespace

void add_completion(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand("completion", "What a shell loads to complete fle's words");
  auto o = std::make_shared<Manual>();
  o->all = &app;
  cmd->add_option("SHELL", o->argument, "bash, zsh or fish")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check(CLI::Validator(check_shell, "", "shell"));
  cmd->footer(
      "An installed fle has brought it along. Else, in ~/.bashrc: source <(fle completion bash)\n"
      "In ~/.zshrc, behind compinit: source <(fle completion zsh)\n"
      "In ~/.config/fish/config.fish: fle completion fish | source");
  choose(*cmd, chosen, o, completion);
}

void add_manual(CLI::App& app, Action& chosen) {
  CLI::App* cmd =
      app.add_subcommand("manual", "Write the man pages and the shells' completions, for packages");
  cmd->group("");  // hidden
  auto o = std::make_shared<Manual>();
  o->all = &app;
  cmd->add_option("FOLDER", o->argument, "Gets man1/, bash/, zsh/ and fish/")->required();
  choose(*cmd, chosen, o, manual);
}

}  // namespace fle::tools
