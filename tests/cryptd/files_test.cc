// What the daemon does to the file system, and what others can do to it there.
#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cryptd/client.h"
#include "cryptd/daemon.h"
#include "support/other_user.h"

namespace fle::test {
namespace {

using Options = std::vector<std::string>;

struct CryptdFiles : ::testing::Test {
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(f.file(name)) << content;
  }
  void give(const std::string& name, uid_t user) const {
    ASSERT_EQ(::lchown(f.file(name).c_str(), user, user), 0);
  }
  /// Ends with status 1 and a line about it, and changes nothing.
  void expect_refused(const Options& o, const std::string& why) const {
    Daemon d(o);
    EXPECT_EQ(d.wait(), 1) << o.back();
    EXPECT_NE(d.err().find(why), std::string::npos) << o.back() << ": " << d.err();
  }
  Folder f;
};

bool answers(const std::string& path) {
  try {
    return Client(path).ask(R"({"hello": 1, "$db": "admin"})").code() == 0;
  } catch (const std::system_error&) {
    return false;
  }
}

/// A process of another user that holds the lock of a file or folder as long as this object lives.
class LockOfAnother {
 public:
  LockOfAnother(uid_t user, const std::string& path) {
    std::array<int, 2> ready{};
    if (::pipe2(ready.data(), O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      const bool locked = become(user) && ::flock(::open(path.c_str(), O_RDONLY), LOCK_EX) == 0;
      (void)!::write(ready[1], locked ? "y" : "n", 1);
      for (;;) ::pause();
    }
    char answer = 'n';
    (void)!::read(ready[0], &answer, 1);
    for (const int fd : ready) ::close(fd);
    held_ = answer == 'y';
  }
  ~LockOfAnother() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  LockOfAnother(const LockOfAnother&) = delete;
  LockOfAnother& operator=(const LockOfAnother&) = delete;
  [[nodiscard]] bool held() const noexcept { return held_; }

 private:
  pid_t child_ = -1;
  bool held_ = false;
};

/// A socket's file that nobody listens on any more.
void leave_stale_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  path.copy(a.sun_path, sizeof a.sun_path - 1);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
  ::close(fd);
}

TEST_F(CryptdFiles, LogAndPidFileAreRegularFilesWithOneName) {
  write("precious", "content");
  ASSERT_EQ(::symlink("precious", f.file("link").c_str()), 0);
  ASSERT_EQ(::symlink("made", f.file("dangling").c_str()), 0);
  ASSERT_EQ(::link(f.file("precious").c_str(), f.file("hard").c_str()), 0);
  ASSERT_EQ(::mkfifo(f.file("fifo").c_str(), 0600), 0);
  for (const char* option : {"--logpath", "--pidfilepath"}) {
    expect_refused({option, f.file("link")}, "is a symbolic link");
    expect_refused({option, f.file("dangling")}, "is a symbolic link");
    expect_refused({option, f.file("hard")}, "it has another name");
    expect_refused({option, f.file("fifo")}, "not a regular file");
    expect_refused({option, f.path()}, "cannot open");
  }
  EXPECT_EQ(f.read("precious"), "content");
  EXPECT_FALSE(std::filesystem::exists(f.file("made")));
  Daemon quiet({"--logpath", "/dev/null", "--pidfilepath", f.file("pid")});
  ASSERT_TRUE(eventually([&] { return !f.read("pid").empty(); }));
}

TEST_F(CryptdFiles, ASecondDaemonLeavesThePidFileOfTheFirstAlone) {
  Daemon first({"--pidfilepath", f.file("pid")});
  first.port();
  const std::string content = std::to_string(first.pid()) + "\n";
  ASSERT_TRUE(eventually([&] { return f.read("pid") == content; }));
  expect_refused({"--pidfilepath", f.file("pid")},
                 "is in use by a running process, number " + std::to_string(first.pid()));
  EXPECT_EQ(f.read("pid"), content);
  first.signal(SIGKILL);
  first.wait();
  Daemon next({"--pidfilepath", f.file("pid")});
  EXPECT_TRUE(eventually([&] { return f.read("pid") == std::to_string(next.pid()) + "\n"; }));
}

TEST_F(CryptdFiles, OneOfManyDaemonsGetsAStaleSocket) {
  const std::string path = f.file("mongocryptd.sock");
  leave_stale_socket(path);
  std::vector<std::unique_ptr<Daemon>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::make_unique<Daemon>(Options{"--unixSocketPrefix", f.path()}));
  int listening = 0;
  for (const auto& d : all) {
    ASSERT_TRUE(
        eventually([&] { return number_in_log(d->out(), 23016, "port") > 0 || !d->running(); }));
    if (d->running()) {
      ++listening;
    } else {
      EXPECT_EQ(d->wait(), 48);
    }
  }
  EXPECT_EQ(listening, 1);
  EXPECT_TRUE(answers(path));
  // Nothing of the others is left.
  const std::filesystem::directory_iterator names(f.path());
  EXPECT_EQ(std::distance(begin(names), end(names)), 1);
}

