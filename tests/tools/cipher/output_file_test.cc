// What the command leaves in the file system: modes, owners, links, and nothing after a signal.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support/failing_calls.h"
#include "support/null_device.h"
#include "support/other_user.h"
#include "support/sanitizer.h"
#include "tools/process.h"

namespace fle::test {
namespace {

namespace fs = std::filesystem;
using Args = std::vector<std::string>;
using Prepare = std::function<void()>;

const Prepare kWithoutTmpfile = [] {
  if (!let_fail({kNoTmpfile})) ::_exit(99);
};
bool take_all(const char*, std::size_t) { return true; }

/// Whether the run has written to a file that has no name, or to a hidden one in `folder`.
bool has_begun_to_write(const TempFolder& folder, pid_t command) {
  std::error_code gone;
  const fs::path fds = "/proc/" + std::to_string(command) + "/fd";
  for (const auto& e : fs::directory_iterator(fds, gone)) {
    struct stat st {};
    if (::stat(e.path().c_str(), &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0 &&
        st.st_size > 0)
      return true;
  }
  for (const std::string& name : folder.names())
    if (name.starts_with(".") && fs::file_size(folder.path() / name, gone) > 0) return true;
  return false;
}

bool has_ended(pid_t command) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(command), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == command;
}

struct OutputFile : ::testing::Test {
  void SetUp() override {
    ::umask(022);
    ASSERT_EQ(run({"encrypt", "--schema", "schema.json", "--out", "sealed"}).status, 0);
  }
  Args with_keys(Args args) const {
    args.insert(args.end(), keys.begin(), keys.end());
    args.insert(args.end(), {"--format", "json", "--quiet"});
    return args;
  }
  Ended run(const Args& args, const Prepare& prepare = {},
            const std::string& input = kInput) const {
    std::string out;
    const Ends ends{[&](int fd, pid_t) { write_to(fd, input); },
                    [&out](const char* p, std::size_t n) {
                      out.append(p, n);
                      return true;
                    },
                    prepare};
    Ended e = run_fle(folder.path(), with_keys(args), ends);
    e.out = std::move(out);
    return e;
  }
  Ended decrypt_to(const std::string& out, const Prepare& prepare = {}) const {
    return run({"decrypt", "--in", "sealed", "--out", out}, prepare, "");
  }
  /// Decrypts to plain.json until something is written, sends the signal, and waits for the end.
  Ended interrupt(int signal, const Prepare& prepare) const {
    std::string documents;
    for (int i = 0; i < 4000; ++i)
      documents += R"({"ssn": 5, "note": ")" + std::string(500, 'n') + "\"}\n";
    const auto feed = [&](int fd, pid_t command) {
      write_to(fd, documents);
      while (!has_begun_to_write(folder, command) && !has_ended(command)) ::sched_yield();
      ::kill(command, signal);
      while (!has_ended(command)) ::sched_yield();
    };
    const auto plainly = [&prepare] {
      for (int s = 1; s < SIGRTMIN; ++s) ::signal(s, SIG_DFL);
      if (prepare) prepare();
    };
    return run_fle(folder.path(), with_keys({"decrypt", "--out", "plain.json"}),
                   {feed, take_all, plainly});
  }
  struct stat stat(const std::string& name) const {
    struct stat st {};
    if (::lstat((folder.path() / name).c_str(), &st) != 0) throw std::runtime_error("no " + name);
    return st;
  }
  mode_t mode(const std::string& name) const { return stat(name).st_mode & 07777; }
  void expect_nothing_else_than(const Args& before) const {
    Args now = folder.names();
    Args then = before;
    std::ranges::sort(now);
    std::ranges::sort(then);
    EXPECT_EQ(now, then);
  }

