#include "fle/secret.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/aead.h"
#include "fle/core_support.h"
#include "fle/random.h"
#include "support/emulated.h"
#include "support/sanitizer.h"

namespace fle {
namespace {

using test::Buf;

SecretBytes make(std::size_t n) {
  auto s = SecretBytes::create(n);
  if (!s) throw std::runtime_error(name(s.error().code));
  return std::move(*s);
}

/// VmFlags of the mapping that holds `p` (proc(5), /proc/pid/smaps).
std::set<std::string> vm_flags(const void* p) {
  std::ifstream in("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> from >> dash >> to && dash == '-') {
      const auto at = reinterpret_cast<std::uintptr_t>(p);
      here = from <= at && at < to;
    } else if (here && line.rfind("VmFlags:", 0) == 0) {
      std::istringstream words(line.substr(8));
      return {std::istream_iterator<std::string>(words), {}};
    }
  }
  return {};
}

/// A child by the system call alone: libc runs no handlers of fork.
pid_t raw_clone() { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

/// Runs `check` in a child; the number it returns.
template <class F>
int in_child(F check, pid_t (*make_child)() = ::fork) {
  const pid_t child = make_child();
  if (child == 0) ::_exit(check());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(SecretBytesTest, StartsAsZerosAndIsAlignedToCacheLines) {
  for (const std::size_t n : {1U, 63U, 64U, 65U, 832U, 4096U, 16384U, 16385U, 70000U}) {
    const SecretBytes s = make(n);
    EXPECT_EQ(s.size(), n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(s.expose().data()) % 64, 0U);
    EXPECT_TRUE(std::all_of(s.expose().begin(), s.expose().end(), [](auto b) { return b == 0; }));
  }
}

TEST(SecretBytesTest, IsLockedKeptOutOfCoreDumpsAndWipedOnFork) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  for (const std::size_t n : {32U, 70000U}) {
    const SecretBytes s = make(n);
    const auto flags = vm_flags(s.expose().data());
    EXPECT_TRUE(flags.count("lo")) << "not locked";
    EXPECT_TRUE(flags.count("dd")) << "in core dumps";
    EXPECT_TRUE(flags.count("wf")) << "inherited by children";
  }
}

TEST(SecretBytesTest, IsWipedWhenItIsDestroyed) {
  const SecretBytes neighbor = make(64);  // keeps the slab mapped
  std::uint8_t* was = nullptr;
  {
    SecretBytes s = make(200);
    was = s.expose_mut().data();
    std::fill_n(was, 200, std::uint8_t{0xaa});
  }
  EXPECT_TRUE(std::all_of(was, was + 200, [](auto b) { return b == 0; }));
  const SecretBytes again = make(200);
  EXPECT_EQ(again.expose().data(), was) << "freed room is used again";
}

TEST(SecretBytesTest, ManySmallSecretsShareALittleLockedMemory) {
  // 4000 expanded keys: 3.3 MB of 8; a page for each would not fit into it beside the rest.
  std::vector<SecretBytes> all;
  for (int i = 0; i < 4000; ++i) {
    auto s = SecretBytes::create(sizeof(kernels::KeyState));
    if (!s) GTEST_SKIP() << "RLIMIT_MEMLOCK is too small here after " << i << " keys";
    std::fill(s->expose_mut().begin(), s->expose_mut().end(), static_cast<std::uint8_t>(i));
    all.push_back(std::move(*s));
  }
  std::set<std::uintptr_t> pages;
  for (std::size_t i = 0; i < all.size(); ++i) {
    pages.insert(reinterpret_cast<std::uintptr_t>(all[i].expose().data()) / 4096);
    for (const std::uint8_t b : all[i].expose()) ASSERT_EQ(b, static_cast<std::uint8_t>(i));
  }
  EXPECT_LT(pages.size(), 1000U);
}

TEST(SecretBytesTest, AnySequenceOfSizesKeepsSecretsApart) {
  test::Rng rng(3);
  struct Live {
    SecretBytes s;
    std::uint8_t fill;
  };
  std::vector<Live> live;
  const auto check = [](const Live& l) {
    for (const std::uint8_t b : l.s.expose()) ASSERT_EQ(b, l.fill);
  };
  for (int i = 0; i < 3000; ++i) {
    if (live.size() > 60 || (!live.empty() && rng.below(3) == 0)) {
      const std::size_t at = rng.below(live.size());
      ASSERT_NO_FATAL_FAILURE(check(live[at]));
      std::swap(live[at], live.back());
      live.pop_back();
    } else {
      SecretBytes s = make(1 + rng.below(rng.below(10) == 0 ? 30000 : 1500));
      for (const std::uint8_t b : s.expose()) ASSERT_EQ(b, 0);
      const std::uint8_t fill = rng.byte();
      std::fill(s.expose_mut().begin(), s.expose_mut().end(), fill);
      live.push_back({std::move(s), fill});
    }
  }
  for (const Live& l : live) check(l);
}

TEST(SecretBytesTest, RefusesSizesThatCannotBe) {
  EXPECT_EQ(SecretBytes::create(0).error().code, Errc::invalid_argument);
  EXPECT_EQ(SecretBytes::copy_of({}).error().code, Errc::invalid_argument);
  for (const std::size_t n : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4096, SIZE_MAX / 2}) {
    EXPECT_EQ(SecretBytes::create(n, LockPolicy::best_effort).error().code, Errc::no_memory);
  }
}

TEST(SecretBytesTest, CopiesAndMoves) {
  test::Rng rng(4);
  const Buf from = rng.bytes(100);
  auto s = SecretBytes::copy_of(from);
  ASSERT_TRUE(s);
  SecretBytes moved = std::move(*s);
  EXPECT_EQ(s->size(), 0U);
  EXPECT_EQ(Buf(moved.expose().begin(), moved.expose().end()), from);
  SecretBytes other = make(5);
  other = std::move(moved);
  EXPECT_EQ(Buf(other.expose().begin(), other.expose().end()), from);
}

/// Gives up the right to lock more than RLIMIT_MEMLOCK says, and sets that to `bytes`.
bool limit_locked_memory(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  // Root keeps CAP_IPC_LOCK, which overrides the limit, until it becomes another user.
  return ::geteuid() != 0 || ::seteuid(65534) == 0;
}

constexpr int kNoLimit = 77;

TEST(LockPolicyTest, RequiredFailsAndBestEffortGoesOnWhenNothingMayBeLocked) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  const int result = in_child([] {
    if (!limit_locked_memory(0)) return kNoLimit;
    for (const std::size_t n : {32U, 70000U}) {
      const auto refused = SecretBytes::create(n, LockPolicy::required);
      if (refused || refused.error().code != Errc::lock_failed) return 1;
      auto taken = SecretBytes::create(n, LockPolicy::best_effort);
      if (!taken) return 2;
      const auto flags = vm_flags(taken->expose().data());
      if (flags.count("lo") != 0 || flags.count("wf") == 0 || flags.count("dd") == 0) return 3;
      // An unlocked slab with room must not tempt a secret that has to be locked.
      if (SecretBytes::create(n, LockPolicy::required)) return 4;
      taken->expose_mut()[n - 1] = 1;
    }
    const auto key = DataKey::create(Buf(DataKey::kLen), LockPolicy::required);
    if (key || key.error().code != Errc::lock_failed) return 5;
    Buf drawn(16);
    return random_bytes(drawn) ? 0 : 6;
  });
  if (result == kNoLimit) GTEST_SKIP() << "cannot give up CAP_IPC_LOCK here";
  EXPECT_EQ(result, 0);
}

