#include "fle/random.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <optional>

#include <sys/random.h>

#include "declassify.h"
#include "fle/secret.h"
#include "kernels/kernel.h"
#include "random_internal.h"

namespace fle {
namespace {

constexpr Error kRandomFailed{Errc::random_failed, "random_bytes"};
constexpr Error kNoKernel{Errc::kernel_unavailable, kernels::kUnavailable};

bool from_os(MutBytes out) noexcept {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

std::atomic<internal::EntropySource> entropy_source{from_os};

bool os_entropy(MutBytes out) noexcept { return entropy_source.load()(out); }

/// Milliseconds of a clock that only goes forward; a few nanoseconds a call.
std::int64_t coarse_now() noexcept {
  std::timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

std::atomic<internal::Clock> clock{coarse_now};

constexpr std::size_t kSeedLen = 32;
// Two machines that go on from one snapshot repeat each other until they seed anew. Linux seeds its
// own generator when the hypervisor says so, but shows programs nothing of it: so a seed has a
// limit in time too.
constexpr std::size_t kReseedAfter = std::size_t{1} << 20;
constexpr std::int64_t kReseedAfterMs = 1000;

/// State of one thread's generator, in secret memory. All of it reads as zeros in a forked child,
/// `live` too, and so a child can never repeat what its parent hands out.
///
/// A refill fills `stream` with AES-256-CTR under `key`, and the first 32 bytes of it become the
/// next key: the key that made the stream is gone before the first byte of it leaves (D. J.
/// Bernstein, "Fast-key-erasure random-number generators", 2017).
struct State {
  std::uint64_t live;
  std::size_t next;    // offset of the first unused byte of stream; all before it are zeros
  std::size_t served;  // bytes since the last seed
  std::int64_t seeded_at;
  std::uint8_t key[kSeedLen];
  std::uint8_t stream[4000];
};
static_assert(sizeof(State) <= 4096 && sizeof(State::stream) % 16 == 0);

/// Fills `out` from the operating system. A source that says the same twice is no randomness.
bool os_bytes(MutBytes out) noexcept {
  std::uint8_t again[kSeedLen];
  const std::size_t n = std::min(out.size(), sizeof again);
  const bool got = os_entropy(out) && os_entropy(again);
  const bool repeats =
      got && n == sizeof again && internal::declassify(ct_equal(out.first(n), again));
  wipe(again);
  return got && !repeats;
}

/// What was drawn ahead under the old seed is dropped.
bool reseed(State& s) noexcept {
  std::uint8_t seed[kSeedLen];
  const bool got = os_bytes(seed);
  // Mixed in, so that a bad seed cannot undo a good one.
  for (std::size_t i = 0; got && i < kSeedLen; ++i) s.key[i] ^= seed[i];
  wipe(seed);
  if (!got) return false;
  wipe(s.stream);
  s.next = sizeof s.stream;
  s.served = 0;
  s.seeded_at = clock.load()();
  s.live = kernels::kLive;
  return true;
}

bool refill(State& s) noexcept {
  if (s.served >= kReseedAfter && !reseed(s)) return false;
  if (!kernels::chosen()->ctr_fill(s.stream, sizeof s.stream / 16, s.key)) {
    s.live = 0;  // half a stream must not be served
    return false;
  }
  std::memcpy(s.key, s.stream, kSeedLen);
  wipe({s.stream, kSeedLen});
  s.next = kSeedLen;
  return true;
}

bool serve(State& s, MutBytes out) noexcept {
  constexpr std::size_t kIv = 16;
  if (clock.load()() - s.seeded_at >= kReseedAfterMs && !reseed(s)) return false;
  if (out.size() == kIv && sizeof s.stream - s.next >= kIv) {  // most calls: no other call for it
    std::memcpy(out.data(), s.stream + s.next, kIv);
    std::memset(s.stream + s.next, 0, kIv);  // the state lives on: no compiler may leave this out
    s.next += kIv;
    s.served += kIv;
    return true;
  }
  while (!out.empty()) {
    if (s.next == sizeof s.stream && !refill(s)) return false;
    const std::size_t n = std::min(out.size(), sizeof s.stream - s.next);
    std::memcpy(out.data(), s.stream + s.next, n);
    wipe({s.stream + s.next, n});
    s.next += n;
    s.served += n;
    out = out.subspan(n);
  }
  return true;
}

// Trivial, so that it may be read until the very end of a thread, after `owner` is gone.
thread_local State* current = nullptr;
thread_local bool thread_ends = false;

/// Gives the thread's state back, wiped, when the thread exits.
struct Owner {
  std::optional<SecretBytes> memory;
  ~Owner() {
    current = nullptr;
    thread_ends = true;
  }
};

State* make_state() noexcept {
  thread_local Owner owner;
  current = nullptr;
  // In a forked child the old pages are no longer locked (mlock(2)): take new ones.
  owner.memory.reset();
  auto memory = SecretBytes::create(sizeof(State), LockPolicy::best_effort);
  if (!memory) return nullptr;
  auto* s = ::new (memory->expose_mut().data()) State{};
  owner.memory.emplace(std::move(*memory));
  return reseed(*s) ? current = s : nullptr;
}

State* thread_state() noexcept {
  if (current != nullptr && current->live == kernels::kLive) [[likely]] {
    return current;
  }
  return make_state();
}

}  // namespace

void internal::set_entropy_source(EntropySource source) noexcept {
  entropy_source.store(source != nullptr ? source : from_os);
}

void internal::set_clock(Clock now) noexcept { clock.store(now != nullptr ? now : coarse_now); }

Status random_bytes(MutBytes out) noexcept {
  if (kernels::chosen() == nullptr) {
    wipe(out);
    return kNoKernel;
  }
  bool filled = false;
  if (thread_ends) {  // a destructor of another thread_local object still asks
    filled = os_entropy(out);
  } else if (State* s = thread_state(); s != nullptr) {
    filled = serve(*s, out);
  }
  if (filled) return ok;
  wipe(out);
  return kRandomFailed;
}

Status random_key_material(MutBytes out) noexcept {
  if (os_bytes(out)) return ok;
  wipe(out);
  return kRandomFailed;
}

Result<KeyId> random_key_id() noexcept {
  KeyId id;
  FLE_CHECK(random_key_material(id.bytes));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
  return id;
}

}  // namespace fle