  static constexpr const char* kInput = "{\"ssn\": 5, \"bloodType\": \"canary\"}\n";
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

TEST_F(OutputFile, PlaintextAndKeysAreForTheirOwnerAlone) {
  ASSERT_EQ(decrypt_to("plain.json").status, 0);
  EXPECT_EQ(mode("plain.json"), 0600U);
  EXPECT_NE(folder.read("plain.json").find("canary"), std::string::npos);
  EXPECT_EQ(mode("sealed"), 0644U);
  EXPECT_EQ(mode("master.key"), 0600U);
  const Ended exported =
      run_fle(folder.path(), {"key", "export", "--vault", "keys.vault", "--out", "keys.bson"});
  EXPECT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(mode("keys.bson"), 0600U);
  const Ended marked = run_fle(
      folder.path(), {"analyze", "--schema", "schema.json", "--ns", "d.c", "--out", "marked"});
  EXPECT_EQ(marked.status, 0) << marked.err;
  EXPECT_EQ(mode("marked"), 0600U);
}

TEST_F(OutputFile, NothingIsLeftBehindBySignals) {
  folder.write("plain.json", "earlier");
  const Args before = folder.names();
  // All that end a process unless it catches them (signal(7)), except SIGPIPE and SIGXFSZ, which
  // are ignored.
  Args wrong;
  std::vector<int> signals{SIGHUP,    SIGINT,  SIGQUIT,  SIGILL,  SIGTRAP, SIGABRT,
                           SIGBUS,    SIGFPE,  SIGSEGV,  SIGSYS,  SIGUSR1, SIGUSR2,
                           SIGALRM,   SIGTERM, SIGXCPU,  SIGPROF, SIGIO,   SIGVTALRM,
                           SIGSTKFLT, SIGPWR,  SIGRTMIN, SIGRTMAX};
  // A sanitizer has handlers of its own for faults of the program.
  for (const int fault : {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV})
    if (kSanitized) std::erase(signals, fault);
  for (const Prepare& way : {Prepare(), kWithoutTmpfile}) {
    for (const int signal : signals) {
      const Ended e = interrupt(signal, way);
      if (e.status == 99) GTEST_SKIP() << "no seccomp here, so O_TMPFILE cannot be made to fail";
      EXPECT_EQ(e.signal, signal) << e.status << e.err;
      expect_nothing_else_than(before);
    }
  }
  EXPECT_EQ(folder.read("plain.json"), "earlier");
}

TEST_F(OutputFile, PlaintextDoesNotOutliveSigkill) {
  const int probe = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (probe < 0) GTEST_SKIP() << "the file system of " << folder.path() << " has no O_TMPFILE";
  ::close(probe);
  const Args before = folder.names();
  EXPECT_EQ(interrupt(SIGKILL, {}).signal, SIGKILL);
  expect_nothing_else_than(before);
}

TEST_F(OutputFile, WhatGrowsBeyondItsLimitLeavesNothing) {
  const Args before = folder.names();
  for (const Prepare& way : {Prepare([] {}), kWithoutTmpfile}) {
    for (const bool ignored : {false, true}) {
      const auto limited = [&] {
        const rlimit small{10, 10};
        ::setrlimit(RLIMIT_FSIZE, &small);
        ::signal(SIGXFSZ, ignored ? SIG_IGN : SIG_DFL);
        way();
      };
      const Ended e = decrypt_to("plain.json", limited);
      if (e.status == 99) GTEST_SKIP() << "no seccomp here, so O_TMPFILE cannot be made to fail";
      EXPECT_EQ(e.signal, 0)
          << "the system ends whoever does not ignore the signal, without a word";
      EXPECT_EQ(e.status, 1);
      EXPECT_NE(e.err.find("File too large"), std::string::npos) << e.err;
      expect_nothing_else_than(before);
    }
  }
}

TEST_F(OutputFile, ATraceThatIsCutIsToldOnce) {
  const auto limited = [] {
    const rlimit small{10, 10};
    ::setrlimit(RLIMIT_FSIZE, &small);
    ::signal(SIGXFSZ, SIG_IGN);
  };
  Args args{"encrypt", "--schema", "schema.json", "--out", "/dev/null", "--trace", "cut.log"};
  args.insert(args.end(), keys.begin(), keys.end());
  const auto feed = [](int fd, pid_t) { write_to(fd, "{\"ssn\": 5}\n"); };
  const Ended e = run_fle(folder.path(), args, {feed, take_all, limited});
  EXPECT_EQ(e.status, 0) << e.err;
  constexpr std::string_view kTold =
      "fle: warning: lines of the trace are missing: cannot write "
      "'cut.log': ";
  const std::size_t at = e.err.find(kTold);
  ASSERT_NE(at, std::string::npos) << e.err;
  EXPECT_EQ(e.err.find(kTold, at + 1), std::string::npos) << e.err;
  EXPECT_EQ(folder.read("cut.log").size(), 10U);
}

TEST_F(OutputFile, AFullDiskIsAFailureThatLeavesTheOldFile) {
  folder.write("plain.json", "earlier");
  const Args before = folder.names();
  for (const FailingCall& call : {FailingCall{SYS_fsync, ENOSPC}, FailingCall{SYS_fsync, EDQUOT}}) {
    const auto full = [&] {
      if (!let_fail({call})) ::_exit(99);
    };
    const Ended e = decrypt_to("plain.json", full);
    if (e.status == 99) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(e.status, 3) << "try again";
    EXPECT_NE(e.err.find("io_busy: cannot write 'plain.json'"), std::string::npos) << e.err;
    expect_nothing_else_than(before);
  }
  EXPECT_EQ(folder.read("plain.json"), "earlier");
}

TEST_F(OutputFile, TooLittleMemoryIsWorthAnotherTryWhereverItRunsOut) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer maps more than any limit";
  const Args before = folder.names();
  for (rlim_t mib = 18; mib <= 34; ++mib) {
    const auto limited = [mib] {
      const rlimit little{mib << 20, mib << 20};
      ::setrlimit(RLIMIT_AS, &little);
    };
    const Ended e = decrypt_to("plain.json", limited);
    constexpr int kByTheDynamicLinker = 127;
    if (e.status == 0) {
      std::filesystem::remove(folder.path() / "plain.json");
    } else if (e.status != kByTheDynamicLinker) {
      EXPECT_EQ(e.status, 3) << mib << " MiB: " << e.err;
      EXPECT_NE(e.err.find("no_memory"), std::string::npos) << e.err;
    }
    expect_nothing_else_than(before);
  }
}

// With the vault all keys would go, and with them whatever is encrypted.
TEST_F(OutputFile, IsNoneOfTheFilesThatTheCommandReadsBesideItsInput) {
  fs::create_symlink("schema.json", folder.path() / "link");
  for (const std::string& read : {keys.at(1), keys.at(3), std::string("schema.json")}) {
    const std::string before = folder.read(read);
    const std::string out = read == "schema.json" ? "link" : read;
    const Ended e = run({"encrypt", "--schema", "schema.json", "--out", out});
    EXPECT_EQ(e.status, 2);
    EXPECT_NE(e.err.find("fle: --out names the file of --"), std::string::npos) << e.err;
    EXPECT_EQ(folder.read(read), before);
  }
  const std::string vault = folder.read(keys.at(1));
  const auto nothing = [](int, pid_t) {};
  const Ended exported =
      run_fle(folder.path(), {"key", "export", "--vault", keys.at(1), "--out", "./" + keys.at(1)},
              {nothing, take_all});
  EXPECT_EQ(exported.status, 2);
  EXPECT_EQ(exported.err,
            "fle: --out names the file of --vault, which it would replace (see 'fle key export "
            "--help')\n");
  EXPECT_EQ(folder.read(keys.at(1)), vault);
}

// What a script exports for all its commands is not read by each of them.
TEST_F(OutputFile, IsNoneOfTheFilesThatSettingsName) {
  folder.write("fle.conf", "vault = \"keys.vault\"\nlocal-key = \"master.key\"\n");
  const auto refused = [&](const Args& args, const std::string& variable, const std::string& file,
                           const std::string& told) {
    const std::string before = folder.read(file);
    const auto set = [&] { ::setenv(variable.c_str(), file.c_str(), 1); };
    const Ended e = run_fle(folder.path(), args, {[](int, pid_t) {}, take_all, set});
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find("names the file of " + told), std::string::npos) << e.err;
    EXPECT_EQ(folder.read(file), before);
  };
  const Args exported{"key", "export", "--vault", "keys.vault", "--out", "./master.key"};
  refused(exported, "FLE_LOCAL_KEY", "master.key", "FLE_LOCAL_KEY");
  refused({"report", "--in", "sealed", "--html", "master.key"}, "FLE_LOCAL_KEY", "master.key",
          "FLE_LOCAL_KEY");
  refused({"generate", "patients", "--count", "1", "--out", "keys.vault"}, "FLE_VAULT",
          "keys.vault", "FLE_VAULT");
  refused({"generate", "patients", "--count", "1", "--out", "fle.conf"}, "FLE_CONFIG", "fle.conf",
          "FLE_CONFIG");
  const std::string key = folder.read("master.key");
  Args by_file = exported;
  by_file.insert(by_file.end(), {"--config", "fle.conf"});
  const Ended e = run_fle(folder.path(), by_file);
  EXPECT_EQ(e.status, 2) << e.err;
  EXPECT_NE(e.err.find("the file of 'local-key' of configuration 'fle.conf'"), std::string::npos)
      << e.err;
  EXPECT_EQ(folder.read("master.key"), key);
  // Also where a file names it for another command, or the command has no settings.
  folder.write("fle.conf", "[encrypt]\nlocal-key = \"master.key\"\n");
  EXPECT_EQ(run_fle(folder.path(), by_file).status, 2);
  refused({"generate", "patients", "--count", "1", "--out", "master.key"}, "FLE_CONFIG", "fle.conf",
          "'local-key' of configuration 'fle.conf'");
  EXPECT_EQ(folder.read("master.key"), key);
  folder.write("fle.conf", "no setting");
  const auto set = [] { ::setenv("FLE_CONFIG", "fle.conf", 1); };
  EXPECT_EQ(
      run_fle(folder.path(), {"keygen", "--out", "new.key"}, {[](int, pid_t) {}, take_all, set})
          .status,
      0);
  // What is never replaced is told as ever.
  ::setenv("FLE_LOCAL_KEY", "new.key", 1);
  const Ended again = run_fle(folder.path(), {"keygen", "--out", "new.key"});
  ::unsetenv("FLE_LOCAL_KEY");
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("File exists"), std::string::npos) << again.err;
}

