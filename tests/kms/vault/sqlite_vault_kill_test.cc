// A process that makes keys, names them and wraps them anew is killed at one step after the other:
// whatever it had reported as done is there afterwards, and every key opens.
#include <algorithm>
#include <array>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/key_vault.h"
#include "fle/kms/rewrap.h"
#include "kms/support.h"
#include "kms/temp_dir.h"

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

// The steps of this process: the system calls by which SQLite changes files. What a process that is
// killed leaves behind depends on how many of them it has done, and on nothing else.
std::uint32_t steps_left = 0;

/// A system call of SQLite's, behind one that ends the process when its steps are done.
template <class Call>
struct Step;
template <class Result, class... Args>
struct Step<Result(Args...)> {
  static inline Result (*real)(Args...);
  static Result call(Args... args) {
    if (steps_left-- == 0) ::raise(SIGKILL);
    return real(args...);
  }
  static void put_before(sqlite3_vfs* vfs, const char* name) {
    real = reinterpret_cast<Result (*)(Args...)>(vfs->xGetSystemCall(vfs, name));
    vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(call));
  }
};

void die_after(std::uint32_t steps) {
  steps_left = steps;
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  const bool large = vfs->xGetSystemCall(vfs, "pwrite64") != nullptr;
  Step<ssize_t(int, const void*, std::size_t, off_t)>::put_before(vfs,
                                                                  large ? "pwrite64" : "pwrite");
  Step<int(const char*, int, int)>::put_before(vfs, "open");
  Step<int(int, off_t)>::put_before(vfs, "ftruncate");
  Step<int(const char*)>::put_before(vfs, "unlink");
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
  /// One child that is killed when it has done `steps`; returns the key after its last.
  std::uint32_t run_and_kill(std::uint32_t first, std::uint32_t steps) {
    std::array<int, 2> report{};
    EXPECT_EQ(::pipe2(report.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      die_after(steps);
      ::_exit(work(path_, first, report[1]));
    }
    ::close(report[1]);
    std::uint32_t next = first + 1;  // the one in flight may be stored as well
    for (Report r{}; ::read(report[0], &r, sizeof r) == sizeof r;) {
      if (r.what == Report::What::created) created_.insert(r.n);
      if (r.what == Report::What::named) named_.insert(r.n);
      last_ = r;
      next = r.n + 2;
    }
    ::close(report[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child gave up by itself: " << WEXITSTATUS(status);
    ++n_killed_;
    return next;
  }

  void check() {
    const auto providers = two_providers();
    auto vault = open_sqlite_vault(path_, true);  // for there are steps before there is one
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
      ASSERT_TRUE(opened) << key.id.to_string() << ": " << opened.error().to_string();
      std::uint32_t n = 0;
      for (std::size_t i = 0; i < 4; ++i) n = n << 8U | key.id.bytes[i];
      EXPECT_TRUE(std::ranges::equal(opened->expose(), test::data_key_of(n)));
      // After a rewrapping that was the last thing to be reported, the next has not begun.
      if (last_.what == Report::What::rewrapped && key.id <= test::id_of(last_.n)) {
        EXPECT_EQ(key.master_key.provider, target_of(last_.n));
      }
    }
    for (const std::uint32_t n : created_) EXPECT_TRUE(stored.contains(test::id_of(n))) << n;
    for (const std::uint32_t n : named_)
      EXPECT_EQ(std::ranges::count(names, second_name_of(n)), 1) << n;
    EXPECT_LE(stored.size(), created_.size() + n_killed_) << "beside them the one in flight";
    // The index of names agrees with the documents.
    const auto found = (*vault)->find({}, names);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), stored.size());
  }

  test::TempDir dir_;
  std::string path_ = dir_.file("killed.fle");
  Report last_{};
  std::size_t n_killed_ = 0;
  std::set<std::uint32_t> created_;
  std::set<std::uint32_t> named_;
};

TEST_F(KilledVault, HasEveryKeyAndNameThatWasReportedAndAllOfThemOpen) {
  constexpr std::uint32_t kSteps = 200;  // several rounds of work, whose last sees many keys
  std::uint32_t next = 0;
  std::uint32_t reported = 0;
  for (std::uint32_t steps = 0; steps < kSteps && !HasFatalFailure(); ++steps) {
    SCOPED_TRACE(steps);
    if (steps % 20 == 19) {  // or the runs take longer and longer
      ASSERT_EQ(::unlink(path_.c_str()), 0);
      created_.clear();
      named_.clear();
      n_killed_ = 0;
    }
    next = run_and_kill(next, steps);
    check();
    reported = std::max(reported, static_cast<std::uint32_t>(named_.size()));
  }
  EXPECT_GT(reported, 10U) << "the steps end before the work begins";
}

}  // namespace
}  // namespace fle::kms
