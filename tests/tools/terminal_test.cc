// What the fle command does on a terminal.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <regex>

#include <gtest/gtest.h>

#include "mongo_fixture/mongo_fixture.h"
#include "process.h"

namespace fle::test {
namespace {

struct OnATerminal : ::testing::Test {
  Ended run(const std::vector<std::string>& args, Terminal& terminal,
            const std::string& input = {}) const {
    return run_fle(folder.path(), args, terminal, input);
  }
  std::vector<std::string> with_keys(std::vector<std::string> args) const {
    args.insert(args.end(), keys.begin(), keys.end());
    return args;
  }
  std::vector<std::string> encrypt(const std::string& format) const {
    return with_keys({"encrypt", "--schema", "schema.json", "--format", format});
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

const std::string kPatient = "{\"ssn\": 5, \"bloodType\": \"AB+\"}\n";
const std::string kEmptyDocument("\5\0\0\0\0", 5);

std::string repeated(const std::string& text, int n) {
  std::string s;
  for (int i = 0; i < n; ++i) s += text;
  return s;
}

TEST_F(OnATerminal, BsonIsRefusedWithAdvice) {
  const std::string ns = "clinic.patients";
  for (const std::vector<std::string>& args :
       {encrypt("bson"),
        with_keys({"decrypt"}),
        with_keys({"command", "--schema", "schema.json", "--ns", ns}),
        {"analyze", "--schema", "schema.json", "--ns", ns},
        {"key", "export", "--vault", "keys.vault"}}) {
    Terminal terminal;
    terminal.out = true;
    const Ended e = run(args, terminal, kEmptyDocument);
    EXPECT_EQ(e.status, 1) << args[0];
    EXPECT_EQ(terminal.screen, "") << args[0];
    EXPECT_TRUE(
        std::regex_search(e.err, std::regex("^fle: [^\n]*--out FILE[^\n]*--(format|to) json\n$")))
        << e.err;
  }
  Terminal terminal;
  terminal.out = true;
  auto to_file = encrypt("bson");
  to_file.insert(to_file.end(), {"--out", "sealed.bson"});
  EXPECT_EQ(run(to_file, terminal, kEmptyDocument).status, 0);
}

TEST_F(OnATerminal, NoBarIsDrawnIntoDocuments) {
  Terminal terminal;
  terminal.out = terminal.err = true;
  const Ended e = run(encrypt("json"), terminal, repeated(kPatient, 3000));
  EXPECT_EQ(e.status, 0);
  EXPECT_EQ(terminal.screen.find('\x1b'), std::string::npos);
  EXPECT_NE(terminal.screen.find("fle: 3000 documents, 6000 fields encrypted\r\n"),
            std::string::npos);
}

/// The bars that were drawn: what stands between "return, erase the line" and the next of them.
std::vector<std::string> bars_on(const std::string& screen) {
  const std::string kErase = "\r\x1b[K";
  std::vector<std::string> bars;
  for (std::size_t at = screen.find(kErase); at != std::string::npos;) {
    at += kErase.size();
    const std::size_t end = screen.find(kErase, at);
    if (end == std::string::npos) break;
    bars.push_back(screen.substr(at, end - at));
    at = end;
  }
  return bars;
}

TEST_F(OnATerminal, NoBarIsDrawnWhereControlSequencesWouldBeSeen) {
  const char* const usual = std::getenv("TERM");
  const std::string before = usual == nullptr ? "" : usual;
  ::setenv("TERM", "dumb", 1);
  folder.write("in.json", repeated(kPatient, 3000));
  Terminal terminal;
  terminal.err = true;
  auto args = encrypt("json");
  args.insert(args.end(), {"--in", "in.json"});
  EXPECT_EQ(run(args, terminal).status, 0);
  EXPECT_EQ(terminal.screen.find('\x1b'), std::string::npos) << terminal.screen;
  EXPECT_TRUE(terminal.screen.starts_with("fle: 3000 documents, ")) << terminal.screen;
  usual == nullptr ? ::unsetenv("TERM") : ::setenv("TERM", before.c_str(), 1);
}

TEST_F(OnATerminal, TheBarIsOneLineWhateverTheWidth) {
  folder.write("in.json", repeated(kPatient, 3000));
  for (const char* in : {"in.json", "-"}) {
    for (const unsigned columns : {1U, 2U, 5U, 10U, 20U, 40U, 60U, 80U, 500U}) {
      Terminal terminal;
      terminal.err = true;
      terminal.columns = static_cast<unsigned short>(columns);
      auto args = encrypt("json");
      args.insert(args.end(), {"--in", in});
      const Ended e = run(args, terminal, repeated(kPatient, 3000));
      EXPECT_EQ(e.status, 0);
      const std::vector<std::string> bars = bars_on(terminal.screen);
      ASSERT_FALSE(bars.empty()) << columns;
      for (const std::string& bar : bars) {
        EXPECT_LT(bar.size(), columns) << bar;
        EXPECT_EQ(bar.find('\n'), std::string::npos) << bar;
      }
      if (columns == 80) {
        EXPECT_NE(bars[0].find("documents"), std::string::npos) << bars[0];
        // Of a pipe nobody knows how much will come.
        const std::regex left("[0-9]%  [0-9]+ documents  [0-9.]+ MiB/s  [0-9:]+:[0-9]{2} left$");
        EXPECT_EQ(std::regex_search(bars[0], left), std::string_view(in) != "-") << bars[0];
      }
    }
  }
}

TEST_F(OnATerminal, DeletingAKeyIsAskedFor) {
  const std::vector<std::string> args{"key", "delete", "--vault", "keys.vault", "patients"};
  for (const char* answer : {"n\n", "\n", "x\n", "yn\n", "\x04"}) {
    Terminal terminal;
    terminal.in = terminal.err = true;
    terminal.answer = answer;
    const Ended e = run(args, terminal);
    EXPECT_EQ(e.status, 1) << answer;
    EXPECT_NE(terminal.screen.find("Delete 1 key"), std::string::npos) << terminal.screen;
    EXPECT_NE(terminal.screen.find("(patients)? [y/N] "), std::string::npos) << terminal.screen;
    EXPECT_NE(terminal.screen.find("nothing was deleted"), std::string::npos) << terminal.screen;
  }
  Terminal terminal;
  terminal.in = terminal.err = true;
  terminal.answer = "y\n";
  const Ended e = run(args, terminal);
  EXPECT_EQ(e.status, 0);
  EXPECT_NE(e.out.find("  deleted\n"), std::string::npos) << e.out;
}

TEST_F(OnATerminal, DeletingIsNotAskedForWithYesNorWithoutATerminal) {
  Terminal terminal;
  terminal.in = terminal.err = true;
  EXPECT_EQ(run({"key", "delete", "--vault", "keys.vault", "--yes", "patients"}, terminal).status,
            0);
  EXPECT_EQ(terminal.screen, "");
  ASSERT_EQ(run_fle(folder.path(), with_keys({"key", "create", "--alt-name", "other"})).status, 0);
  const Ended e =
      run_fle(folder.path(), {"key", "delete", "--vault", "keys.vault", "other"}, "n\n");
  EXPECT_EQ(e.status, 0) << e.err;
}

struct PasswordOnATerminal : OnATerminal {
  void SetUp() override {
    if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
    server.emplace();
    if (!server->is_ours()) GTEST_SKIP() << "a real server does not tell what it was sent";
  }
  /// The server's address with a user who logs in with a password in the clear: so it is seen.
  [[nodiscard]] std::string uri(const std::string& user,
                                const std::string& mechanism = "PLAIN") const {
    std::string out = server->uri();
    out.insert(out.find("//") + 2, user + "@");
    return out + (out.find('?') == std::string::npos ? "/?" : "&") + "authMechanism=" + mechanism;
  }
  Ended list(const std::string& vault, Terminal& terminal) const {
    return run({"key", "list", "--vault", vault}, terminal);
  }
  std::optional<MongoFixture> server;
};

TEST_F(PasswordOnATerminal, IsAskedForAndNotShown) {
  folder.write("address", uri("medic%40ward") + "\n");
  std::filesystem::permissions(folder.path() / "address", std::filesystem::perms::owner_read);
  for (const std::string& vault : {uri("medic%40ward"), std::string("@address")}) {
    Terminal terminal;
    terminal.in = terminal.err = true;
    terminal.prompt = "key vault: ";
    terminal.answer = "p@ss/w:rd%7\n";
    const Ended e = list(vault, terminal);
    EXPECT_EQ(e.status, 1) << "this server lets nobody in";
    EXPECT_NE(terminal.screen.find("Password of 'medic%40ward' for the key vault: "),
              std::string::npos)
        << terminal.screen;
    EXPECT_EQ(terminal.screen.find("p@ss"), std::string::npos) << terminal.screen;
    EXPECT_EQ(e.out.find("p@ss"), std::string::npos) << e.out;
    // Base64 of NUL medic@ward NUL p@ss/w:rd%7, as PLAIN sends them (RFC 4616).
    EXPECT_NE(server->bytes().find("AG1lZGljQHdhcmQAcEBzcy93OnJkJTc="), std::string::npos);
  }
}

TEST_F(PasswordOnATerminal, MayBeRefused) {
  for (const char* answer : {"\n", "\x04", "half\x03"}) {
    Terminal terminal;
    terminal.in = terminal.err = true;
    terminal.prompt = "key vault: ";
    terminal.answer = answer;
    EXPECT_EQ(list(uri("medic"), terminal).status, 1);
    EXPECT_NE(terminal.screen.find("no password was given"), std::string::npos) << terminal.screen;
    EXPECT_EQ(terminal.screen.find("half"), std::string::npos) << terminal.screen;
  }
}

TEST_F(PasswordOnATerminal, LeavesATerminalThatShowsWhatIsTyped) {
  for (const int signal : {0, SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
    Terminal terminal;
    terminal.in = terminal.err = true;
    terminal.prompt = "key vault: ";
    terminal.signal = signal;
    if (signal == 0) terminal.answer = "\n";
    const Ended e = list(uri("medic"), terminal);
    EXPECT_EQ(e.signal, signal);
    EXPECT_TRUE(terminal.echoes) << signal;
  }
}

TEST_F(PasswordOnATerminal, IsNotAskedForWhereThereIsOneOrNoneIsNeeded) {
  std::string in_capitals = uri("CN=medic", "MONGODB-X509");
  in_capitals.replace(in_capitals.find("authMechanism"), 13, "AUTHMECHANISM");
  for (const std::string& vault :
       {uri("medic:pa55"), server->uri(), uri("CN=medic", "MONGODB-X509"), in_capitals}) {
    Terminal terminal;
    terminal.in = terminal.err = true;
    static_cast<void>(list(vault, terminal));
    EXPECT_EQ(terminal.screen.find("Password of"), std::string::npos) << terminal.screen;
  }
  // Nor of what is no terminal.
  Terminal terminal;
  terminal.err = true;
  static_cast<void>(run({"key", "list", "--vault", uri("medic")}, terminal, "pa55\n"));
  EXPECT_EQ(terminal.screen.find("Password of"), std::string::npos) << terminal.screen;
  EXPECT_EQ(server->bytes().find("pa55\n"), std::string::npos);
}

}  // namespace
}  // namespace fle::test