// SQLite took it for a journal of its own, and removed it.
TEST_F(OutputFile, IsNoFileThatSqliteKeepsBesideAVault) {
  fs::create_symlink("keys.vault", folder.path() / "link.vault");
  const auto refused = [this](const Args& args, const std::string& of) {
    const Ended e = run_fle(folder.path(), args);
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find("names a file that SQLite keeps beside that of " + of), std::string::npos)
        << e.err;
  };
  const Args before = folder.names();
  for (const char* vault : {"keys.vault", "./keys.vault", "link.vault"})
    for (const char* ending : {"-journal", "-wal", "-shm"})
      refused({"decrypt", "--vault", vault, "--local-key", "master.key", "--in", "sealed", "--out",
               std::string("keys.vault") + ending},
              "--vault");
  refused({"report", "--vault", "keys.vault", "--in", "sealed", "--html", "keys.vault-wal"},
          "--vault");
  refused(
      {"reencrypt", "--schema", "schema.json", "--vault", "other.vault", "--local-key",
       "master.key", "--in", "sealed", "--from-vault", "link.vault", "--out", "keys.vault-journal"},
      "--from-vault");
  refused(
      {"encrypt", "--schema", "schema.json", "--vault", "keys.vault", "--local-key", "master.key",
       "--in", "in.json", "--out", "out", "--on-error", "quarantine", "keys.vault-journal"},
      "--vault");
  ::setenv("FLE_VAULT", "link.vault", 1);
  refused({"generate", "patients", "--count", "1", "--out", "keys.vault-journal"}, "FLE_VAULT");
  ::unsetenv("FLE_VAULT");
  folder.write("fle.conf", "[key.list]\nvault = \"keys.vault\"\n");
  refused(
      {"generate", "patients", "--count", "1", "--out", "keys.vault-shm", "--config", "fle.conf"},
      "'vault' of configuration 'fle.conf'");
  EXPECT_EQ(folder.names().size(), before.size() + 1) << "the configuration";
}

