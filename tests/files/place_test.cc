#include "fle/files/place.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/folder.h"
#include "fle/files/own_file.h"
#include "support/other_user.h"
#include "support/patience.h"

namespace fle::files {
namespace {

using fle::test::as_user;
using fle::test::kAlice;
using fle::test::kMallory;
using test::Folder;
using Names = std::set<std::string>;

TEST(Place, IsTheFolderAndTheNameAtTheEndOfAllLinks) {
  const Folder f;
  ASSERT_EQ(::mkdir(f.file("deep").c_str(), 0755), 0);
  f.write("deep/file", "content");
  f.link("absolute", f.file("deep/file"));
  f.link("relative", "deep/file");
  f.link("deep/up", "../relative");
  f.link("folder", "deep");
  for (const char* path : {"deep/file", "absolute", "relative", "deep/up", "folder/file"}) {
    const auto place = find_place(f.file(path), Links::follow);
    ASSERT_TRUE(place) << path << place.error().message;
    EXPECT_EQ(place->name, "file") << path;
    EXPECT_TRUE(place->is_regular());
    EXPECT_EQ(place->folder_stat.st_ino, f.stat("deep").st_ino) << path;
  }
  EXPECT_TRUE(find_place(f.file("folder/file"), Links::refuse));
  EXPECT_FALSE(find_place(f.file("absolute"), Links::refuse));
}

TEST(Place, MayBeEmptyAtTheEndOfALinkToo) {
  const Folder f;
  f.link("dangling", "not_yet");
  for (const char* path : {"not_yet", "dangling"}) {
    const auto place = find_place(f.file(path), Links::follow);
    ASSERT_TRUE(place) << path;
    EXPECT_EQ(place->name, "not_yet");
    EXPECT_FALSE(place->entry);
  }
}

TEST(Place, WhatIsNoNameOfAFileIsRefused) {
  const Folder f;
  f.link("round", "about");
  f.link("about", "round");
  for (const std::string& path :
       {f.path() + "/", f.path() + "/.", f.path() + "/..", f.file("round"), f.file("no/folder"),
        std::string("a\0b", 3), std::string()}) {
    const auto place = find_place(path, Links::follow);
    ASSERT_FALSE(place) << path;
    EXPECT_EQ(place.error().code, Errc::io_failed);
  }
}

TEST(Place, NamesOfDescriptorsAreDescriptors) {
  const Folder f;
  const Fd fd(::open(f.file("file").c_str(), O_WRONLY | O_CREAT, 0600));
  ASSERT_TRUE(fd);
  for (const char* folder : {"/dev/fd/", "/proc/self/fd/"}) {
    const auto place = find_place(folder + std::to_string(fd.get()), Links::follow);
    ASSERT_TRUE(place) << folder;
    EXPECT_EQ(place->descriptor, fd.get());
  }
  const auto out = find_place("/dev/stdout", Links::follow);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->descriptor, STDOUT_FILENO);
}

TEST(Place, DescriptorsOfAnotherProcessAreFiles) {
  const Folder f;
  f.write("theirs", "content");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd in(ends[0]);
  const Fd out(ends[1]);
  const int number = in.get();
  const pid_t child = ::fork();
  if (child == 0) {  // has a file where we have the pipe, until we close that
    char c = 0;
    const int copy = ::dup(number);
    ::dup2(::open(f.file("theirs").c_str(), O_RDONLY), number);
    ::close(out.get());
    ::_exit(static_cast<int>(::read(copy, &c, 1)));
  }
  const std::string path = "/proc/" + std::to_string(child) + "/fd/" + std::to_string(number);
  // Only once it has changed places.
  EXPECT_TRUE(fle::test::happens([&] {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
  }));
  const auto place = find_place(path, Links::follow);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->descriptor, -1);
  EXPECT_EQ(place->name, "theirs");
  ASSERT_EQ(::write(out.get(), "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
}

TEST(PlaceOfTwoUsers, LinksOfOthersAreNotFollowedInASharedFolder) {
  FLE_SKIP_UNLESS_ROOT();
  for (const mode_t mode : {01777U, 0777U, 01770U}) {
    const Folder shared(mode);
    shared.write("file", "content");
    shared.link("mine", "file");
    shared.link("theirs", "file");
    shared.give("theirs", kMallory);
    EXPECT_TRUE(find_place(shared.file("mine"), Links::follow));
    const auto theirs = find_place(shared.file("theirs"), Links::follow);
    ASSERT_FALSE(theirs) << std::oct << mode;
    EXPECT_NE(theirs.error().message.find("a link of another user (64102)"), std::string::npos)
        << theirs.error().message;
    if (mode == 01770) continue;  // others cannot enter
    EXPECT_EQ(
        as_user(kMallory, [&] { return find_place(shared.file("theirs"), Links::follow) ? 0 : 1; }),
        0);
    // The folder's owner could do anything there.
    EXPECT_EQ(
        as_user(kMallory, [&] { return find_place(shared.file("mine"), Links::follow) ? 0 : 1; }),
        0);
  }
  const Folder own(0755);
  own.write("file", "content");
  own.link("link", "file");
  own.give("link", kMallory);
  EXPECT_TRUE(find_place(own.file("link"), Links::follow));
}

TEST(OwnFile, IsMadePrivateAndOpenedAgainAsItIs) {
  const Folder f;
  for (const mode_t mask : {022U, 0777U}) {
    const std::string name = mask == 022 ? "log" : "masked";
    const mode_t before = ::umask(mask);
    for (int i = 0; i < 2; ++i) {
      auto fd = open_own_file(FileKind::log, f.file(name), O_WRONLY | O_APPEND);
      ASSERT_TRUE(fd) << fd.error().message;
      EXPECT_EQ(::write(fd->get(), "line\n", 5), 5);
    }
    ::umask(before);
    EXPECT_EQ(f.read(name), "line\nline\n");
    EXPECT_EQ(f.stat(name).st_mode & 07777, 0600U);
  }
}

TEST(OwnFile, NothingElseIsTouchedOrWaitedFor) {
  const Folder f;
  f.write("precious", "content");
  f.link("link", "precious");
  f.link("dangling", "made");
  ASSERT_EQ(::link(f.file("precious").c_str(), f.file("hard").c_str()), 0);
  ASSERT_EQ(::mkfifo(f.file("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(f.file("read").c_str(), 0600), 0);
  const Fd reader(::open(f.file("read").c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_EQ(::mkdir(f.file("folder").c_str(), 0755), 0);
  const Names before = f.names();
  for (const FileKind kind : {FileKind::log, FileKind::pid}) {
    for (const char* name : {"link", "dangling", "hard", "fifo", "read", "folder"}) {
      const auto fd = open_own_file(kind, f.file(name), O_RDWR);
      EXPECT_FALSE(fd) << name;
    }
    // Without O_RDWR nobody reads the FIFO: the open would wait.
    EXPECT_FALSE(open_own_file(kind, f.file("fifo"), O_WRONLY));
  }
  EXPECT_EQ(f.names(), before);
  EXPECT_EQ(f.read("precious"), "content");
  EXPECT_TRUE(open_own_file(FileKind::log, "/dev/null", O_WRONLY | O_APPEND));
}

TEST(OwnFileOfTwoUsers, FilesOfOthersAreNotTouched) {
  FLE_SKIP_UNLESS_ROOT();
  const Folder f(01777);
  f.write("file", "content", 0666);
  f.give("file", kMallory);
  for (const FileKind kind : {FileKind::log, FileKind::pid}) {
    EXPECT_FALSE(open_own_file(kind, f.file("file"), O_RDWR));
    const auto alice = [&] { return open_own_file(kind, f.file("file"), O_RDWR) ? 1 : 0; };
    EXPECT_EQ(as_user(kAlice, alice), 0);
  }
  // Root's are root's gift: a log may be, the file with this process's number may not.
  f.write("of_root", "", 0666);
  const auto opens = [&](FileKind kind) {
    return as_user(kAlice, [&] { return open_own_file(kind, f.file("of_root"), O_RDWR) ? 1 : 0; });
  };
  EXPECT_EQ(opens(FileKind::log), 1);
  EXPECT_EQ(opens(FileKind::pid), 0);
}

}  // namespace
}  // namespace fle::files
