// Whose file a vault is, and whose the files beside it.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "kms/support.h"
#include "kms/temp_dir.h"
#include "support/other_user.h"

namespace fle::kms {
namespace {

namespace fs = std::filesystem;
using fle::test::as_user;
using fle::test::kAlice;
using fle::test::kMallory;
using test::document;

struct SqliteVaultOwner : ::testing::Test {
  void SetUp() override {
    auto vault = open_sqlite_vault(path, true);
    ASSERT_TRUE(vault);
    ASSERT_TRUE((*vault)->insert(document(1)));
  }
  void expect_refused(const std::string& why) const {
    for (const bool create : {false, true}) {
      const auto vault = open_sqlite_vault(path, create);
      ASSERT_FALSE(vault) << why;
      EXPECT_EQ(vault.error().code, Errc::vault_failed);
      EXPECT_NE(vault.error().message.find(why), std::string::npos) << vault.error().message;
    }
  }
  static void give(const std::string& name, uid_t user) {
    ASSERT_EQ(::lchown(name.c_str(), user, user), 0);
  }
  test::TempDir dir;
  const std::string folder = dir.file("folder");
  const bool made = fs::create_directory(folder);
  const std::string path = folder + "/keys.fle";
};

TEST_F(SqliteVaultOwner, AloneMayWriteToIt) {
  for (const mode_t mode : {0666U, 0660U, 0602U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    expect_refused("other users may write to it: chmod go-w it");
  }
  for (const mode_t mode : {0600U, 0644U, 0400U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(open_sqlite_vault(path, false));
  }
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  expect_refused("everybody may replace it: chmod o-w its folder");
  EXPECT_FALSE(open_sqlite_vault(folder + "/new.fle", true));
  EXPECT_FALSE(fs::exists(folder + "/new.fle"));
}

TEST_F(SqliteVaultOwner, MayLinkToIt) {
  fs::create_symlink("folder/keys.fle", dir.file("link"));
  EXPECT_TRUE(open_sqlite_vault(dir.file("link"), false));
}

TEST_F(SqliteVaultOwner, IsAskedForTheFilesBesideItAsWell) {
  for (const char* suffix : {"-journal", "-wal", "-shm"}) {
    const std::string beside = path + suffix;
    std::ofstream(beside) << "";
    ASSERT_EQ(::chmod(beside.c_str(), 0666), 0);
    expect_refused("journal of a key vault '" + beside + "': other users may write to it");
    fs::remove(beside);
    fs::create_symlink("keys.fle", beside);
    expect_refused("it is not a regular file");
    fs::remove(beside);
  }
  EXPECT_TRUE(open_sqlite_vault(path, false));
}

TEST_F(SqliteVaultOwner, IsThisUserOrRoot) {
  FLE_SKIP_UNLESS_ROOT();
  ASSERT_EQ(::chmod(dir.file("").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  const auto opens = [&] { return open_sqlite_vault(path, false) ? 1 : 0; };
  EXPECT_EQ(as_user(kAlice, opens), 1) << "root's";
  give(path, kMallory);
  expect_refused("it belongs to user 64102");
  EXPECT_EQ(as_user(kAlice, opens), 0);
  EXPECT_EQ(as_user(kMallory, opens), 1);
  give(path, 0);
  give(folder, kMallory);
  expect_refused("its folder belongs to user 64102");
}

TEST_F(SqliteVaultOwner, IsAskedAgainWhereOthersMayPlantFiles) {
  FLE_SKIP_UNLESS_ROOT();
  ASSERT_EQ(::chmod(folder.c_str(), 01777), 0);
  auto vault = open_sqlite_vault(path, false);
  ASSERT_TRUE(vault);
  ASSERT_TRUE((*vault)->insert(document(2)));
  std::ofstream(path + "-journal") << "a journal that puts other keys into the vault";
  give(path + "-journal", kMallory);
  EXPECT_EQ((*vault)->list().error().code, Errc::vault_failed);
  EXPECT_EQ((*vault)->find({}, {}).error().code, Errc::vault_failed);
  EXPECT_EQ((*vault)->insert(document(3)).error().code, Errc::vault_failed);
  expect_refused("it belongs to user 64102");
  fs::remove(path + "-journal");
  EXPECT_EQ((*vault)->list()->size(), 2U);
  // A link of another user in such a folder leads nowhere.
  fs::create_symlink("keys.fle", folder + "/link");
  give(folder + "/link", kMallory);
  EXPECT_FALSE(open_sqlite_vault(folder + "/link", false));
}

}  // namespace
}  // namespace fle::kms