// Once the documents that were put aside were replaced by the others, and so lost.
TEST_F(OutputFile, OfTwoResultsNoneReplacesTheOther) {
  folder.write("in.json", std::string(kInput) + "{\"ssn\": \"wrong\"}\n");
  fs::create_directory_symlink(".", folder.path() / "here");
  fs::create_symlink("new", folder.path() / "link");
  const Args before = folder.names();
  for (const Args& more :
       {Args{"--out", "new", "--on-error", "quarantine", "./new"},
        Args{"--out", "link", "--on-error", "quarantine", "new"},
        Args{"--out", "new", "--on-error", "quarantine", "here/new"},
        Args{"--out", "new", "--resume", "--on-error", "quarantine", "new"},
        Args{"--out", "new", "--trace", "new"},
        Args{"--out", "new", "--resume", "--trace", "new.journal"},
        Args{"--out", "new", "--resume", "--trace", "./new.partial"},
        Args{"--out", "new", "--resume", "--on-error", "quarantine", "new.journal"},
        Args{"--out", "new.partial", "--resume", "--on-error", "quarantine", "new"},
        Args{"--out", "new", "--trace", "log", "--on-error", "quarantine", "log"}}) {
    Args args{"encrypt", "--schema", "schema.json", "--in", "in.json"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run(args);
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find("name one file: one of them would replace the other"), std::string::npos)
        << e.err;
    EXPECT_EQ(folder.names(), before);
  }
  EXPECT_EQ(run({"encrypt", "--schema", "schema.json", "--in", "in.json", "--out", "/dev/null",
                 "--trace", "/dev/null", "--on-error", "skip"})
                .status,
            1);
}

