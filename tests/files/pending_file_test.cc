#include "fle/files/pending_file.h"

#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "files/folder.h"
#include "fle/files/temporary_name.h"
#include "support/failing_calls.h"
#include "support/null_device.h"
#include "support/other_user.h"

namespace fle::files {
namespace {

using fle::test::FailingCall;
using fle::test::kAlice;
using fle::test::kMallory;
using fle::test::kNoTmpfile;
using test::Folder;
using Names = std::set<std::string>;

PendingFile create(const std::string& path, Privacy privacy = Privacy::secret,
                   Existing existing = Existing::replace) {
  auto place = find_place(path, Links::follow);
  if (!place) throw std::runtime_error(place.error().message);
  auto file = PendingFile::create(*std::move(place), privacy, existing);
  if (!file) throw std::runtime_error(file.error().message);
  return *std::move(file);
}

Done write(const std::string& path, const std::string& content, Privacy privacy = Privacy::secret,
           Existing existing = Existing::replace) {
  FLE_TRY(Place place, find_place(path, Links::follow));
  FLE_TRY(PendingFile file, PendingFile::create(std::move(place), privacy, existing));
  EXPECT_EQ(::write(file.fd(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  return file.commit();
}

constexpr int kSkipped = 42;

/// Both ways to make a file: without a name, and with a hidden one where the file system has no
/// O_TMPFILE. Each in a process of its own: what fails there fails for good.
class PendingFileTest : public ::testing::TestWithParam<bool> {
 protected:
  void in_child(std::vector<FailingCall> failing, const std::function<void()>& body) const {
    if (GetParam()) failing.push_back(kNoTmpfile);
    const pid_t child = ::fork();
    if (child == 0) {
      if (!failing.empty() && !fle::test::let_fail(failing)) ::_exit(kSkipped);
      try {
        body();
      } catch (const std::exception& e) {
        ADD_FAILURE() << e.what();
      }
      std::fflush(nullptr);
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped)
      GTEST_SKIP() << "no seccomp here, so no system call can be made to fail";
    EXPECT_EQ(status, 0);
  }
  Folder folder;
};

TEST_P(PendingFileTest, GetsNameAndModeWhenItIsWholeAndNotBefore) {
  in_child({}, [&] {
    ::umask(027);
    PendingFile file = create(folder.file("secret"));
    EXPECT_EQ(::write(file.fd(), "content", 7), 7);
    EXPECT_EQ(folder.names().contains("secret"), false);
    for (const std::string& hidden : folder.names())
      EXPECT_EQ(folder.stat(hidden).st_mode & 07777, 0600U) << hidden;
    EXPECT_EQ(folder.names().empty(), !GetParam());
    EXPECT_TRUE(file.commit());
    EXPECT_EQ(folder.names(), Names{"secret"});
    EXPECT_EQ(folder.read("secret"), "content");
    EXPECT_EQ(folder.stat("secret").st_mode & 07777, 0600U);
    EXPECT_TRUE(write(folder.file("ordinary"), "content", Privacy::ordinary));
    EXPECT_EQ(folder.stat("ordinary").st_mode & 07777, 0640U);
    ::umask(0777);
    EXPECT_TRUE(write(folder.file("again"), "content"));
    EXPECT_EQ(folder.stat("again").st_mode & 07777, 0600U);
  });
}

TEST_P(PendingFileTest, ThatIsDroppedLeavesNothing) {
  in_child({}, [&] {
    folder.write("old", "earlier");
    for (const char* name : {"old", "new"}) {
      const PendingFile file = create(folder.file(name));
      EXPECT_EQ(::write(file.fd(), "content", 7), 7);
    }
    EXPECT_EQ(folder.names(), Names{"old"});
    EXPECT_EQ(folder.read("old"), "earlier");
  });
}

TEST_P(PendingFileTest, ReplacesAFileAndKeepsItsMode) {
  in_child({}, [&] {
    folder.write("target", "earlier", 0640);
    folder.link("link", "target");
    ASSERT_EQ(::link(folder.file("target").c_str(), folder.file("hard").c_str()), 0);
    EXPECT_TRUE(write(folder.file("link"), "content"));
    EXPECT_EQ(folder.names(), (Names{"target", "link", "hard"}));
    EXPECT_TRUE(S_ISLNK(folder.stat("link").st_mode));
    EXPECT_EQ(folder.read("target"), "content");
    EXPECT_EQ(folder.stat("target").st_mode & 07777, 0640U);
    EXPECT_EQ(folder.read("hard"), "earlier");
    // Bits that give rights away are not carried over.
    folder.write("suid", "earlier", 04755);
    EXPECT_TRUE(write(folder.file("suid"), "content"));
    EXPECT_EQ(folder.stat("suid").st_mode & 07777, 0755U);
  });
}

TEST_P(PendingFileTest, JudgesWhatHasTheNameWhenItIsWhole) {
  in_child({}, [&] {
    {
      PendingFile file = create(folder.file("file"));
      folder.write("file", "another's", 0640);
      EXPECT_TRUE(file.commit());
      EXPECT_EQ(folder.read("file"), "");
      EXPECT_EQ(folder.stat("file").st_mode & 07777, 0640U);
    }
    PendingFile file = create(folder.file("other"));
    folder.link("other", "file");
    EXPECT_FALSE(file.commit());
    EXPECT_TRUE(S_ISLNK(folder.stat("other").st_mode));
  });
}

TEST_P(PendingFileTest, ThatKeepsNeverReplaces) {
  in_child({}, [&] {
    folder.write("key", "precious");
    EXPECT_FALSE(write(folder.file("key"), "content", Privacy::secret, Existing::keep));
    {
      PendingFile late = create(folder.file("late"), Privacy::secret, Existing::keep);
      folder.write("late", "precious");
      const Done done = late.commit();
      ASSERT_FALSE(done);
      EXPECT_NE(done.error().message.find("File exists"), std::string::npos);
    }
    EXPECT_EQ(folder.read("key"), "precious");
    EXPECT_EQ(folder.read("late"), "precious");
    EXPECT_TRUE(write(folder.file("new"), "content", Privacy::secret, Existing::keep));
    EXPECT_EQ(folder.read("new"), "content");
  });
}

TEST_P(PendingFileTest, IsNoFolderAndNoDevice) {
  in_child({}, [&] {
    ASSERT_EQ(::mkdir(folder.file("folder").c_str(), 0755), 0);
    ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
    for (const char* name : {"folder", "fifo", "no/folder"})
      EXPECT_FALSE(write(folder.file(name), "content")) << name;
    const std::string device = fle::test::null_device(folder.path());
    if (!device.empty()) {
      EXPECT_FALSE(write(device, "content"));
    }
  });
}

TEST_P(PendingFileTest, WhateverFailsTheOldContentStaysAndNothingElse) {
  folder.write("old", "earlier");
  for (const FailingCall& call :
       {FailingCall{SYS_fsync, ENOSPC}, FailingCall{SYS_fsync, EIO}, FailingCall{SYS_fchmod, EPERM},
        FailingCall{SYS_renameat, EACCES}, FailingCall{SYS_fchown, EPERM}}) {
    in_child({call}, [&] {
      EXPECT_FALSE(write(folder.file("old"), "content")) << call.number;
      EXPECT_EQ(folder.names(), Names{"old"}) << call.number;
      EXPECT_EQ(folder.read("old"), "earlier");
    });
  }
  for (const FailingCall& call : {FailingCall{SYS_fsync, EIO}, FailingCall{SYS_linkat, EPERM},
                                  FailingCall{SYS_linkat, ENOSPC}}) {
    in_child({call, {SYS_renameat2, call.error}}, [&] {
      EXPECT_FALSE(write(folder.file("new"), "content")) << call.number;
      EXPECT_EQ(folder.names(), Names{"old"}) << call.number;
    });
  }
}

TEST_P(PendingFileTest, WorksWhereRenamesCannotSpareAnExistingName) {
  in_child({{SYS_renameat2, EINVAL}}, [&] {
    EXPECT_TRUE(write(folder.file("new"), "content", Privacy::secret, Existing::keep));
    EXPECT_FALSE(write(folder.file("new"), "other", Privacy::secret, Existing::keep));
    EXPECT_TRUE(write(folder.file("new"), "third"));
    EXPECT_EQ(folder.names(), Names{"new"});
    EXPECT_EQ(folder.read("new"), "third");
  });
}

TEST_P(PendingFileTest, HasRoomForTheLongestName) {
  in_child({}, [&] {
    const std::string name(255, 'n');
    for (const char* content : {"first", "second"}) {
      EXPECT_TRUE(write(folder.file(name), content));
      EXPECT_EQ(folder.read(name), content);
    }
    EXPECT_EQ(folder.names().size(), 1U);
  });
}

TEST_P(PendingFileTest, OfAnotherUserIsNotReplacedInASharedFolder) {
  FLE_SKIP_UNLESS_ROOT();
  const Folder shared(01777);
  shared.write("theirs", "earlier", 0666);
  shared.give("theirs", kMallory);
  shared.write("mine", "earlier", 0644);
  shared.give("mine", kAlice);
  shared.write("of_root", "earlier", 0644);
  in_child({}, [&] {
    EXPECT_FALSE(write(shared.file("theirs"), "content"));
    ASSERT_TRUE(fle::test::become(kAlice));
    for (const char* name : {"theirs", "of_root"}) {
      EXPECT_FALSE(write(shared.file(name), "content")) << name;
      EXPECT_EQ(shared.read(name), "earlier");
    }
    EXPECT_TRUE(write(shared.file("mine"), "content"));
    EXPECT_TRUE(write(shared.file("fresh"), "content"));
    EXPECT_EQ(shared.names(), (Names{"fresh", "mine", "of_root", "theirs"}));
    EXPECT_EQ(shared.stat("fresh").st_uid, kAlice);
    EXPECT_EQ(shared.stat("fresh").st_mode & 07777, 0600U);
  });
  EXPECT_EQ(shared.stat("theirs").st_uid, kMallory);
}

TEST_P(PendingFileTest, DoesNotChangeTheOwnerOfWhatItReplaces) {
  FLE_SKIP_UNLESS_ROOT();
  folder.write("theirs", "earlier", 0640);
  folder.give("theirs", kMallory);
  in_child({}, [&] {
    EXPECT_TRUE(write(folder.file("theirs"), "content"));
    EXPECT_EQ(folder.stat("theirs").st_uid, kMallory);
    EXPECT_EQ(folder.stat("theirs").st_gid, kMallory);
    EXPECT_EQ(folder.stat("theirs").st_mode & 07777, 0640U);
    folder.write("next", "earlier", 0666);
    folder.give("next", kMallory);
  });
  const Folder alices(0755);
  ASSERT_EQ(::chown(alices.path().c_str(), kAlice, kAlice), 0);
  alices.write("theirs", "earlier", 0666);
  alices.give("theirs", kMallory);
  in_child({}, [&] {
    ASSERT_TRUE(fle::test::become(kAlice));
    const Done done = write(alices.file("theirs"), "content");
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message.find("belongs to another user (64102)"), std::string::npos);
    EXPECT_EQ(alices.read("theirs"), "earlier");
  });
  EXPECT_EQ(alices.stat("theirs").st_uid, kMallory);
  // A group that the user is not in could not be kept.
  alices.write("grouped", "earlier", 0640);
  ASSERT_EQ(::chown(alices.file("grouped").c_str(), kAlice, kMallory), 0);
  in_child({}, [&] {
    ASSERT_TRUE(fle::test::become(kAlice));
    EXPECT_FALSE(write(alices.file("grouped"), "content"));
    EXPECT_EQ(alices.names(), (Names{"grouped", "theirs"}));
  });
}

INSTANTIATE_TEST_SUITE_P(, PendingFileTest, ::testing::Values(false, true),
                         [](const auto& way) { return way.param ? "Named" : "Unnamed"; });

}  // namespace
}  // namespace fle::files
