#include "fle/files/trust.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "files/folder.h"

namespace fle::files {
namespace {

constexpr FileKind kRefused[] = {
    FileKind::key_vault,    FileKind::vault_journal, FileKind::master_key,
    FileKind::key_material, FileKind::kms_providers, FileKind::kms_options,
    FileKind::tls_file,     FileKind::password,      FileKind::socket};
constexpr FileKind kInPlace[] = {FileKind::vault_journal, FileKind::log, FileKind::pid};
constexpr FileKind kSecrets[] = {FileKind::master_key, FileKind::key_material,
                                 FileKind::kms_providers, FileKind::password};
constexpr uid_t kNobodyHere = 64103;

struct stat file_of(uid_t owner, mode_t mode) {
  struct stat st {};
  st.st_uid = owner;
  st.st_mode = mode;
  st.st_nlink = 1;
  return st;
}

TEST(Trust, IsInFilesOfThisUserAndOfRootThatOthersCannotWrite) {
  for (const FileKind kind : kRefused) {
    for (const uid_t owner : {::geteuid(), uid_t{0}})
      for (const mode_t mode : {0400U, 0600U, 0640U, 0644U, 0755U})
        EXPECT_TRUE(check_file(kind, "f", file_of(owner, S_IFREG | mode)));
    for (const mode_t mode : {0666U, 0660U, 0602U, 0620U, 0777U}) {
      const Done done = check_file(kind, "path", file_of(::geteuid(), S_IFREG | mode));
      ASSERT_FALSE(done);
      EXPECT_NE(done.error().message.find("'path': other users may write to it: chmod go-w it"),
                std::string::npos)
          << done.error().message;
    }
    const Done other = check_file(kind, "path", file_of(kNobodyHere, S_IFREG | 0600));
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("belongs to user 64103, not to you or to root"),
              std::string::npos)
        << other.error().message;
  }
}

TEST(Trust, RefusalsHaveTheCodeOfWhatTheFileIsFor) {
  const struct stat theirs = file_of(kNobodyHere, S_IFREG | 0600);
  EXPECT_EQ(check_file(FileKind::key_vault, "f", theirs).error().code, Errc::vault_failed);
  EXPECT_EQ(check_file(FileKind::master_key, "f", theirs).error().code, Errc::kms_config_invalid);
  EXPECT_EQ(check_file(FileKind::tls_file, "f", theirs).error().code, Errc::kms_config_invalid);
}

TEST(Trust, IsInFoldersWhereNotEverybodyReplacesFiles) {
  const auto folder = [](uid_t owner, mode_t mode) { return file_of(owner, S_IFDIR | mode); };
  for (const mode_t mode : {0700U, 0755U, 0775U, 01777U})
    EXPECT_TRUE(check_folder(FileKind::key_vault, "v", folder(0, mode))) << std::oct << mode;
  EXPECT_FALSE(check_folder(FileKind::key_vault, "v", folder(::geteuid(), 0777)));
  EXPECT_FALSE(check_folder(FileKind::key_vault, "v", folder(kNobodyHere, 0755)));
}

TEST(Trust, WarnsOfSecretsThatOthersReadAndOfSchemasThatTheyWrite) {
  for (const FileKind kind : kSecrets) {
    EXPECT_EQ(warning_about(kind, "f", file_of(::geteuid(), S_IFREG | 0600)), "");
    for (const mode_t mode : {0640U, 0604U})
      EXPECT_NE(warning_about(kind, "f", file_of(::geteuid(), S_IFREG | mode)).find("chmod 600"),
                std::string::npos);
  }
  EXPECT_EQ(warning_about(FileKind::key_vault, "v", file_of(0, S_IFREG | 0644)), "");
  const FileKind schema = FileKind::schema;
  for (const mode_t mode : {0644U, 0664U})
    EXPECT_EQ(warning_about(schema, "s", file_of(::geteuid(), S_IFREG | mode)), "");
  const struct stat open = file_of(::geteuid(), S_IFREG | 0666);
  const struct stat theirs = file_of(kNobodyHere, S_IFREG | 0644);
  for (const struct stat& st : {open, theirs}) {
    EXPECT_TRUE(check_file(schema, "s", st));
    EXPECT_NE(warning_about(schema, "s", st), "");
  }
}

TEST(Trust, WhatIsWrittenWhereItStandsIsARegularFileWithOneName) {
  struct stat two_names = file_of(::geteuid(), S_IFREG | 0600);
  two_names.st_nlink = 2;
  for (const FileKind kind : kInPlace) {
    EXPECT_TRUE(check_file(kind, "f", file_of(::geteuid(), S_IFREG | 0600)));
    EXPECT_FALSE(check_file(kind, "f", two_names));
    for (const int type : {S_IFIFO, S_IFCHR, S_IFSOCK, S_IFDIR})
      EXPECT_FALSE(check_file(kind, "f", file_of(::geteuid(), static_cast<mode_t>(type) | 0600U)));
  }
  EXPECT_TRUE(check_file(FileKind::key_vault, "f", two_names));
}

TEST(Trust, PipesWithoutANameAndDevicesAreHandedOver) {
  // A terminal belongs to whoever logged in.
  const struct stat terminal = file_of(kNobodyHere, S_IFCHR | 0622);
  EXPECT_TRUE(check_file(FileKind::master_key, "/dev/tty", terminal));
  EXPECT_EQ(warning_about(FileKind::schema, "/dev/tty", terminal), "");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd in(ends[0]);
  const Fd out(ends[1]);
  struct stat st {};
  ASSERT_EQ(::fstat(in.get(), &st), 0);
  st.st_uid = kNobodyHere;  // sudo gives root a pipe of the user
  EXPECT_TRUE(check_file(FileKind::master_key, "/dev/fd/3", st));
  EXPECT_EQ(warning_about(FileKind::master_key, "/dev/fd/3", st), "");
  // One with a name is a file like any other.
  const test::Folder f;
  ASSERT_EQ(::mkfifo(f.file("fifo").c_str(), 0600), 0);
  st = f.stat("fifo");
  EXPECT_TRUE(check_file(FileKind::master_key, "fifo", st));
  st.st_uid = kNobodyHere;
  EXPECT_FALSE(check_file(FileKind::master_key, "fifo", st));
}

}  // namespace
}  // namespace fle::files