// "$OUT" of a variable that is not set: plaintext went to standard output.
TEST_F(OutputFile, AnEmptyNameIsNotAsGoodAsNone) {
  for (const char* option : {"--out", "--in", "--trace", "--seal-key", "--config"}) {
    const Ended e = run({"decrypt", option, ""}, {}, "");
    EXPECT_EQ(e.status, 2) << option;
    EXPECT_EQ(e.out, "") << option;
    EXPECT_NE(e.err.find(std::string(option) + ": its value is empty"), std::string::npos) << e.err;
  }
  for (const Args& command : {Args{"schema"}, Args{"schema", "lint"}, Args{"schema", "server"}}) {
    Args args = command;
    args.emplace_back("");
    const Ended e = run_fle(folder.path(), args, "{}");
    EXPECT_EQ(e.status, 2);
    EXPECT_NE(e.err.find("FILE: its value is empty"), std::string::npos) << e.err;
  }
}

// The second one found nothing, and documents that are not there are no failure.
TEST_F(OutputFile, StandardInputIsReadOnce) {
  folder.write("in.json", kInput);
  const std::pair<Args, std::string> cases[] = {
      {{"decrypt", "--vault", "keys.vault", "--local-key", "-"}, "--local-key"},
      {{"decrypt", "--vault", "keys.vault", "--in", "-", "--kms", "/dev/stdin"}, "--kms"},
      {{"encrypt", "--vault", "keys.vault", "--local-key", "master.key", "--schema", "/dev/fd/0"},
       "--schema"},
      {{"analyze", "--ns", "d.c", "--schema", "schema.json", "--schema-for", "d.e=-"},
       "--schema-for"},
      {{"report", "--schema", "-"}, "--schema"},
      {{"decrypt", "--vault", "@-", "--local-key", "master.key"}, "--vault"},
      {{"reencrypt", "--schema", "schema.json", "--vault", "keys.vault", "--local-key",
        "master.key", "--from-vault", "@/dev/stdin"},
       "--from-vault"},
      {{"schema", "diff", "-", "-"}, "OLD"}};
  for (const auto& [args, told] : cases) {
    const Ended e = run_fle(folder.path(), args, folder.read("schema.json"));
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find("cannot both be read from standard input"), std::string::npos) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
  }
  const auto refused = [this](const Args& args) {
    const Ended e = run_fle(folder.path(), args, "quiet = true\n");
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find("--config cannot both be read"), std::string::npos) << e.err;
  };
  refused({"report", "--config", "-"});
  ::setenv("FLE_CONFIG", "/dev/stdin", 1);
  refused({"report"});
  ::unsetenv("FLE_CONFIG");
  const Ended one = run_fle(folder.path(), {"report", "--schema", "-", "--in", "in.json"},
                            folder.read("schema.json"));
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(run_fle(folder.path(), {"schema", "-"}, folder.read("schema.json")).status, 0);
}

TEST_F(OutputFile, IsNotTheInputUnlessItIsMadeOfThat) {
  folder.write("in.json", kInput);
  const Ended page = run_fle(folder.path(), {"report", "--in", "in.json", "--html", "./in.json"});
  EXPECT_EQ(page.status, 2);
  EXPECT_NE(page.err.find("--html names the file of --in"), std::string::npos) << page.err;
  const Ended traced =
      run({"encrypt", "--schema", "schema.json", "--in", "in.json", "--trace", "in.json"});
  EXPECT_EQ(traced.status, 2);
  EXPECT_NE(traced.err.find("--trace names the file of --in"), std::string::npos) << traced.err;
  Args create{"key", "create", "--key-material", "in.json", "--trace", "in.json"};
  create.insert(create.end(), keys.begin(), keys.end());
  const Ended material = run_fle(folder.path(), create);
  EXPECT_EQ(material.status, 2);
  EXPECT_NE(material.err.find("--trace names the file of --key-material"), std::string::npos)
      << material.err;
  EXPECT_EQ(folder.read("in.json"), kInput);
}

