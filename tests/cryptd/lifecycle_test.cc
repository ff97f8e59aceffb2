// From the command line to the exit: addresses, sockets, files, signals.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"

namespace fle::test {
namespace {

using Options = std::vector<std::string>;

constexpr std::string_view kHello = R"({"hello": 1, "$db": "admin"})";

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

/// Whether something can be connected to.
template <class Where>
bool answers(const Where& where) {
  try {
    return Client(where).ask(kHello).code() == 0;
  } catch (const std::system_error&) {
    return false;
  }
}

TEST(CryptdLifecycle, EndsByItselfWithoutCommandsInEitherSpelling) {
  Daemon one({"--idleShutdownTimeoutSecs=1"});
  Daemon other({"--idleShutdownTimeoutSecs", "1"});
  for (Daemon* d : {&one, &other}) {
    EXPECT_EQ(d->wait(), 0);
    EXPECT_NE(d->out().find(R"("reason":"idle")"), std::string::npos);
  }
}

TEST(CryptdLifecycle, SignalsEndItCleanly) {
  for (const int number : {SIGTERM, SIGINT}) {
    Daemon d({"--pidfilepath", "pid"});
    Client c(d.port());
    ASSERT_EQ(c.ask(kHello).code(), 0);
    EXPECT_EQ(d.folder().read("pid"), std::to_string(d.pid()) + "\n");
    d.signal(number);
    EXPECT_TRUE(c.closed());
    EXPECT_EQ(d.wait(), 0);
    EXPECT_TRUE(exists(d.folder().file("pid")));
    EXPECT_EQ(d.folder().read("pid"), "");
    EXPECT_NE(d.out().find(R"("exitCode":0)"), std::string::npos);
  }
}

TEST(CryptdLifecycle, ARequestInFlightIsAnsweredAfterSigterm) {
  Daemon d;
  Client c(d.port());
  ASSERT_EQ(c.ask(kHello).code(), 0);
  const Buf m = op_msg(R"({"insert": "c", "documents": [{"f": ")" + std::string(1 << 20, 'x') +
                       R"("}], "jsonSchema": {}, "isRemoteSchema": true, "$db": "d"})");
  c.send(Bytes(m).first(m.size() / 2));
  d.signal(SIGTERM);
  ASSERT_TRUE(
      eventually([&d] { return d.out().find(R"("reason":"signal")") != std::string::npos; }));
  c.send(Bytes(m).subspan(m.size() / 2));
  const auto reply = c.read();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code(), 0);
  EXPECT_EQ(d.wait(), 0);
}

TEST(CryptdLifecycle, ASecondSignalDoesNotWait) {
  Daemon d({"--pidfilepath", "pid"});
  Client c(d.port());
  ASSERT_EQ(c.ask(kHello).code(), 0);
  c.send(Bytes(op_msg(kHello)).first(7));  // a message that never ends
  ASSERT_EQ(Client(d.port()).ask(kHello).code(), 0);
  d.signal(SIGTERM);
  ASSERT_TRUE(
      eventually([&d] { return d.out().find(R"("reason":"signal")") != std::string::npos; }));
  d.signal(SIGTERM);
  EXPECT_EQ(d.wait(), 0);
  EXPECT_NE(d.out().find("Not waiting any longer"), std::string::npos);
  EXPECT_EQ(d.folder().read("pid"), "");
}

TEST(CryptdLifecycle, ThePidFileHasItsDefaultNameInTheWorkingFolder) {
  Daemon d;
  d.port();
  EXPECT_TRUE(eventually(
      [&d] { return d.folder().read("mongocryptd.pid") == std::to_string(d.pid()) + "\n"; }));
}

TEST(CryptdLifecycle, APidFileThatIsALinkIsNotFollowed) {
  Folder f;
  { std::ofstream(f.file("precious")) << "content"; }
  ASSERT_EQ(::symlink(f.file("precious").c_str(), f.file("pid").c_str()), 0);
  Daemon named({"--pidfilepath", f.file("pid")});
  EXPECT_EQ(named.wait(), 1);
  EXPECT_EQ(f.read("precious"), "content");
  Daemon good({"--pidfilepath", f.file("other")});
  good.port();
  ASSERT_TRUE(eventually([&f] { return !f.read("other").empty(); }));
  // Another process has put its number there: that stays.
  { std::ofstream(f.file("other")) << "12345\n"; }
  good.signal(SIGTERM);
  EXPECT_EQ(good.wait(), 0);
  EXPECT_EQ(f.read("other"), "12345\n");
}

