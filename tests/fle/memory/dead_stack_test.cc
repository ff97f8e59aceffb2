// What a call leaves on the stack below it: no plaintext, no round key, no midstate of a key.
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "fle/core_support.h"
#include "src/engine.h"
#include "support/sanitizer.h"

namespace fle {
namespace {

using test::Buf;

constexpr std::size_t kDepth = 48 * 1024;

/// The functions below are called from one place, so that their frames cover the same memory.
[[gnu::noinline]] void paint_stack() {
  std::uint8_t below[kDepth];
  std::memset(below, 0xa5, sizeof below);
  asm volatile("" : : "r"(below) : "memory");
}
[[gnu::noinline]] void copy_stack(std::uint8_t* out) {
  std::uint8_t below[kDepth];
  asm volatile("" : "=m"(below));  // as it is
  std::memcpy(out, below, sizeof below);
}
[[gnu::noinline]] bool seal(std::span<const SealJob> jobs) { return seal_batch(jobs).has_value(); }
[[gnu::noinline]] bool open(std::span<OpenJob> jobs) { return open_batch(jobs).has_value(); }
[[gnu::noinline]] bool compare(const DataKey& key, Bytes payload, Bytes plaintext) {
  return *opens_to(key, payload, plaintext);
}

[[gnu::noinline]] bool mac(const kernels::Kernel& kernel, const kernels::MacJob& job) {
  return kernel.mac(&job, 1);
}

/// Finds eight bytes of a secret, in their order or in that of a big-endian word.
class Secrets {
 public:
  void add(const std::string& name, const std::uint8_t* p, std::size_t n) {
    for (std::size_t i = 0; i + 8 <= n; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, p + i, 8);
      if (word == 0) continue;
      windows_.emplace(word, name);
      windows_.emplace(__builtin_bswap64(word), name);
    }
  }
  [[nodiscard]] std::string found_in(const Buf& stack) const {
    for (std::size_t i = 0; i + 8 <= stack.size(); ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, stack.data() + i, 8);
      if (const auto it = windows_.find(word); it != windows_.end())
        return it->second + ", " + std::to_string(stack.size() - i) + " bytes down";
    }
    return {};
  }

 private:
  std::unordered_map<std::uint64_t, std::string> windows_;
};

class DeadStack : public test::EveryKernel {
 protected:
  void SetUp() override {
    test::EveryKernel::SetUp();
    if (test::kSanitized) GTEST_SKIP() << "sanitizers lay the stack out anew";
#if !defined(__OPTIMIZE__)
    GTEST_SKIP() << "without optimization frames are larger than they are wiped";
#endif
  }
};

/// Fields under one key, sealed and opened; the stack is looked at behind each call.
class Round {
 public:
  /// @param first, others  algorithms of the first field and of the others
  Round(const kernels::Kernel& kernel, std::size_t n, std::size_t len, Algorithm first,
        Algorithm others)
      : rng_(static_cast<std::uint32_t>(n * 1000 + len)),
        key_(test::make_key(kernel, rng_.bytes(DataKey::kLen))),
        stack_(kDepth) {
    add_key();
    const KeyId id{{1, 2, 3}};
    for (std::size_t i = 0; i < n; ++i) {
      values_.push_back(rng_.bytes(len));
      secrets_.add("plaintext", values_[i].data(), len);
      payloads_.emplace_back(payload_len(len));
      opened_.emplace_back(open_capacity(payload_len(len)));
    }
    for (std::size_t i = 0; i < n; ++i) {
      seal_jobs_.push_back({&key_, id, i == 0 ? first : others, 0x02, values_[i], payloads_[i]});
      open_jobs_.push_back({&key_, payloads_[i], opened_[i]});
    }
  }

  std::string after_seal() {
    paint_stack();
    const bool good = seal(seal_jobs_);
    copy_stack(stack_.data());
    return good ? secrets_.found_in(stack_) : "seal_batch failed";
  }
  std::string after_open() {
    paint_stack();
    const bool good = open(open_jobs_);
    copy_stack(stack_.data());
    return good ? secrets_.found_in(stack_) : "open_batch failed";
  }
  std::string after_comparison() {
    paint_stack();
    const bool good = compare(key_, payloads_[0], values_[0]);
    copy_stack(stack_.data());
    return good ? secrets_.found_in(stack_) : "opens_to failed";
  }