// What a dump has beside its documents is copied with it, and read again by the next command.
TEST_F(OutputFile, IsNotWithinTheFolderThatIsRead) {
  fs::create_directories(folder.path() / "dump" / "clinic");
  fs::create_directory_symlink("dump/clinic", folder.path() / "link");
  folder.write("dump/clinic/patients.bson", "");
  for (const char* place : {"dump/new", "./dump/clinic/../new", "link/new"}) {
    const std::pair<Args, std::string> results[] = {
        {{"decrypt", "--out", place}, "--out"},
        {{"decrypt", "--out", "new", "--on-error", "quarantine", place}, "--on-error"},
        {{"decrypt", "--out", "new", "--trace", place}, "--trace"}};
    for (auto [args, option] : results) {
      args.insert(args.end(), {"--in", "dump"});
      args.insert(args.end(), keys.begin(), keys.end());
      const Ended e = run_fle(folder.path(), args);
      EXPECT_EQ(e.status, 2) << e.err;
      EXPECT_EQ(e.err.find("fle: " + option + " names a place in the folder of --in"), 0U) << e.err;
    }
    EXPECT_EQ(run_fle(folder.path(), {"report", "--in", "dump", "--html", place}).status, 2);
  }
  EXPECT_FALSE(folder.has("dump/new"));
  EXPECT_FALSE(folder.has("dump/clinic/new"));
  Args beside{"decrypt", "--in", "dump", "--out", "dump.new"};
  beside.insert(beside.end(), keys.begin(), keys.end());
  EXPECT_EQ(run_fle(folder.path(), beside).status, 0);
}

// NFS has no RENAME_NOREPLACE: all the work was for nothing.
TEST_F(OutputFile, AFolderGetsItsNameOnEveryFileSystem) {
  std::filesystem::create_directories(folder.path() / "dump/d");
  folder.write("dump/d/c.bson", "");
  const auto encrypt_to = [&](const char* out, std::vector<FailingCall> calls) {
    Args args{"encrypt", "--schema", "schema.json", "--in", "dump", "--out", out};
    args.insert(args.end(), keys.begin(), keys.end());
    const auto failing = [calls] {
      if (!let_fail(calls)) ::_exit(99);
    };
    return run_fle(folder.path(), args, {[](int, pid_t) {}, take_all, failing});
  };
  const Ended e = encrypt_to("made", {{SYS_renameat2, EINVAL}});
  if (e.status == 99) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(folder.has("made/d/c.bson"));
  const Args before = folder.names();
  EXPECT_EQ(encrypt_to("other", {{SYS_renameat2, EINVAL}, {SYS_mkdirat, EEXIST}}).status, 1);
  EXPECT_EQ(encrypt_to("other", {{SYS_renameat2, EPERM}}).status, 1);
  expect_nothing_else_than(before);
}