TEST(LockPolicyTest, RequiredSucceedsUntilTheLimitIsReached) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  const int result = in_child([] {
    if (!limit_locked_memory(1 << 20)) return kNoLimit;
    std::vector<SecretBytes> all;
    for (int i = 0; i < 100000; ++i) {
      auto s = SecretBytes::create(832, LockPolicy::required);
      if (!s) return s.error().code == Errc::lock_failed && all.size() > 600 ? 0 : 1;
      all.push_back(std::move(*s));
    }
    return 2;
  });
  if (result == kNoLimit) GTEST_SKIP() << "cannot give up CAP_IPC_LOCK here";
  EXPECT_EQ(result, 0);
}

TEST(ForkTest, AChildReadsZerosAndItsNewSecretsAreLockedAgain) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  SecretBytes s = make(100);
  std::fill(s.expose_mut().begin(), s.expose_mut().end(), std::uint8_t{0xaa});
  EXPECT_EQ(in_child([&s] {
              for (const std::uint8_t b : s.expose()) {
                if (b != 0) return 1;
              }
              const auto fresh = SecretBytes::create(100);
              if (!fresh) return 2;
              if (vm_flags(fresh->expose().data()).count("lo") == 0) return 3;
              const SecretBytes freed_in_child = std::move(s);
              return 0;
            }),
            0);
  EXPECT_EQ(s.expose()[99], 0xaa) << "the parent keeps its own";
}

TEST(ForkTest, AChildsSecretsAreLockedHoweverItWasMade) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer turns mlock(2) into nothing";
  const SecretBytes first =
      make(64);  // the arena has a slab with room, locked in this process alone
  for (pid_t (*const make_child)() : {+[] { return ::fork(); }, &raw_clone}) {
    EXPECT_EQ(in_child(
                  [&] {
                    SecretBytes inherited = make(64);
                    const SecretBytes s = make(64);
                    return vm_flags(s.expose().data()).count("lo") == 1 ? 0 : 1;
                  },
                  make_child),
              0);
  }
}

TEST(ForkTest, AChildGivesSecretsOfItsParentBack) {
  for (pid_t (*const make_child)() : {+[] { return ::fork(); }, &raw_clone}) {
    std::vector<SecretBytes> all;
    for (const std::size_t n : {64U, 832U, 16384U, 70000U}) all.push_back(make(n));
    EXPECT_EQ(in_child(
                  [&] {
                    all.erase(all.begin(), all.begin() + 2);  // before it has secrets of its own
                    const SecretBytes own = make(64);
                    all.clear();
                    const SecretBytes more = make(64);
                    return own.expose()[0] == 0 && more.expose()[0] == 0 ? 0 : 1;
                  },
                  make_child),
              0);
  }
}