TEST(CryptdLifecycle, AnOccupiedPortIsOneLineAndStatus48) {
  Daemon first;
  const std::string port = std::to_string(first.port());
  Daemon second({"--port", port, "--pidfilepath", "pid"});
  EXPECT_EQ(second.wait(), 48);
  EXPECT_EQ(second.err(),
            "fle-cryptd: cannot listen on 127.0.0.1:" + port + ": Address already in use\n");
  EXPECT_FALSE(exists(second.folder().file("pid")));
  Daemon logged({"--port", port, "--logpath", "log"});
  EXPECT_EQ(logged.wait(), 48);
  EXPECT_NE(logged.folder().read("log").find("Address already in use"), std::string::npos);
  EXPECT_TRUE(answers(first.port()));
}

TEST(CryptdLifecycle, SeveralAddressesShareOnePort) {
  Daemon d({"--bind_ip", "127.0.0.1,127.0.0.2,localhost"});
  for (const char* address : {"127.0.0.1", "127.0.0.2"})
    EXPECT_EQ(Client(d.port(), address).ask(kHello).code(), 0) << address;
  EXPECT_THROW(Client(d.port(), "127.0.0.3"), std::system_error);
  // As clients read it: bare addresses first, then the port.
  const std::string log = d.out();
  const std::size_t first = log.find(R"("msg":"Listening on","attr":{"address":"127.0.0.1"})");
  const std::size_t waiting = log.find(R"("msg":"Waiting for connections")");
  EXPECT_LT(first, waiting);
  EXPECT_NE(waiting, std::string::npos);
}

TEST(CryptdLifecycle, ListensOnIpv6WhereThereIsOne) {
  if (!exists("/proc/net/if_inet6") || Folder().read("/proc/net/if_inet6").empty())
    GTEST_SKIP() << "no IPv6 here";
  Daemon d({"--bind_ip", "127.0.0.1,::1"});
  for (const char* address : {"127.0.0.1", "::1"})
    EXPECT_EQ(Client(d.port(), address).ask(kHello).code(), 0) << address;
}

TEST(CryptdLifecycle, TheUnixSocketIsForItsUserAloneAndGoesAwayAtTheEnd) {
  Folder f;
  const std::string path = f.file("mongocryptd.sock");
  Daemon d({"--unixSocketPrefix", f.path()});
  d.port();
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_TRUE(S_ISSOCK(st.st_mode));
  EXPECT_EQ(st.st_mode & 0777, 0700U);
  EXPECT_EQ(Client(path).ask(kHello).code(), 0);
  EXPECT_NE(d.out().find("\"address\":\"" + path + '"'), std::string::npos);
  d.signal(SIGTERM);
  EXPECT_EQ(d.wait(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(f.path()));
}

TEST(CryptdLifecycle, NothingStaysInTheFolderOfASocketThatWasReplaced) {
  Folder f;
  for (const int signal : {SIGKILL, SIGTERM}) {
    Daemon d({"--unixSocketPrefix", f.path()});
    d.port();
    d.signal(signal);
    d.wait();
  }
  EXPECT_TRUE(std::filesystem::is_empty(f.path()));
}

TEST(CryptdLifecycle, TheGroupConnectsWhereItIsLetIn) {
  Folder f;
  const std::string path = f.file("mongocryptd.sock");
  Daemon d({"--unixSocketPrefix", f.path(), "--filePermissions", "0770"});
  d.port();
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0770U);
  EXPECT_EQ(Client(path).ask(kHello).code(), 0);
}

TEST(CryptdLifecycle, AStaleSocketIsReplacedAndALiveOneIsNot) {
  Folder f;
  const std::string path = f.file("mongocryptd.sock");
  {
    Daemon killed({"--unixSocketPrefix", f.path()});
    killed.port();
    killed.signal(SIGKILL);
    killed.wait();
  }
  ASSERT_TRUE(exists(path));
  Daemon next({"--unixSocketPrefix", f.path()});
  next.port();
  EXPECT_TRUE(answers(path));
  Daemon another({"--unixSocketPrefix", f.path()});
  EXPECT_EQ(another.wait(), 48);
  EXPECT_EQ(another.err(), "fle-cryptd: cannot listen on " + path + ": Address already in use\n");
  EXPECT_TRUE(answers(path));
}

TEST(CryptdLifecycle, WhatIsNoSocketIsNotReplaced) {
  Folder f;
  { std::ofstream(f.file("mongocryptd.sock")) << "content"; }
  Daemon d({"--unixSocketPrefix", f.path()});
  EXPECT_EQ(d.wait(), 48);
  EXPECT_EQ(f.read("mongocryptd.sock"), "content");
}

TEST(CryptdLifecycle, ASocketThatIsNotItsOwnAnyMoreIsLeftAlone) {
  Folder f;
  const std::string path = f.file("mongocryptd.sock");
  Daemon d({"--unixSocketPrefix", f.path()});
  d.port();
  ASSERT_EQ(::unlink(path.c_str()), 0);
  { std::ofstream(path) << "another's"; }
  d.signal(SIGTERM);
  EXPECT_EQ(d.wait(), 0);
  EXPECT_EQ(f.read("mongocryptd.sock"), "another's");
}