TEST_F(OutputFile, LosesNothingInThePlaceOfItsInput) {
  folder.write("in.json", kInput);
  for (const Args& more : {Args{"--part", "1/2"}, Args{"--on-error", "skip"}}) {
    Args args{"encrypt", "--schema", "schema.json", "--in", "in.json", "--out", "./in.json"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run(args);
    EXPECT_EQ(e.status, 2);
    EXPECT_NE(e.err.find(" needs an --out that is not the input"), std::string::npos) << e.err;
    EXPECT_EQ(folder.read("in.json"), kInput);
  }
  EXPECT_EQ(
      run({"encrypt", "--schema", "schema.json", "--in", "in.json", "--out", "in.json"}).status, 0);
}

TEST_F(OutputFile, AFullDiskOrTableUnderAKeyVaultOrAListIsWorthAnotherTry) {
  const auto fle = [&](Args args, const Prepare& prepare) {
    args.insert(args.end(), keys.begin(), keys.end());
    return run_fle(folder.path(), args, {[](int, pid_t) {}, take_all, prepare});
  };
  const Prepare no_space_for_vaults = [] {
    if (!let_fail({{SYS_pwrite64, ENOSPC}})) ::_exit(99);
  };
  const Ended vault = fle({"key", "create"}, no_space_for_vaults);
  if (vault.status == 99) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(vault.status, 3) << vault.err;
  EXPECT_NE(vault.err.find("io_busy: key vault '"), std::string::npos) << vault.err;
  for (const unsigned flags :
       {unsigned{O_PATH}, unsigned{O_NOFOLLOW}}) {  // when we look for it, when SQLite opens it
    const Ended full = fle({"key", "create"}, [flags] {
      if (!let_fail({{SYS_openat, EMFILE, 2, flags}})) ::_exit(99);
    });
    EXPECT_EQ(full.status, 3) << full.err;
    EXPECT_NE(full.err.find("Too many open files"), std::string::npos) << full.err;
  }

  const Prepare to_full_device = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
  const Ended list = fle({"key", "list"}, to_full_device);
  EXPECT_EQ(list.status, 3) << list.err;
  EXPECT_EQ(list.err, "fle: io_busy: cannot write 'standard output': No space left on device\n");
  // A key that was made, and whose id went nowhere.
  const Ended untold = fle({"key", "create"}, to_full_device);
  EXPECT_EQ(untold.status, 3) << untold.err;
  constexpr std::string_view kMade = "No space left on device; the data key ";
  const std::size_t at = untold.err.find(kMade);
  ASSERT_NE(at, std::string::npos) << untold.err;
  const std::string id = untold.err.substr(at + kMade.size(), 36);
  const Ended shown = run_fle(folder.path(), {"key", "show", id, "--vault", "keys.vault"});
  EXPECT_EQ(shown.status, 0) << shown.err;
}

TEST_F(OutputFile, AKeygenThatIsStoppedAnywhereDoesNotStopTheNext) {
  const Args before = folder.names();
  for (const FailingCall& call : {FailingCall{SYS_write, ENOSPC}, FailingCall{SYS_fsync, EIO},
                                  FailingCall{SYS_linkat, EPERM}}) {
    for (const bool named : {false, true}) {
      const auto failing = [&] {
        std::vector<FailingCall> calls{call, {SYS_renameat2, EPERM}};
        if (call.number == SYS_write) calls = {{SYS_write, ENOSPC, 2, 96}};
        if (named) calls.push_back(kNoTmpfile);
        if (!let_fail(calls)) ::_exit(99);
      };
      const auto nothing = [](int, pid_t) {};
      const Ended e =
          run_fle(folder.path(), {"keygen", "--out", "new.key"}, {nothing, take_all, failing});
      if (e.status == 99) GTEST_SKIP() << "no seccomp here";
      EXPECT_EQ(e.status, call.error == ENOSPC ? 3 : 1) << call.number;
      expect_nothing_else_than(before);
    }
  }
  EXPECT_EQ(run_fle(folder.path(), {"keygen", "--out", "new.key"}).status, 0);
  EXPECT_EQ(folder.read("new.key").size(), 96U);
  EXPECT_EQ(mode("new.key"), 0600U);
  fs::create_symlink("elsewhere", folder.path() / "link.key");
  EXPECT_EQ(run_fle(folder.path(), {"keygen", "--out", "link.key"}).status, 1);
  EXPECT_FALSE(folder.has("elsewhere"));
}

TEST_F(OutputFile, DescriptorsDevicesAndPipesAreWrittenToAsTheyAre) {
  const std::string plain = decrypt_to("-").out;
  ASSERT_NE(plain.find("canary"), std::string::npos);
  for (const char* out : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    const Ended e = decrypt_to(out);
    EXPECT_EQ(e.status, 0) << e.err;
    EXPECT_EQ(e.out, plain) << out;
    // "fle ... --out /dev/stdout >> file" appends.
    folder.write("file", "first\n");
    const auto appending = [&] { ::dup2(::open("file", O_WRONLY | O_APPEND), STDOUT_FILENO); };
    EXPECT_EQ(decrypt_to(out, appending).status, 0);
    EXPECT_EQ(folder.read("file"), "first\n" + plain) << out;
  }
  if (const std::string device = null_device(folder.path()); !device.empty()) {
    EXPECT_EQ(decrypt_to(device).status, 0);
    EXPECT_TRUE(fs::is_character_file(device));
  }
  ASSERT_EQ(::mkfifo((folder.path() / "fifo").c_str(), 0600), 0);
  const int reader = ::open((folder.path() / "fifo").c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(decrypt_to("fifo").status, 0);
  std::string read(plain.size() + 1, '\0');
  EXPECT_EQ(::read(reader, read.data(), read.size()), static_cast<ssize_t>(plain.size()));
  ::close(reader);
  EXPECT_TRUE(S_ISFIFO(stat("fifo").st_mode));
  for (const char* folder_name : {".", "./", "/"}) EXPECT_EQ(decrypt_to(folder_name).status, 1);
}

/// Root's documents, and what another user has put in the way.
struct OutputFileOfTwoUsers : OutputFile {
  void SetUp() override {
    FLE_SKIP_UNLESS_ROOT();
    OutputFile::SetUp();
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    fs::create_directory(folder.path() / "tmp");
    ASSERT_EQ(::chmod((folder.path() / "tmp").c_str(), 01777), 0);
  }
  void give(const std::string& name, uid_t user) const {
    ASSERT_EQ(::lchown((folder.path() / name).c_str(), user, user), 0);
  }
};

TEST_F(OutputFileOfTwoUsers, TrapsInASharedFolderAreNotWalkedInto) {
  folder.write("precious", "earlier");
  fs::create_symlink("../precious", folder.path() / "tmp/link");
  fs::create_symlink("made", folder.path() / "tmp/dangling");
  folder.write("tmp/file", "earlier");
  ASSERT_EQ(::mkfifo((folder.path() / "tmp/fifo").c_str(), 0666), 0);
  for (const char* name : {"tmp/link", "tmp/dangling", "tmp/file", "tmp/fifo"})
    give(name, kMallory);
  for (const char* name : {"tmp/link", "tmp/dangling", "tmp/file", "tmp/fifo"}) {
    const Ended e = decrypt_to(name);
    EXPECT_EQ(e.status, 1) << name;
    EXPECT_NE(e.err.find("of another user (64102)"), std::string::npos) << e.err;
  }
  EXPECT_EQ(folder.read("precious"), "earlier");
  EXPECT_EQ(folder.read("tmp/file"), "earlier");
  EXPECT_FALSE(folder.has("tmp/made"));
  EXPECT_EQ(decrypt_to("tmp/own").status, 0);
  EXPECT_EQ(mode("tmp/own"), 0600U);
}

TEST_F(OutputFileOfTwoUsers, AReplacedFileKeepsItsOwner) {
  folder.write("theirs", "earlier");
  give("theirs", kMallory);
  ASSERT_EQ(decrypt_to("theirs").status, 0);
  EXPECT_EQ(stat("theirs").st_uid, kMallory);
  EXPECT_EQ(stat("theirs").st_gid, kMallory);
}

TEST_F(OutputFileOfTwoUsers, KeyFilesThatOthersMayChangeAreRefused) {
  folder.write("kms.json", R"({"local": {"key": ")" + std::string(128, 'A') + R"("}})");
  folder.write("options.json", "{}");
  const auto refused = [&](const std::string& why) {
    const Ended e = run({"decrypt", "--in", "sealed"});
    EXPECT_EQ(e.status, 1);
    EXPECT_NE(e.err.find(why), std::string::npos) << e.err;
    EXPECT_EQ(e.out, "");
  };
  for (const auto& [name, what, its_mode] :
       {std::tuple{"keys.vault", "key vault", 0600U}, {"master.key", "master key", 0600U}}) {
    const fs::path path = folder.path() / name;
    for (const mode_t open : {0666U, 0620U}) {
      ASSERT_EQ(::chmod(path.c_str(), open), 0);
      refused(std::string(what) + " '" + name + "': other users may write to it");
    }
    ASSERT_EQ(::chmod(path.c_str(), its_mode), 0);
    give(name, kMallory);
    refused(std::string(what) + " '" + name + "': it belongs to user 64102");
    give(name, 0);
    EXPECT_EQ(run({"decrypt", "--in", "sealed"}).status, 0);
  }
  for (const char* option : {"--kms", "--kms-options"}) {
    const std::string name = option == std::string("--kms") ? "kms.json" : "options.json";
    Args args{"decrypt", "--vault", "keys.vault", "--in", "sealed", option, name};
    if (name == "options.json") args.insert(args.end(), {"--kms", "kms.json"});
    ASSERT_EQ(::chmod((folder.path() / "kms.json").c_str(), 0600), 0);
    give(name, kMallory);
    const Ended e = run_fle(folder.path(), args);
    EXPECT_EQ(e.status, 1);
    EXPECT_NE(e.err.find("'" + name + "': it belongs to user 64102"), std::string::npos) << e.err;
    give(name, 0);
  }
}

}  // namespace
}  // namespace fle::test