 private:
  void add_key() {
    const kernels::KeyState& s = *engine::use(key_).state;
    secrets_.add("encryption round key", s.enc[0], sizeof s.enc);
    secrets_.add("decryption round key", s.dec[0], sizeof s.dec);
    secrets_.add("AES key", s.aes_key, sizeof s.aes_key);
    for (const auto& [name, h] : {std::pair{"MAC midstate", &s.mac}, {"IV midstate", &s.iv}}) {
      secrets_.add(name, reinterpret_cast<const std::uint8_t*>(h->inner), sizeof h->inner);
      secrets_.add(name, reinterpret_cast<const std::uint8_t*>(h->outer), sizeof h->outer);
    }
  }

  test::Rng rng_;
  DataKey key_;
  Secrets secrets_;
  std::vector<Buf> values_;
  std::vector<Buf> payloads_;
  std::vector<Buf> opened_;
  std::vector<SealJob> seal_jobs_;
  std::vector<OpenJob> open_jobs_;
  Buf stack_;
};

TEST_P(DeadStack, HoldsNothingOfValuesAndKeys) {
  for (const std::size_t n : {1U, 2U, 3U, 6U, 16U, 40U, 64U, 128U}) {
    for (const std::size_t len : {9U, 40U, 130U, 700U}) {
      constexpr auto kDeterministic = Algorithm::deterministic;
      constexpr auto kRandom = Algorithm::random;
      // The last: of many fields one alone has an IV to derive.
      for (const auto& [first, others] : {std::pair{kDeterministic, kDeterministic},
                                          {kRandom, kRandom},
                                          {kDeterministic, kRandom}}) {
        SCOPED_TRACE(std::to_string(n) + " fields of " + std::to_string(len) + " bytes, " +
                     (others == kDeterministic ? "all deterministic"
                      : first == kRandom       ? "all random"
                                               : "one deterministic"));
        Round round(kernel(), n, len, first, others);
        EXPECT_EQ(round.after_seal(), "") << "sealing";
        EXPECT_EQ(round.after_open(), "") << "opening";
        EXPECT_EQ(round.after_comparison(), "") << "comparing";
      }
    }
  }
}

// As when of many fields one alone has an IV to derive. Whatever comes behind it would wipe the
// same memory once more.
TEST_P(DeadStack, HoldsNothingOfAMessageThatWasHashedAlone) {
  for (const std::size_t len : {9U, 40U, 130U, 700U}) {
    test::Rng rng(static_cast<std::uint32_t>(len));
    const auto key = std::make_unique<kernels::KeyState>();
    ASSERT_TRUE(kernel().expand(*key, rng.bytes(DataKey::kLen).data()));
    const Buf head = rng.bytes(26);
    const Buf message = rng.bytes(len);
    Secrets secrets;
    secrets.add("message", message.data(), len);
    Buf out(16);
    Buf stack(kDepth);
    paint_stack();
    const bool good = mac(kernel(), {&key->iv, head.data(), message.data(), nullptr, head.size(),
                                     len, 0, out.data(), out.size()});
    copy_stack(stack.data());
    ASSERT_TRUE(good);
    EXPECT_EQ(secrets.found_in(stack), "") << len << " bytes";
  }
}

[[gnu::noinline]] void leave_on_stack(const std::uint8_t (&secret)[8], bool reversed) {
  std::uint8_t frame[1024];
  for (std::size_t i = 0; i < 8; ++i) frame[500 + i] = secret[reversed ? 7 - i : i];
  asm volatile("" : : "r"(frame) : "memory");
}

TEST(DeadStackSearch, FindsWhatIsThere) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers lay the stack out anew";
  Secrets secrets;
  const std::uint8_t secret[] = {11, 22, 33, 44, 55, 66, 77, 88};
  secrets.add("secret", secret, sizeof secret);
  Buf stack(kDepth);
  for (const int reversed : {0, 1}) {
    paint_stack();
    leave_on_stack(secret, reversed != 0);
    copy_stack(stack.data());
    EXPECT_NE(secrets.found_in(stack), "") << reversed;
  }
  paint_stack();
  copy_stack(stack.data());
  EXPECT_EQ(secrets.found_in(stack), "");
}

FLE_FOR_EVERY_KERNEL(DeadStack);

}  // namespace
}  // namespace fle
