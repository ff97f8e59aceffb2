#include "fle/random.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_support.h"
#include "fle/secret.h"
#include "src/random_internal.h"
#include "support/emulated.h"

namespace fle {
namespace {

using test::Buf;

Buf draw(std::size_t n) {
  Buf b(n);
  EXPECT_TRUE(random_bytes(b));
  return b;
}

/// Replaces the operating system's randomness for one test.
class Entropy {
 public:
  explicit Entropy(internal::EntropySource source) { internal::set_entropy_source(source); }
  ~Entropy() { internal::set_entropy_source(nullptr); }
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;
};

/// Counts from 1, so that no answer is the one before. A seed takes two of them, the second one to
/// see that it differs.
std::atomic<int> n_answers{0};
bool count_and_fill(MutBytes out) noexcept {
  const int n = ++n_answers;
  std::fill(out.begin(), out.end(), static_cast<std::uint8_t>(n));
  return true;
}

std::atomic<std::int64_t> milliseconds{0};
class Time {
 public:
  Time() {
    internal::set_clock([]() noexcept { return milliseconds.load(); });
  }
  ~Time() { internal::set_clock(nullptr); }
  Time(const Time&) = delete;
  Time& operator=(const Time&) = delete;
};

void in_new_thread(auto f) {
  std::thread t(f);
  t.join();
}

TEST(RandomBytes, FillsEveryLengthAndNeverRepeats) {
  std::set<Buf> seen;
  for (std::size_t n = 16; n < 600; ++n) {
    const Buf b = draw(n);
    EXPECT_TRUE(seen.insert(test::slice(b, 0, 16)).second);
    EXPECT_TRUE(seen.insert(test::slice(b, n - 8, n)).second);
  }
}

TEST(RandomBytes, WritesNothingBeyondItsOutput) {
  for (std::size_t n = 0; n < 100; ++n) {
    Buf b(n + 2, 0xee);
    ASSERT_TRUE(random_bytes(MutBytes(b).subspan(1, n)));
    EXPECT_EQ(b.front(), 0xee);
    EXPECT_EQ(b.back(), 0xee);
  }
}

TEST(RandomBytes, EveryBitIsSetAboutHalfTheTime) {
  constexpr std::size_t kBytes = 1 << 20;
  const Buf b = draw(kBytes);
  for (unsigned bit = 0; bit < 8; ++bit) {
    std::size_t ones = 0;
    for (const std::uint8_t x : b) ones += (x >> bit) & 1U;
    // 8 standard deviations of 512: a false alarm in 10^15 runs.
    EXPECT_NEAR(static_cast<double>(ones), kBytes / 2.0, 4096.0) << bit;
  }
}

// The stream is AES-256 in counter mode, the key replaced by the first two blocks of each refill.
TEST(RandomBytes, TheStreamDependsOnTheSeedAlone) {
  const Entropy fixed(count_and_fill);
  const Time stands;
  Buf a(10000);
  Buf b(10000);
  n_answers = 0x41;
  in_new_thread([&a] { EXPECT_TRUE(random_bytes(a)); });
  n_answers = 0x41;
  in_new_thread([&b] {
    for (std::size_t at = 0; at < b.size(); at += 8) {
      EXPECT_TRUE(random_bytes(MutBytes(b).subspan(at, 8)));
    }
  });
  EXPECT_EQ(a, b) << "the pieces of a stream must not depend on how it is drawn";

  Buf first(32 + 16);
  const Buf key(32, 0x42);
  ASSERT_TRUE(kernels::kPortable.ctr_fill(first.data(), 3, key.data()));
  EXPECT_EQ(test::slice(a, 0, 16), test::slice(first, 32, 48))
      << "the first blocks are the next key";
}

TEST(RandomBytes, AsksTheSystemAgainAfterOneMebibyte) {
  const Entropy counted(count_and_fill);
  const Time stands;
  in_new_thread([] {
    n_answers = 0;
    draw(16);
    EXPECT_EQ(n_answers, 2);
    draw(900000);
    EXPECT_EQ(n_answers, 2);
    draw(200000);
    EXPECT_EQ(n_answers, 4);
  });
}

// What a machine that goes on from a snapshot may repeat ends with the second.
TEST(RandomBytes, AsksTheSystemAgainAfterASecondAndDropsWhatWasDrawnAhead) {
  const Entropy counted(count_and_fill);
  const Time passes;
  const auto stream = [](std::int64_t pause) {
    Buf drawn;
    in_new_thread([&] {
      n_answers = 0;
      draw(16);
      milliseconds += pause;
      drawn = draw(16);
    });
    return drawn;
  };
  const Buf at_once = stream(0);
  EXPECT_EQ(n_answers, 2);
  EXPECT_EQ(stream(999), at_once);
  EXPECT_EQ(n_answers, 2);
  EXPECT_NE(stream(1000), at_once);
  EXPECT_EQ(n_answers, 4);
}

TEST(RandomBytes, ASourceThatSaysTheSameTwiceIsRefused) {
  const Entropy constant([](MutBytes out) noexcept {
    std::fill(out.begin(), out.end(), std::uint8_t{0x42});
    return true;
  });
  in_new_thread([] {
    Buf b(100, 0xee);
    const auto drawn = random_bytes(b);
    ASSERT_FALSE(drawn);
    EXPECT_EQ(drawn.error().code, Errc::random_failed);
    EXPECT_EQ(b, Buf(100));
  });
  Buf key(96, 0xee);
  const auto made = random_key_material(key);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::random_failed);
  EXPECT_EQ(key, Buf(96));
}

TEST(RandomKeyMaterial, ComesFromTheSystemAtEachCall) {
  const Entropy counted(count_and_fill);
  n_answers = 0;
  Buf key(96);
  ASSERT_TRUE(random_key_material(key));
  EXPECT_EQ(key, Buf(96, 1));
  ASSERT_TRUE(random_key_material(key));
  EXPECT_EQ(key, Buf(96, 3));
}

TEST(RandomKeyMaterial, FillsEveryLengthAndNeverRepeats) {
  std::set<Buf> seen;
  for (std::size_t n = 16; n < 200; ++n) {
    Buf b(n);
    ASSERT_TRUE(random_key_material(b));
    EXPECT_TRUE(seen.insert(test::slice(b, 0, 16)).second);
    EXPECT_TRUE(seen.insert(test::slice(b, n - 8, n)).second);
  }
}

TEST(RandomBytes, FailsAndWipesWhenTheSystemGivesNothing) {
  in_new_thread([] {
    const Entropy none([](MutBytes) noexcept { return false; });
    Buf b(100, 0xee);
    const auto s = random_bytes(b);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().code, Errc::random_failed);
    EXPECT_EQ(b, Buf(100));
    const auto id = random_key_id();
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::random_failed);
  });
}

