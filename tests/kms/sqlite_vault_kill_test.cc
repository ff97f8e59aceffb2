// A process that makes keys, names them and wraps them anew is killed again and again: whatever it
// had reported as done is there afterwards, and every key opens.
#include <algorithm>
#include <array>
#include <random>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "fle/kms/rewrap.h"
#include "support.h"
#include "temp_dir.h"

namespace fle::kms {
namespace {

using test::real_document;

/// What the child reports once a call has returned.
struct Report {
  enum class What : char { created, named, rewrapped };
  What what;
  std::uint32_t n;  // of the key; of the last key, when all were rewrapped
};

std::string name_of(std::uint32_t n) { return "n" + std::to_string(n); }
std::string second_name_of(std::uint32_t n) { return "second" + std::to_string(n); }

/// The provider that all keys go to once key n is there.
std::string target_of(std::uint32_t n) { return n % 2 == 0 ? "local:new" : "local"; }

std::unique_ptr<Providers> two_providers() {
  auto p = std::make_unique<Providers>();
  if (!p->add_local("local", test::master_key_bytes(1)) ||
      !p->add_local("local:new", test::master_key_bytes(2)))
    return nullptr;
  return p;
}

/// Works on the vault until it is killed.
int work(const std::string& path, std::uint32_t first, int report) {
  const auto providers = two_providers();
  auto vault = open_sqlite_vault(path, true);
  if (!vault || providers == nullptr) return 1;
  const auto tell = [report](Report r) { return ::write(report, &r, sizeof r) == sizeof r; };
  for (std::uint32_t n = first;; ++n) {
    if (!(*vault)->insert(real_document(n, {name_of(n)}))) return 2;
    if (!tell({Report::What::created, n})) return 3;
    if (!(*vault)->add_alt_name(test::id_of(n), second_name_of(n))) return 4;
    if (!tell({Report::What::named, n})) return 3;
    RewrapOptions options;
    options.batch = 7;
    options.master_key = MasterKey::local(target_of(n));
    if (!rewrap_many_data_key(**vault, *providers, {}, options)) return 5;
    if (!tell({Report::What::rewrapped, n})) return 3;
  }
}

class KilledVault : public ::testing::Test {
 protected:
  /// One child, killed `after` it has reported its first key; returns the key after its last.
  std::uint32_t run_and_kill(std::uint32_t first, std::chrono::microseconds after) {
    std::array<int, 2> report{};
    EXPECT_EQ(::pipe2(report.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work(path_, first, report[1]));
    ::close(report[1]);
    std::uint32_t next = first;
    Report r{};
    const auto take = [&] {
      if (::read(report[0], &r, sizeof r) != sizeof r) return false;
      if (r.what == Report::What::created) created_.insert(r.n);
      if (r.what == Report::What::named) named_.insert(r.n);
      last_ = r;
      next = std::max(next, r.n + 2);  // the one in flight may be stored as well
      return true;
    };
    EXPECT_TRUE(take()) << "the child did nothing";
    ::usleep(static_cast<useconds_t>(after.count()));
    EXPECT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child gave up by itself: " << WEXITSTATUS(status);
    while (take()) {
    }
    ::close(report[0]);
    return next;
  }

  void check() {
    const auto providers = two_providers();
    auto vault = open_sqlite_vault(path_, false);
    ASSERT_TRUE(vault) << vault.error().to_string();
    const auto keys = (*vault)->list();
    ASSERT_TRUE(keys) << keys.error().to_string();
    std::set<KeyId> stored;
    std::vector<std::string> names;
    for (const KeyDocument& key : *keys) {
      stored.insert(key.id);
      names.insert(names.end(), key.alt_names.begin(), key.alt_names.end());
      const auto opened =
          (*providers->find(key.master_key.provider))->unwrap(key.key_material, key.master_key);
      ASSERT_TRUE(opened) << to_uuid_string(key.id) << ": " << opened.error().to_string();
      const std::uint8_t fill = static_cast<std::uint8_t>(key.id.bytes[3] + 1);
      EXPECT_TRUE(std::ranges::equal(opened->expose(), test::Buf(96, fill)));
      // After a rewrapping that was the last thing to be reported, the next has not begun.
      if (last_.what == Report::What::rewrapped && key.id <= test::id_of(last_.n)) {
        EXPECT_EQ(key.master_key.provider, target_of(last_.n));
      }
    }
    for (const std::uint32_t n : created_) EXPECT_TRUE(stored.contains(test::id_of(n))) << n;
    for (const std::uint32_t n : named_)
      EXPECT_EQ(std::ranges::count(names, second_name_of(n)), 1) << n;
    // The index of names agrees with the documents.
    const auto found = (*vault)->find({}, names);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), stored.size());
  }

  test::TempDir dir_;
  std::string path_ = dir_.file("killed.fle");
  Report last_{};
  std::set<std::uint32_t> created_;
  std::set<std::uint32_t> named_;
};

TEST_F(KilledVault, HasEveryKeyAndNameThatWasReportedAndAllOfThemOpen) {
  constexpr int kKills = 120;
  std::minstd_rand random(20'261'124);
  std::uint32_t next = 0;
  for (int round = 0; round < kKills && !HasFatalFailure(); ++round) {
    SCOPED_TRACE(round);
    if (round % 20 == 19) {  // or the runs take longer and longer
      ASSERT_EQ(::unlink(path_.c_str()), 0);
      created_.clear();
      named_.clear();
    }
    next = run_and_kill(next, std::chrono::microseconds(random() % 20'000));
    check();
  }
}

}  // namespace
}  // namespace fle::kms
