// Several processes on one vault. Every child is forked before it opens the vault. What is left of
// one that dies in the middle of it: sqlite_vault_kill_test.cc.
#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "kms/support.h"
#include "kms/temp_dir.h"

namespace fle::kms {
namespace {

using test::document;

/// A child process that runs `body` and exits with its result.
pid_t spawn(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  return pid;
}

int exit_status(pid_t pid) {
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

class SqliteVaultProcesses : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe2(start_.data(), O_CLOEXEC), 0); }
  void TearDown() override {
    ::close(start_[0]);
    if (start_[1] >= 0) ::close(start_[1]);
  }
  /// Children block here until the parent closes its end: they all start at once.
  void wait_for_start() const {
    ::close(start_[1]);
    char c = 0;
    static_cast<void>(::read(start_[0], &c, 1) == 0);
  }
  void start() {
    ::close(start_[1]);
    start_[1] = -1;
  }
  std::set<KeyId> stored() const {
    std::set<KeyId> ids;
    auto vault = open_sqlite_vault(path_, false);
    EXPECT_TRUE(vault) << vault.error().to_string();
    const auto keys = (*vault)->list();
    EXPECT_TRUE(keys) << keys.error().to_string();
    for (const KeyDocument& k : *keys) ids.insert(k.id);
    return ids;
  }
  test::TempDir dir_;
  std::string path_ = dir_.file("shared.fle");
  std::array<int, 2> start_{-1, -1};
};

TEST_F(SqliteVaultProcesses, OneWinsAnAlternateNameAndTheOtherIsToldSo) {
  std::vector<pid_t> children;
  for (std::uint32_t n = 1; n <= 2; ++n) {
    children.push_back(spawn([&, n] {
      wait_for_start();
      auto vault = open_sqlite_vault(path_, true);  // both create the file, too
      if (!vault) return 9;
      const auto done = (*vault)->insert(document(n, {"patients"}));
      if (done) return 1;
      return done.error().code == Errc::key_duplicate ? 2 : 8;
    }));
  }
  start();
  std::vector<int> outcomes;
  for (const pid_t c : children) outcomes.push_back(exit_status(c));
  std::ranges::sort(outcomes);
  EXPECT_EQ(outcomes, (std::vector<int>{1, 2}));
  EXPECT_EQ(stored().size(), 1U);
}

TEST_F(SqliteVaultProcesses, OneGetsANameForItsKeyAndTheOtherIsToldSo) {
  {
    auto vault = open_sqlite_vault(path_, true);
    ASSERT_TRUE(vault && (*vault)->insert(document(1)) && (*vault)->insert(document(2)));
  }
  std::vector<pid_t> children;
  for (std::uint32_t n = 1; n <= 2; ++n) {
    children.push_back(spawn([&, n] {
      wait_for_start();
      auto vault = open_sqlite_vault(path_, false);
      if (!vault) return 9;
      const auto done = (*vault)->add_alt_name(test::id_of(n), "patients");
      if (done) return done->has_value() ? 1 : 7;
      return done.error().code == Errc::key_duplicate ? 2 : 8;
    }));
  }
  start();
  std::vector<int> outcomes;
  for (const pid_t c : children) outcomes.push_back(exit_status(c));
  std::ranges::sort(outcomes);
  EXPECT_EQ(outcomes, (std::vector<int>{1, 2}));
}

TEST_F(SqliteVaultProcesses, LoseNothingWhenManyInsertAtOnce) {
  constexpr std::uint32_t kProcesses = 6;
  constexpr std::uint32_t kKeys = 25;
  std::vector<pid_t> children;
  for (std::uint32_t p = 0; p < kProcesses; ++p) {
    children.push_back(spawn([&, p] {
      wait_for_start();
      auto vault = open_sqlite_vault(path_, true);
      if (!vault) return 1;
      for (std::uint32_t i = 0; i < kKeys; ++i) {
        const std::uint32_t n = p * 1000 + i;
        if (!(*vault)->insert(document(n, {"n" + std::to_string(n)}))) return 2;
        if (!(*vault)->list()) return 3;
      }
      return 0;
    }));
  }
  start();
  for (const pid_t c : children) EXPECT_EQ(exit_status(c), 0);
  EXPECT_EQ(stored().size(), kProcesses * kKeys);
}

}  // namespace
}  // namespace fle::kms
