// Man pages and completions: they say what the command takes, and their readers take them.
#include <array>
#include <cstdio>
#include <regex>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "process.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

/// What a shell command says, on both streams.
struct Said {
  int status = -1;
  std::string out;
};

Said shell(const std::filesystem::path& folder, const std::string& command) {
  Said said;
  std::FILE* const pipe =
      ::popen(("cd '" + folder.string() + "' && { " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::array<char, 4096> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe))
    said.out.append(part.data(), n);
  said.status = WEXITSTATUS(::pclose(pipe));
  return said;
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

/// A command as its --help has it.
struct Helped {
  Args words;  // behind "fle"
  std::set<std::string> options{};
};

class Manual : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    const Ended e = run_fle(folder_->path(), {"manual", "m"});
    ASSERT_EQ(e.status, 0) << e.err;
    read_help({});
    ASSERT_GT(all_.size(), 20U);
  }
  static void TearDownTestSuite() {
    all_.clear();
    folder_.reset();
  }
  static std::filesystem::path path() { return folder_->path() / "m"; }
  static std::string page_of(const Args& words) {
    std::string name = "fle";
    for (const std::string& w : words) name += "-" + w;
    return "m/man1/" + name + ".1";
  }
  static std::string command(const Args& words) {
    std::string name = "fle";
    for (const std::string& w : words) name += " " + w;
    return name;
  }

  static std::unique_ptr<TempFolder> folder_;
  static std::vector<Helped> all_;

 private:
  static void read_help(const Args& words) {
    Args args = words;
    args.emplace_back("--help");
    const std::string help = run_fle(folder_->path(), args).out;
    Helped h{words};
    static const std::regex kOption("^  (?:-[a-z],)?(--[a-z][a-z-]*)");
    static const std::regex kName("(^  |,)(--?[a-z-]+)");
    static const std::regex kCommand("^  ([a-z][a-z-]*)  ");
    bool in_commands = false;
    std::istringstream lines(help);
    Args commands;
    for (std::string line; std::getline(lines, line);) {
      if (line == "Subcommands:") in_commands = true;
      std::smatch m;
      if (in_commands && std::regex_search(line, m, kCommand)) commands.push_back(m[1]);
      if (!in_commands && std::regex_search(line, m, kOption)) {
        for (auto at = std::sregex_iterator(line.begin(), line.end(), kName);
             at != std::sregex_iterator(); ++at)
          h.options.insert((*at)[2]);
      }
    }
    all_.push_back(h);
    for (const std::string& c : commands) {
      Args more = words;
      more.push_back(c);
      read_help(more);
    }
  }
};
std::unique_ptr<TempFolder> Manual::folder_;
std::vector<Helped> Manual::all_;

/// "--vault" as it stands in a man page.
std::string in_troff(const std::string& option) {
  return "\\fB" + std::regex_replace(option, std::regex("-"), "\\-") + "\\fR";
}

TEST_F(Manual, EveryOptionOfEveryCommandIsInThePageAndInTheCompletions) {
  const std::string bash = folder_->read("m/bash/fle");
  const std::string zsh = folder_->read("m/zsh/_fle");
  const std::string fish = folder_->read("m/fish/fle.fish");
  for (const Helped& h : all_) {
    const std::string name = command(h.words);
    SCOPED_TRACE(name);
    const std::string page = folder_->read(page_of(h.words));
    EXPECT_TRUE(h.options.contains("--help"));
    const std::string bash_words = [&] {
      const std::size_t at = bash.find("'" + name + ":-'*");
      return at == std::string::npos ? "" : bash.substr(at, bash.find('\n', at) - at);
    }();
    const std::size_t zsh_at = zsh.find("    ('" + name + "')\n");
    ASSERT_NE(zsh_at, std::string::npos);
    const std::string zsh_case = zsh.substr(zsh_at, zsh.find("\n      ;;", zsh_at) - zsh_at);
    for (const std::string& o : h.options) {
      EXPECT_NE(page.find(in_troff(o)), std::string::npos) << o;
      EXPECT_TRUE(std::regex_search(bash_words, std::regex("[' ]" + o + "[' ]"))) << o;
      EXPECT_TRUE(std::regex_search(zsh_case, std::regex("'\\*?" + o + "\\["))) << o;
      const std::string flag =
          o.starts_with("--") ? " -l " + o.substr(2) + " " : " -s " + o.substr(1) + " ";
      EXPECT_TRUE(std::regex_search(fish, std::regex("-n '__fle_is " + name + "'[^\n]*" + flag)))
          << o;
    }
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path() / "man1"), {}),
            static_cast<std::ptrdiff_t>(all_.size()))
      << "a page for each command, and no other";
}

TEST_F(Manual, CompletionPrintsWhatTheBuildInstalls) {
  for (const auto& [name, file] :
       {std::pair{"bash", "m/bash/fle"}, {"zsh", "m/zsh/_fle"}, {"fish", "m/fish/fle.fish"}})
    EXPECT_EQ(run_fle(folder_->path(), {"completion", name}).out, folder_->read(file));
  const Ended e = run_fle(folder_->path(), {"completion", "bsh"});
  EXPECT_EQ(e.status, 2);
  EXPECT_NE(e.err.find("Did you mean 'bash'?"), std::string::npos) << e.err;
  EXPECT_EQ(run_fle(folder_->path(), {"--help"}).out.find("manual"), std::string::npos) << "hidden";
}

