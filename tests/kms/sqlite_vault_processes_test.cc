// Several processes on one vault, and processes that die in the middle of it. Every child is forked
// before it opens the vault.
#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "support.h"
#include "temp_dir.h"

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

TEST_F(SqliteVaultProcesses, KeepEveryCommittedKeyWhenOneIsKilled) {
  std::minstd_rand random(20'240'607);
  std::set<KeyId> reported;
  for (std::uint32_t round = 0; round < 20; ++round) {
    std::array<int, 2> report{};
    ASSERT_EQ(::pipe2(report.data(), O_CLOEXEC), 0);
    const pid_t child = spawn([&] {
      auto vault = open_sqlite_vault(path_, true);
      if (!vault) return 1;
      for (std::uint32_t i = 0;; ++i) {
        const KeyDocument d =
            document(round * 100'000 + i, {std::to_string(round) + "." + std::to_string(i)});
        if (!(*vault)->insert(d)) return 2;
        // Reported only once insert() has said that it is stored.
        if (::write(report[1], d.id.bytes.data(), 16) != 16) return 3;
      }
    });
    ::close(report[1]);
    KeyId id;
    // Let it get going, then kill it wherever it is.
    ASSERT_EQ(::read(report[0], id.bytes.data(), 16), 16) << "the child stored nothing";
    reported.insert(id);
    ::usleep(static_cast<useconds_t>(random() % 15'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child gave up by itself: " << WEXITSTATUS(status);
    while (::read(report[0], id.bytes.data(), 16) == 16) reported.insert(id);
    ::close(report[0]);
    const std::set<KeyId> found = stored();
    EXPECT_TRUE(std::ranges::includes(found, reported)) << "round " << round;
    // At most the one insert in flight is there without having been reported, in each round.
    EXPECT_LE(found.size(), reported.size() + round + 1);
  }
  EXPECT_GE(reported.size(), 20U);
}

}  // namespace
}  // namespace fle::kms