TEST(CryptdLifecycle, ForkReturnsOnceTheChildListens) {
  Folder f;
  Daemon d({"--fork", "--logpath", f.file("log"), "--pidfilepath", f.file("pid"),
            "--idleShutdownTimeoutSecs", "30"});
  ASSERT_EQ(d.wait(), 0) << d.err();
  // Nothing needs to be waited for any more.
  const int port = number_in_log(f.read("log"), 23016, "port");
  ASSERT_GT(port, 0);
  const pid_t child = static_cast<pid_t>(std::strtol(f.read("pid").c_str(), nullptr, 10));
  ASSERT_GT(child, 1);
  EXPECT_NE(child, d.pid());
  EXPECT_EQ(d.out(), "forked process: " + std::to_string(child) + "\n");
  EXPECT_TRUE(answers(static_cast<std::uint16_t>(port)));
  EXPECT_NE(::getsid(child), ::getsid(0));
  ::kill(child, SIGTERM);
  EXPECT_TRUE(eventually([&f] { return f.read("pid").empty(); }));
}

TEST(CryptdLifecycle, ForkGivesOnAFailureOfTheChild) {
  Daemon first;
  Folder f;
  Daemon d({"--fork", "--logpath", f.file("log"), "--port", std::to_string(first.port())});
  EXPECT_EQ(d.wait(), 48);
  EXPECT_NE(d.err().find("Address already in use"), std::string::npos);
}

TEST(CryptdLifecycle, TheLogFileIsAppendedToAndPrivate) {
  Folder f;
  for (int run = 1; run <= 2; ++run) {
    Daemon d({"--logpath", f.file("log"), "--logappend", "--quiet"});
    ASSERT_TRUE(eventually([&d] { return !d.folder().read("mongocryptd.pid").empty(); }));
    d.signal(SIGTERM);
    EXPECT_EQ(d.wait(), 0);
    EXPECT_EQ(d.out(), "");
  }
  const std::string log = f.read("log");
  const std::string mark = "\"id\":23016,";
  EXPECT_NE(log.find(mark), log.rfind(mark));
  EXPECT_EQ(log.find("\"id\":22943,"), std::string::npos);
  struct stat st {};
  ASSERT_EQ(::stat(f.file("log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST(CryptdLifecycle, WrongOptionsAreStatus2) {
  for (const Options& o :
       {Options{"--nosuchoption"}, Options{"--port", "65536"}, Options{"--port=-1"},
        Options{"--bind_ip", "0.0.0.0"}, Options{"--bind_ip", "127.0.0.1,10.0.0.1"},
        Options{"--bind_ip", "::"}, Options{"--bind_ip", "example.org"}, Options{"--bind_ip="},
        Options{"--idleShutdownTimeoutSecs=-1"}, Options{"--idleShutdownTimeoutSecs=x"},
        Options{"--config", "file"}, Options{"--fork"}, Options{"--setParameter", "novalue"},
        Options{"--unixSocketPrefix", "/" + std::string(120, 'x')}, Options{"stray"}}) {
    Daemon d(o);
    EXPECT_EQ(d.wait(), 2) << o.front();
    EXPECT_FALSE(d.err().empty()) << o.front();
  }
}

TEST(CryptdLifecycle, HelpAndVersionAreStatus0) {
  Daemon help({"--help"});
  EXPECT_EQ(help.wait(), 0);
  for (const char* option :
       {"--port", "--bind_ip", "--unixSocketPrefix", "--nounixsocket", "--idleShutdownTimeoutSecs",
        "--pidfilepath", "--logpath", "--logappend", "--fork", "--quiet", "--verbose",
        "--setParameter", "--config"})
    EXPECT_NE(help.out().find(option), std::string::npos) << option;
  Daemon version({"--version"});
  EXPECT_EQ(version.wait(), 0);
  EXPECT_EQ(version.out().rfind("fle-cryptd ", 0), 0U);
}

TEST(CryptdLifecycle, ItTakesWhatDriversAndShellsSpawnItWith) {
  Folder f;
  // Java's driver gives an option again that it was told already.
  Daemon d({"--idleShutdownTimeoutSecs", "60", "--pidfilepath", f.file("mongocryptd.pid"), "--port",
            "0", "--unixSocketPrefix", f.path(), "--setParameter", "a=b", "--setParameter=c=d",
            "--idleShutdownTimeoutSecs=60"});
  EXPECT_TRUE(answers(d.port()));
  EXPECT_TRUE(answers(f.file("mongocryptd.sock")));
}

}  // namespace
}  // namespace fle::test