TEST_F(Manual, GroffTakesEveryPageWithoutAWarning) {
  if (!has_program("groff")) GTEST_SKIP() << "no groff here";
  const Said said = shell(path(), "groff -man -Tutf8 -ww -z man1/*.1");
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, "");
  const Said shown = shell(path(), "groff -man -Tascii -P-c -P-b -P-u man1/fle-encrypt.1");
  for (const char* text : {"NAME", "SYNOPSIS", "OPTIONS", "--schema FILE", "SEE ALSO", "fle(1)"})
    EXPECT_NE(shown.out.find(text), std::string::npos) << text << shown.out;
}

TEST_F(Manual, ManTakesEveryPageWithoutAWarning) {
  if (!has_program("man")) GTEST_SKIP() << "no man here";
  const Said said = shell(path(),
                          "LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l "
                          "-Tutf8 -Z man1/*.1 > /dev/null");
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, "");
}

TEST_F(Manual, MandocFindsNoFault) {
  if (!has_program("mandoc")) GTEST_SKIP() << "no mandoc here";
  const Said said = shell(path(), "mandoc -T lint -W warning man1/*.1 | grep -v 'missing date'");
  EXPECT_EQ(said.out, "");
}

TEST_F(Manual, BashCompletesCommandsOptionsAndValues) {
  if (!has_program("bash")) GTEST_SKIP() << "no bash here";
  folder_->write("m/schema one.json", "{}");
  folder_->write("complete.sh", R"(
    . m/bash/fle
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fle; echo "$* -> ${COMPREPLY[*]}"; }
    try fle enc
    try fle key re
    try fle key list --v
    try fle schema dif
    try fle inspect --format ''
    try fle inspect --format = j
    try fle completion f
    try fle encrypt --on-error s
    try fle encrypt --schema m/sch
    try fle encrypt --schema = m/sch
    try fle key list --vault-ns x
    try fle frobnicate --x
  )");
  const Said said = shell(folder_->path(), "bash --norc --noprofile -u complete.sh");
  const Args expected{"fle enc -> encrypt\n",
                      "fle key re -> rewrap remove-name retire\n",
                      "fle key list --v -> --vault --vault-ns\n",
                      "fle schema dif -> diff\n",
                      "fle inspect --format  -> bson json",
                      "fle inspect --format = j -> json",
                      "fle completion f -> fish\n",
                      "fle encrypt --on-error s -> stop skip\n",
                      "fle encrypt --schema m/sch -> m/schema one.json\n",
                      "fle encrypt --schema = m/sch -> m/schema one.json\n",
                      "fle key list --vault-ns x -> \n",
                      "fle frobnicate --x -> \n"};
  for (const std::string& line : expected) {
    EXPECT_NE(said.out.find(line), std::string::npos) << line << "\n" << said.out;
  }
  if (has_program("shellcheck")) {
    EXPECT_EQ(shell(path(), "shellcheck -s bash bash/fle").out, "");
  }
}

TEST_F(Manual, FishCompletesCommandsOptionsAndValues) {
  if (!has_program("fish")) GTEST_SKIP() << "no fish here";
  const Said syntax = shell(path(), "fish -n fish/fle.fish");
  EXPECT_EQ(syntax.status, 0);
  EXPECT_EQ(syntax.out, "");
  folder_->write("complete.fish", R"(
    source m/fish/fle.fish
    for line in 'fle enc' 'fle key ret' 'fle key list --vault-' 'fle inspect --format ' \
        'fle completion z' 'fle key list --loc'
        echo "$line -> "(complete -C $line | string split -f1 \t)
    end
  )");
  const Said said = shell(folder_->path(), "HOME=$PWD fish --no-config complete.fish");
  for (const char* line : {"fle enc -> encrypt\n", "fle key ret -> retire\n",
                           "fle key list --vault- -> --vault-ns\n", "fle inspect --format  -> bson",
                           "fle completion z -> zsh\n", "fle key list --loc -> --local-key\n"})
    EXPECT_NE(said.out.find(line), std::string::npos) << line << "\n" << said.out;
}

TEST_F(Manual, ZshTakesItsCompletion) {
  if (!has_program("zsh")) GTEST_SKIP() << "no zsh here";
  const Said syntax = shell(path(), "zsh -f -n zsh/_fle");
  EXPECT_EQ(syntax.status, 0);
  EXPECT_EQ(syntax.out, "");
  // The function itself, with stand-ins that show what it offers.
  folder_->write("complete.zsh", R"(
    compdef() { :; }
    _describe() { echo "$line -> ${subcommands[@]%%:*}"; }
    _arguments() { echo "$line -> ${#@} of $words[1], $CURRENT"; }
    source m/zsh/_fle
    for line in 'fle ' 'fle key ' 'fle key list --v'; do
      words=("${(@s: :)line}")
      CURRENT=$#words
      _fle
    done
  )");
  const Said said = shell(folder_->path(), "zsh -f complete.zsh");
  EXPECT_NE(said.out.find("fle  -> keygen key schema encrypt"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("fle key  -> create list show rewrap"), std::string::npos) << said.out;
  EXPECT_TRUE(std::regex_search(said.out, std::regex("fle key list --v -> [0-9]+ of list, 2\n")))
      << said.out;
}

}  // namespace
}  // namespace fle::test