TEST(RandomBytes, FailsInTheMiddleOfALongRequestAndWipesAllOfIt) {
  in_new_thread([] {
    draw(16);
    const Entropy none([](MutBytes) noexcept { return false; });
    Buf b(2U << 20, 0xee);
    EXPECT_FALSE(random_bytes(b));
    EXPECT_EQ(b, Buf(b.size()));
  });
}

/// Whether `needle` stands anywhere in memory that is wiped on fork, where all generators live.
bool stands_in_secret_memory(const Buf& needle) {
  std::ifstream in("/proc/self/smaps");
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::uintptr_t a = 0;
    std::uintptr_t b = 0;
    char dash = 0;
    if (words >> std::hex >> a >> dash >> b && dash == '-') {
      from = a;
      to = b;
    } else if (line.rfind("VmFlags:", 0) == 0 && line.find(" wf") != std::string::npos) {
      const auto* begin = reinterpret_cast<const std::uint8_t*>(from);
      if (::memmem(begin, to - from, needle.data(), needle.size()) != nullptr) return true;
    }
  }
  return false;
}

TEST(RandomBytes, WhatWasHandedOutIsErasedFromTheGenerator) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  draw(16);
  auto kept = SecretBytes::create(32, LockPolicy::best_effort);
  ASSERT_TRUE(kept);
  const Buf drawn = draw(32);
  EXPECT_FALSE(stands_in_secret_memory(drawn));
  std::copy(drawn.begin(), drawn.end(), kept->expose_mut().begin());
  EXPECT_TRUE(stands_in_secret_memory(drawn)) << "the search itself does not find anything";
}

TEST(RandomBytes, ThreadsHaveStreamsOfTheirOwn) {
  std::array<Buf, 8> drawn;
  std::vector<std::thread> threads;
  for (auto& d : drawn) threads.emplace_back([&d] { d = draw(64); });
  for (auto& t : threads) t.join();
  std::sort(drawn.begin(), drawn.end());
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end());
}

struct AsksWhenTheThreadEnds {
  Buf* out;
  ~AsksWhenTheThreadEnds() {
    if (out != nullptr) *out = draw(32);
  }
};

TEST(RandomBytes, ServesDestructorsThatRunAtTheEndOfAThread) {
  Buf late;
  in_new_thread([&late] {
    // Made before the generator, so destroyed after it.
    thread_local AsksWhenTheThreadEnds asks{&late};
    asks.out = &late;
    draw(16);
  });
  ASSERT_EQ(late.size(), 32U);
  EXPECT_NE(late, Buf(32));
}

TEST(RandomBytes, AForkedChildDoesNotRepeatItsParent) {
  if (test::under_qemu()) GTEST_SKIP() << "madvise(2) does nothing in qemu-user";
  constexpr std::size_t kLen = 64;
  draw(16);  // so that there is a state to inherit
  void* shared = ::mmap(nullptr, kLen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool drawn = random_bytes({static_cast<std::uint8_t*>(shared), kLen}).has_value();
    ::_exit(drawn ? 0 : 1);
  }
  const Buf ours = draw(kLen);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const auto* p = static_cast<const std::uint8_t*>(shared);
  const Buf theirs(p, p + kLen);
  ::munmap(shared, kLen);
  EXPECT_NE(theirs, Buf(kLen));
  EXPECT_EQ(std::search(ours.begin(), ours.end(), theirs.begin(), theirs.begin() + 8), ours.end());
  EXPECT_NE(ours, theirs);
}

TEST(RandomKeyId, IsAVersion4Uuid) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = random_key_id();
    ASSERT_TRUE(id);
    EXPECT_EQ(id->bytes[6] >> 4, 4);
    EXPECT_EQ(id->bytes[8] >> 6, 2);
    EXPECT_TRUE(seen.insert(id->to_string()).second);
  }
}

}  // namespace
}  // namespace fle