TEST_F(CryptdFiles, ASocketWhereEverybodyMayReplaceItIsRefused) {
  ASSERT_EQ(::chmod(f.path().c_str(), 0777), 0);
  Daemon d({"--unixSocketPrefix", f.path()});
  EXPECT_EQ(d.wait(), 48);
  EXPECT_NE(d.err().find("everybody may replace it"), std::string::npos) << d.err();
}

struct CryptdFilesOfTwoUsers : CryptdFiles {
  void SetUp() override {
    FLE_SKIP_UNLESS_ROOT();
    ASSERT_EQ(::chmod(f.path().c_str(), 01777), 0);
  }
};

TEST_F(CryptdFilesOfTwoUsers, FilesOfOthersAreNotTouched) {
  write("theirs", "content");
  give("theirs", kMallory);
  for (const char* option : {"--logpath", "--pidfilepath"})
    expect_refused({option, f.file("theirs")}, "of another user (64102)");
  ASSERT_EQ(::chmod(f.path().c_str(), 0755), 0);
  for (const char* option : {"--logpath", "--pidfilepath"})
    expect_refused({option, f.file("theirs")}, "belongs to user 64102");
  EXPECT_EQ(f.read("theirs"), "content");
}

TEST_F(CryptdFilesOfTwoUsers, LocksOfOthersStopNeitherSocketNorPidFile) {
  write("pid", "1\n");
  ASSERT_EQ(::chmod(f.file("pid").c_str(), 0644), 0);
  const LockOfAnother folder(kMallory, f.path());
  const LockOfAnother pid(kMallory, f.file("pid"));
  ASSERT_TRUE(folder.held() && pid.held());
  Daemon d({"--unixSocketPrefix", f.path(), "--pidfilepath", f.file("pid")});
  d.port();
  EXPECT_TRUE(answers(f.file("mongocryptd.sock")));
  EXPECT_TRUE(eventually([&] { return f.read("pid") == std::to_string(d.pid()) + "\n"; }));
  struct stat st {};
  ASSERT_EQ(::stat(f.file("pid").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600U);
}

TEST_F(CryptdFilesOfTwoUsers, SocketsAndFoldersOfOthersAreNotUsed) {
  leave_stale_socket(f.file("mongocryptd.sock"));
  give("mongocryptd.sock", kMallory);
  Daemon d({"--unixSocketPrefix", f.path()});
  EXPECT_EQ(d.wait(), 48);
  EXPECT_NE(d.err().find("Address already in use"), std::string::npos) << d.err();
  Folder theirs;
  ASSERT_EQ(::chown(theirs.path().c_str(), kMallory, kMallory), 0);
  Daemon other({"--unixSocketPrefix", theirs.path()});
  EXPECT_EQ(other.wait(), 48);
  EXPECT_NE(other.err().find("its folder belongs to user 64102"), std::string::npos) << other.err();
}

}  // namespace
}  // namespace fle::test