// Another thread may be in the middle of anything when its process makes a child.
TEST(ForkTest, AThreadThatTakesSecretsDoesNotStopAChild) {
  if (test::under_qemu()) GTEST_SKIP() << "qemu-user has locks of its own";
  if (test::kSanitized) GTEST_SKIP() << test::kForksAmongThreads;
  std::atomic<bool> enough{false};
  std::thread busy([&] {
    while (!enough) static_cast<void>(SecretBytes::create(832));
  });
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(in_child([] { return SecretBytes::create(832) ? 0 : 1; }), 0);
  enough = true;
  busy.join();
}

TEST(ForkTest, AChildGetsAnErrorFromAnInheritedKey) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  const DataKey key = test::make_key(*kernels::chosen(), Buf(DataKey::kLen, 5));
  Buf payload(payload_len(4));
  const Buf plaintext(4, 1);
  const SealJob job{&key, {}, Algorithm::deterministic, 2, plaintext, payload};
  ASSERT_TRUE(seal_batch({&job, 1}));
  EXPECT_EQ(in_child([&] {
              Buf out(open_capacity(payload.size()), 0xee);
              OpenJob open{&key, payload, out};
              const auto opened = open_batch({&open, 1});
              if (opened || opened.error().code != Errc::key_not_inherited) return 1;
              if (out != Buf(out.size())) return 2;
              const auto sealed = seal_batch({&job, 1});
              if (sealed || sealed.error().code != Errc::key_not_inherited) return 3;
              Buf wrapped(sealed_len(4));
              const auto aead = aead_seal(wrapped, plaintext, {}, key);
              if (aead || aead.error().code != Errc::key_not_inherited) return 4;
              Buf unwrapped(wrapped.size(), 0xee);
              const auto back = aead_open(unwrapped, wrapped, {}, key);
              if (back || back.error().code != Errc::key_not_inherited) return 5;
              if (unwrapped != Buf(unwrapped.size())) return 6;
              // Created anew it works.
              const auto again = DataKey::create(Buf(DataKey::kLen, 5));
              return again && aead_seal(wrapped, plaintext, {}, *again) ? 0 : 7;
            }),
            0);
  EXPECT_TRUE(seal_batch({&job, 1}));
}

TEST(Wipe, ZeroesEveryByteAndNothingElse) {
  for (std::size_t n = 0; n < 70; ++n) {
    Buf b(n + 2, 0xee);
    wipe(MutBytes(b).subspan(1, n));
    Buf want(n + 2);
    want.front() = want.back() = 0xee;
    EXPECT_EQ(b, want);
  }
}

TEST(CtEqual, SeesEveryDifferingBit) {
  test::Rng rng(5);
  for (std::size_t n = 0; n < 70; ++n) {
    const Buf a = rng.bytes(n);
    EXPECT_TRUE(ct_equal(a, Buf(a)));
    EXPECT_FALSE(ct_equal(a, rng.bytes(n + 1)));
    for (std::size_t bit = 0; bit < 8 * n; ++bit) {
      Buf b = a;
      b[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(ct_equal(a, b)) << n << " bytes, bit " << bit;
    }
  }
}

TEST(WipedBufferTest, HasTheLengthAskedForAndKeepsItsMemory) {
  WipedBuffer b;
  ASSERT_TRUE(b.reset(1000));
  EXPECT_EQ(b.bytes().size(), 1000U);
  const std::uint8_t* p = b.bytes().data();
  ASSERT_TRUE(b.reset(10));
  EXPECT_EQ(b.bytes().size(), 10U);
  ASSERT_TRUE(b.reset(1000));
  EXPECT_EQ(b.bytes().data(), p);
  ASSERT_TRUE(b.reset(0));
  EXPECT_EQ(b.bytes().size(), 0U);
}

TEST(WipedBufferTest, IsWipedWhenItsContentIsDropped) {
  WipedBuffer b;
  ASSERT_TRUE(b.reset(100));
  std::uint8_t* p = b.bytes().data();
  std::fill_n(p, 100, std::uint8_t{0xaa});
  b.clear();
  EXPECT_EQ(b.bytes().size(), 0U);
  EXPECT_TRUE(std::all_of(p, p + 100, [](auto x) { return x == 0; }));
  ASSERT_TRUE(b.reset(100));
  std::fill_n(p, 100, std::uint8_t{0xaa});
  ASSERT_TRUE(b.reset(50));
  EXPECT_TRUE(std::all_of(p + 50, p + 100, [](auto x) { return x == 0; })) << "the part cut off";
}

TEST(WipedBufferTest, FailsCleanlyWhenThereIsNoMemory) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer ends the process instead";
  WipedBuffer b;
  ASSERT_TRUE(b.reset(10));
  const auto s = b.reset(SIZE_MAX / 4);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::no_memory);
  EXPECT_EQ(b.bytes().size(), 0U);
  EXPECT_TRUE(b.reset(10));
}

}  // namespace
}  // namespace fle
