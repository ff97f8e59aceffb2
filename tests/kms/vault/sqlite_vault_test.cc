#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "kms/support.h"
#include "kms/temp_dir.h"

namespace fle::kms {
namespace {

namespace fs = std::filesystem;
using test::document;
using test::id_of;

class SqliteVaultTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeyVault> open(bool create = true) {
    auto v = open_sqlite_vault(path_, create);
    EXPECT_TRUE(v) << v.error().to_string();
    return v ? *std::move(v) : nullptr;
  }
  Failure refused(bool create = true) {
    auto v = open_sqlite_vault(path_, create);
    if (v) {
      ADD_FAILURE() << "opened";
      return {};
    }
    EXPECT_EQ(v.error().code, Errc::vault_failed);
    EXPECT_NE(v.error().message.find(path_), std::string::npos) << v.error().message;
    return v.error();
  }
  /// Runs SQL on the file behind the vault's back.
  void sql(const std::string& text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &error), SQLITE_OK)
        << (error == nullptr ? "" : error);
    sqlite3_free(error);
    sqlite3_close(db);
  }
  std::string content() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  test::TempDir dir_;
  std::string path_ = dir_.file("keys.fle");
};

TEST_F(SqliteVaultTest, KeepsKeysFromOneOpenToTheNext) {
  ASSERT_TRUE(have_sqlite_vault());
  ASSERT_TRUE(open()->insert(document(1, {"a"})));
  for (const bool create : {true, false}) {
    const auto keys = open(create)->list();
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(to_bson(keys->front()), to_bson(document(1, {"a"})));
  }
  // One file, without companions, is the whole vault.
  EXPECT_EQ(std::distance(fs::directory_iterator(fs::path(path_).parent_path()), {}), 1);
}

TEST_F(SqliteVaultTest, IsReadableByItsOwnerAloneWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{0277}}) {
    path_ = dir_.file("mode" + std::to_string(mask));
    const mode_t old = ::umask(mask);
    auto vault = open_sqlite_vault(path_, true);
    ::umask(old);
    ASSERT_TRUE(vault) << vault.error().to_string();
    struct stat st {};
    ASSERT_EQ(::stat(path_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600U);
  }
}

TEST_F(SqliteVaultTest, IsCreatedOnlyOnRequest) {
  EXPECT_NE(refused(false).message.find("No such file"), std::string::npos);
  EXPECT_FALSE(fs::exists(path_));
  path_ = dir_.file("no/such/folder.fle");
  refused(true);
  path_ = dir_.file("");
  refused(true);  // a directory
}

TEST_F(SqliteVaultTest, RefusesNamesThatAreNone) {
  EXPECT_FALSE(open_sqlite_vault("", true));
  EXPECT_FALSE(open_sqlite_vault(std::string("a\0b", 3), true));
}

TEST_F(SqliteVaultTest, TakesSqliteSpecialNamesAsFileNames) {
  const fs::path old = fs::current_path();
  fs::current_path(dir_.file(""));
  for (const char* name : {":memory:", "file:x?mode=memory", "-dash", "x.fle"}) {
    auto vault = open_sqlite_vault(name, true);
    ASSERT_TRUE(vault) << name;
    EXPECT_GT(fs::file_size(name), 0U) << name;
  }
  fs::current_path(old);
}

TEST_F(SqliteVaultTest, LeavesAnotherApplicationsFileAsItIs) {
  for (const char* foreign :
       {"CREATE TABLE t (a)", "PRAGMA application_id = 7; CREATE TABLE t (a)",
        "PRAGMA application_id = 7; VACUUM", "PRAGMA user_version = 3; CREATE TABLE keys (a)"}) {
    fs::remove(path_);
    sql(foreign);
    const std::string before = content();
    EXPECT_NE(refused().message.find("another application"), std::string::npos) << foreign;
    EXPECT_TRUE(content() == before) << foreign;
  }
}

TEST_F(SqliteVaultTest, RefusesAFormatFromTheFuture) {
  open();
  sql("PRAGMA user_version = 2");
  EXPECT_NE(refused().message.find("newer libfle"), std::string::npos);
  sql("PRAGMA user_version = 0");
  EXPECT_NE(refused().message.find("version 0"), std::string::npos);
}

