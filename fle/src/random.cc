#include "fle/random.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include <sys/random.h>

#include "fle/secret.h"
#include "kernels/kernel.h"
#include "random_internal.h"

namespace fle {
namespace {

constexpr std::size_t kSeedLen = 32;
constexpr std::size_t kReseedAfter = 1 << 20;

bool os_entropy(MutBytes out) noexcept {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

std::atomic<internal::EntropySource> entropy{os_entropy};

/// State of one thread's generator, in memory that reads as zeros after fork().
struct State {
  std::uint64_t live;  // kLive; 0 before the first seed, and in a child
  std::uint64_t produced;
  std::size_t used;  // of pool: bytes handed out, which are zeros already
  std::uint8_t key[kSeedLen];
  alignas(16) std::uint8_t pool[4096];
};

/// AES-256 in counter mode with fast key erasure: each refill makes the next key first, so the
/// state never tells what it has handed out (D. J. Bernstein, "Fast-key-erasure random-number
/// generators", 2017).
class Generator {
 public:
  Status fill(MutBytes out) noexcept {
    while (!out.empty()) {
      FLE_CHECK(ready());
      State& s = state();
      if (s.used == sizeof s.pool) FLE_CHECK(refill());
      const std::size_t n = std::min(out.size(), sizeof s.pool - s.used);
      std::memcpy(out.data(), s.pool + s.used, n);
      ::explicit_bzero(s.pool + s.used, n);
      s.used += n;
      out = out.subspan(n);
    }
    return ok;
  }

 private:
  State& state() noexcept { return *reinterpret_cast<State*>(memory_->expose_mut().data()); }

  Status ready() noexcept {
    if (!memory_) {
      // Generator state that may be swapped out is still better than no generator: keys have
      // their own policy.
      auto memory = SecretBytes::create(sizeof(State), LockPolicy::best_effort);
      if (!memory) return memory.error();
      memory_.emplace(std::move(*memory));
    }
    if (state().live == kernels::kLive && state().produced < kReseedAfter) return ok;
    return reseed();
  }

  Status reseed() noexcept {
    State& s = state();
    s.live = 0;
    if (!entropy.load(std::memory_order_relaxed)({s.key, kSeedLen})) {
      ::explicit_bzero(&s, sizeof s);
      return Error{Errc::random_failed, "random_bytes"};
    }
    s.produced = 0;
    FLE_CHECK(refill());
    s.live = kernels::kLive;
    return ok;
  }

  Status refill() noexcept {
    State& s = state();
    if (!kernels::best().ctr_fill(s.pool, sizeof s.pool / 16, s.key)) {
      s.live = 0;
      return Error{Errc::crypto_failed, "random_bytes"};
    }
    std::memcpy(s.key, s.pool, kSeedLen);
    ::explicit_bzero(s.pool, kSeedLen);
    s.used = kSeedLen;
    s.produced += sizeof s.pool;
    return ok;
  }

  std::optional<SecretBytes> memory_;
};

}  // namespace

void internal::set_entropy_source(EntropySource source) noexcept {
  entropy.store(source != nullptr ? source : os_entropy, std::memory_order_relaxed);
}

Status random_bytes(MutBytes out) noexcept {
  if (out.empty()) return ok;
  thread_local Generator generator;
  const Status s = generator.fill(out);
  if (!s) wipe(out);
  return s;
}

Result<KeyId> random_key_id() noexcept {
  KeyId id;
  FLE_CHECK(random_bytes(id.bytes));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

}  // namespace fle