TEST_F(SqliteVaultTest, RefusesGarbage) {
  write("g");
  EXPECT_NE(refused().message.find("not a key vault"), std::string::npos);
  EXPECT_TRUE(content() == "g");
  write("garbage");
  EXPECT_NE(refused().message.find("not a key vault"), std::string::npos);
  write(std::string(10'000, 'g'));
  EXPECT_NE(refused().message.find("not a key vault"), std::string::npos);
  EXPECT_TRUE(content() == std::string(10'000, 'g'));
  write("");
  EXPECT_NE(refused(false).message.find("empty"), std::string::npos);
  EXPECT_TRUE(open(true));
}

TEST_F(SqliteVaultTest, RefusesOrReportsAFileCutAnywhere) {
  {
    auto vault = open();
    for (std::uint32_t i = 0; i < 40; ++i)
      ASSERT_TRUE(vault->insert(document(i, {"n" + std::to_string(i)})));
  }
  const std::string whole = content();
  for (std::size_t n = 1; n < whole.size(); n += n < 512 ? 37 : 1777) {
    write(whole.substr(0, n));
    auto vault = open_sqlite_vault(path_, true);
    if (!vault) {
      EXPECT_EQ(vault.error().code, Errc::vault_failed) << n;
      continue;
    }
    const auto keys = (*vault)->list();
    ASSERT_FALSE(keys) << n;
    EXPECT_TRUE(keys.error().code == Errc::vault_failed ||
                keys.error().code == Errc::key_document_invalid)
        << n;
  }
}

TEST_F(SqliteVaultTest, NamesTheKeyWhoseDocumentIsDamaged) {
  auto vault = open();
  ASSERT_TRUE(vault->insert(document(1, {"a"})));
  ASSERT_TRUE(vault->insert(document(2, {"b"})));
  const KeyId ids[] = {id_of(1)};
  const std::string names[] = {"a"};
  for (const char* damage :
       {"UPDATE keys SET document = substr(document, 1, 100) WHERE created % 2",
        "UPDATE keys SET document = x'' WHERE created % 2",
        "UPDATE keys SET document = (SELECT document FROM keys WHERE NOT "
        "created % 2) WHERE created % 2"}) {
    sql(damage);
    for (const auto& found : {vault->find(ids, {}), vault->find({}, names), vault->list()}) {
      ASSERT_FALSE(found) << damage;
      EXPECT_EQ(found.error().code, Errc::key_document_invalid);
      EXPECT_NE(found.error().message.find(id_of(1).to_string()), std::string::npos);
    }
  }
  const std::string other[] = {"b"};
  EXPECT_TRUE(vault->find({}, other));
  EXPECT_TRUE(vault->insert(document(3)));  // no lock is left behind
}

TEST_F(SqliteVaultTest, ReadsAVaultThatIsWriteProtected) {
  ASSERT_TRUE(open()->insert(document(1)));
  const fs::path folder = fs::path(path_).parent_path();
  fs::permissions(path_, fs::perms{0444});
  fs::permissions(folder, fs::perms{0755});
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may write everything: be nobody.
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(1);
    auto vault = open_sqlite_vault(path_, false);
    if (!vault) ::_exit(2);
    const auto keys = (*vault)->list();
    if (!keys || keys->size() != 1) ::_exit(3);
    const auto done = (*vault)->insert(document(2));
    ::_exit(!done && done.error().code == Errc::vault_failed ? 0 : 4);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// What would be written to a file that has no name any more would be lost.
TEST_F(SqliteVaultTest, DoesNotWriteToAFileThatWasReplaced) {
  ASSERT_TRUE(open()->insert(document(1)));
  fs::copy_file(path_, path_ + ".copy");
  const auto vault = open();
  ASSERT_TRUE(vault->list());
  fs::rename(path_ + ".copy", path_);
  const auto done = vault->insert(document(2));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::vault_failed);
  EXPECT_NE(done.error().message.find("moved, replaced or removed"), std::string::npos)
      << done.error().message;
  EXPECT_EQ(open()->list()->size(), 1U);
}

/// Another process in the middle of writing, as far as locks go.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db_, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Writer() { sqlite3_close(db_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  sqlite3* db_ = nullptr;
};

/// While it lives, SQLite does not sleep: it is told that the time has passed, and the test gets to
/// know how long it wanted to.
class SqliteSleeps {
 public:
  explicit SqliteSleeps(std::function<void()> on_sleep) {
    on_sleep_ = std::move(on_sleep);
    slept_ = std::chrono::microseconds(0);
    vfs_ = *sqlite3_vfs_find(nullptr);
    vfs_.pNext = nullptr;
    vfs_.zName = "does not sleep";
    vfs_.xSleep = [](sqlite3_vfs*, int microseconds) {
      slept_ += std::chrono::microseconds(microseconds);
      on_sleep_();
      return microseconds;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~SqliteSleeps() { sqlite3_vfs_unregister(&vfs_); }
  SqliteSleeps(const SqliteSleeps&) = delete;
  SqliteSleeps& operator=(const SqliteSleeps&) = delete;

  [[nodiscard]] static std::chrono::microseconds slept() { return slept_; }

 private:
  static inline std::function<void()> on_sleep_;
  static inline std::chrono::microseconds slept_;
  sqlite3_vfs vfs_;
};

TEST_F(SqliteVaultTest, WaitsForAnotherWriterAndGivesUpAfterTenSeconds) {
  std::unique_ptr<Writer> writer;
  int n_sleeps = 0;
  const SqliteSleeps sleeps([&] {
    if (++n_sleeps == 5) writer.reset();
  });
  auto vault = open();
  writer = std::make_unique<Writer>(path_);
  EXPECT_TRUE(vault->insert(document(1)));
  EXPECT_EQ(n_sleeps, 5) << "tries again as soon as the other one is done";

  writer = std::make_unique<Writer>(path_);
  const auto before = SqliteSleeps::slept();
  const auto done = vault->insert(document(2));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::vault_busy);
  EXPECT_EQ(SqliteSleeps::slept() - before, std::chrono::seconds(10));
  writer.reset();
  EXPECT_TRUE(vault->insert(document(2)));
}

TEST_F(SqliteVaultTest, KeepsNothingOfADeletedKeyInItsFile) {
  auto vault = open();
  ASSERT_TRUE(vault->insert(document(0x6b)));
  ASSERT_TRUE(vault->insert(document(1)));
  const std::string material(16, '\x6b');  // of the 160 bytes that document() gives a key
  EXPECT_NE(content().find(material), std::string::npos);
  ASSERT_TRUE(*vault->delete_key(id_of(0x6b)));
  EXPECT_EQ(content().find(material), std::string::npos);
}

TEST_F(SqliteVaultTest, IsNotUsableInAForkedChild) {
  auto vault = open();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto keys = vault->list();
    ::_exit(!keys && keys.error().code == Errc::vault_failed ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(vault->list());
}

}  // namespace
}  // namespace fle::kms
