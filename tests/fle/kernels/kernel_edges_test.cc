// Each function of every kernel against the portable one, its buffers between pages that fault.
#include "fle/core_support.h"
#include "guarded_pages.h"
#include "support/sanitizer.h"

namespace fle {
namespace {

using kernels::CbcDecryptJob;
using kernels::CbcEncryptJob;
using kernels::Kernel;
using kernels::KeyState;
using kernels::kPortable;
using kernels::MacJob;
using test::Buf;
using test::Edge;
using test::GuardedPages;

constexpr std::size_t kLongest = 1024;  // bytes of a message
constexpr std::size_t kMostJobs = 200;
constexpr std::size_t kMostBuffers = 5 * kMostJobs;  // of one batch

TEST(GuardedPages, FaultAtTheirEdges) {
  GuardedPages pages(2);
  volatile std::uint8_t* const front = pages.take(9, Edge::front).data();
  volatile std::uint8_t* const back = pages.take(9, Edge::back).data();
  EXPECT_DEATH((void)front[-1], "");
  EXPECT_DEATH((void)back[9], "");
}

TEST(GuardedPages, ShowAWriteBeyondTheOtherEnd) {
  GuardedPages pages(2);
  for (const Edge edge : test::kEdges) {
    const MutBytes b = pages.take(9, edge);
    EXPECT_FALSE(pages.stray_write(b));
    *(edge == Edge::front ? b.data() + b.size() : b.data() - 1) = 0;
    EXPECT_TRUE(pages.stray_write(b));
  }
}

/// What the jobs of all functions are made from: the same under each kernel.
struct Message {
  std::size_t key;
  Buf iv;
  Buf head;
  Buf text;  ///< body of a MAC, plaintext or ciphertext
  Buf tail;
  std::size_t mac_len;
};

using Outputs = std::vector<Buf>;

class KernelEdges : public test::EveryKernel {
 protected:
  void SetUp() override {
    EveryKernel::SetUp();
    if (IsSkipped()) return;
    for (auto* states : {&mine_, &portable_}) states->resize(kKeys);
    for (std::size_t k = 0; k < kKeys; ++k) {
      const Buf key = rng_.bytes(DataKey::kLen);
      ASSERT_TRUE(kernel().expand(mine_[k], key.data()));
      ASSERT_TRUE(kPortable.expand(portable_[k], key.data()));
    }
  }

  Message message(std::size_t text_len) {
    return {rng_.below(kKeys),          rng_.bytes(16),
            rng_.bytes(rng_.below(40)), rng_.bytes(text_len),
            rng_.bytes(rng_.below(12)), 1 + rng_.below(64)};
  }
  /// 80 % short ones, as records have them, the others of any length.
  std::vector<Message> messages(std::size_t n) {
    std::vector<Message> m;
    for (std::size_t i = 0; i < n; ++i)
      m.push_back(message(rng_.below(rng_.below(5) == 0 ? kLongest + 1 : 70)));
    return m;
  }

  /// Runs one function of this kernel and of the portable one on all of `m`, twice, at either edge.
  template <class Function>
  void expect_agreement(const std::vector<Message>& m, Function run) {
    for (const Edge edge : test::kEdges) {
      const Outputs want = run(m, kPortable, portable_, edge, pages_);
      const Outputs got = run(m, kernel(), mine_, edge, pages_);
      ASSERT_EQ(want.size(), got.size());
      for (std::size_t i = 0; i < want.size(); ++i) {
        ASSERT_TRUE(got[i] == want[i]) << test::to_hex(got[i]) << " for " << test::to_hex(want[i])
                                       << ", output " << i << " of a batch of " << m.size();
      }
    }
  }

  static constexpr std::size_t kKeys = 3;
  test::Rng rng_{20};
  std::vector<KeyState> mine_;
  std::vector<KeyState> portable_;
  GuardedPages pages_{kMostBuffers};
};

using States = std::vector<KeyState>;

/// Takes the outputs from the pages; an output that is written beyond fails the test.
template <class Job, class Len>
Outputs collect(const std::vector<Job>& jobs, const GuardedPages& pages, Len len) {
  Outputs out;
  for (const Job& j : jobs) {
    const Bytes b{j.out, len(j)};
    EXPECT_FALSE(pages.stray_write(b)) << "beyond output " << out.size();
    out.emplace_back(b.begin(), b.end());
  }
  return out;
}

Outputs mac(const std::vector<Message>& m, const Kernel& k, const States& keys, Edge edge,
            GuardedPages& pages) {
  pages.reset();
  std::vector<MacJob> jobs;
  for (const Message& x : m) {
    jobs.push_back({x.key % 2 == 0 ? &keys[x.key].mac : &keys[x.key].iv,
                    pages.copy(x.head, edge).data(), pages.copy(x.text, edge).data(),
                    pages.copy(x.tail, edge).data(), x.head.size(), x.text.size(), x.tail.size(),
                    pages.take(x.mac_len, edge).data(), x.mac_len});
  }
  EXPECT_TRUE(k.mac(jobs.data(), jobs.size()));
  return collect(jobs, pages, [](const MacJob& j) { return j.out_len; });
}

Outputs encrypt(const std::vector<Message>& m, const Kernel& k, const States& keys, Edge edge,
                GuardedPages& pages) {
  pages.reset();
  std::vector<CbcEncryptJob> jobs;
  for (const Message& x : m) {
    jobs.push_back({&keys[x.key], pages.copy(x.iv, edge).data(), pages.copy(x.text, edge).data(),
                    x.text.size(), pages.take(padded_len(x.text.size()), edge).data()});
  }
  EXPECT_TRUE(k.cbc_encrypt(jobs.data(), jobs.size()));
  return collect(jobs, pages, [](const CbcEncryptJob& j) { return padded_len(j.len); });
}

Outputs decrypt(const std::vector<Message>& m, const Kernel& k, const States& keys, Edge edge,
                GuardedPages& pages) {
  pages.reset();
  std::vector<CbcDecryptJob> jobs;
  for (const Message& x : m) {
    const std::size_t n_blocks = x.text.size() / 16;
    if (n_blocks == 0) continue;  // a payload has one at least
    jobs.push_back({&keys[x.key], pages.copy(x.iv, edge).data(),
                    pages.copy(Bytes(x.text).first(16 * n_blocks), edge).data(), n_blocks,
                    pages.take(16 * n_blocks, edge).data()});
  }
  EXPECT_TRUE(jobs.empty() || k.cbc_decrypt(jobs.data(), jobs.size()));
  return collect(jobs, pages, [](const CbcDecryptJob& j) { return 16 * j.n_blocks; });
}

/// A payload as the engine has it sealed: AD || IV || C || T in one buffer. Each in its turn.
Outputs seal_alone(const std::vector<Message>& m, const Kernel& k, const States& keys, Edge edge,
                   GuardedPages& pages) {
  Outputs out;
  for (const Message& x : m) {
    pages.reset();
    const std::size_t padded = padded_len(x.text.size());
    const Bytes text = pages.copy(x.text, edge);
    const Bytes iv_head = pages.copy(Buf(26, 7), edge);
    const Bytes al = pages.copy(test::big_endian64(18 * 8), edge);
    const MutBytes payload = pages.take(18 + 16 + padded + 32, edge);
    std::copy(x.iv.begin(), x.iv.end(), payload.begin() + 18);
    const bool derived = x.key % 2 == 0;
    const KeyState& key = keys[x.key];
    const MacJob iv{&key.iv, iv_head.data(),      text.data(), nullptr, iv_head.size(), text.size(),
                    0,       payload.data() + 18, 16};
    const CbcEncryptJob e{&key, payload.data() + 18, text.data(), text.size(), payload.data() + 34};
    const MacJob tag{&key.mac, nullptr,     payload.data(), al.data(),
                     0,        34 + padded, al.size(),      payload.data() + 34 + padded,
                     32};
    if (k.seal_one != nullptr) {
      EXPECT_TRUE(k.seal_one(derived ? &iv : nullptr, e, tag));
    } else {
      EXPECT_TRUE((!derived || k.mac(&iv, 1)) && k.cbc_encrypt(&e, 1) && k.mac(&tag, 1));
    }
    EXPECT_FALSE(pages.stray_write(payload)) << "beyond payload " << out.size();
    out.emplace_back(payload.begin(), payload.end());
  }
  return out;
}

using Function = Outputs (*)(const std::vector<Message>&, const Kernel&, const States&, Edge,
                             GuardedPages&);
constexpr Function kFunctions[] = {mac, encrypt, decrypt, seal_alone};

TEST_P(KernelEdges, EveryLengthAloneIsAsPortableAndStaysInItsBuffers) {
  for (std::size_t len = 0; len <= kLongest; len += test::kStep) {
    const std::vector<Message> m = {message(len)};
    for (const Function run : kFunctions) {
      ASSERT_NO_FATAL_FAILURE(expect_agreement(m, run));
    }
  }
}

TEST_P(KernelEdges, EveryLengthInBatchesIsAsPortableAndStaysInItsBuffers) {
  std::vector<Message> all;
  for (std::size_t len = 0; len <= kLongest; ++len) all.push_back(message(len));
  for (auto it = all.begin(); it != all.end();) {
    const auto n = std::min<std::ptrdiff_t>(kMostJobs, all.end() - it);
    for (const Function run : kFunctions) {
      ASSERT_NO_FATAL_FAILURE(expect_agreement({it, it + n}, run));
    }
    it += n;
  }
}

TEST_P(KernelEdges, MixedBatchesAreAsPortableAndStayInTheirBuffers) {
  // Each size up to several times the lanes there are, then every seventh.
  for (std::size_t n = 1; n <= kMostJobs; n += test::kStep * (n < 70 ? 1 : 7)) {
    const std::vector<Message> m = messages(n);
    for (const Function run : {mac, encrypt, decrypt}) {
      ASSERT_NO_FATAL_FAILURE(expect_agreement(m, run));
    }
  }
}

TEST_P(KernelEdges, EveryStepOffAlignmentIsAsPortable) {
  // At the back edge the length alone decides the alignment: 16 blocks and 0 to 63 bytes more.
  for (std::size_t n = 0; n < 64; ++n) {
    std::vector<Message> m;
    for (std::size_t i = 0; i < 17; ++i) m.push_back(message(256 + n));
    for (const Function run : kFunctions) ASSERT_NO_FATAL_FAILURE(expect_agreement(m, run));
  }
}

TEST_P(KernelEdges, TheCounterStreamStaysInItsBuffer) {
  const Buf key = rng_.bytes(32);
  for (std::size_t n_blocks = 1; n_blocks <= 256; ++n_blocks) {
    for (const Edge edge : test::kEdges) {
      pages_.reset();
      const Bytes k = pages_.copy(key, edge);
      const MutBytes got = pages_.take(16 * n_blocks, edge);
      Buf want(16 * n_blocks);
      ASSERT_TRUE(kernel().ctr_fill(got.data(), n_blocks, k.data()));
      ASSERT_TRUE(kPortable.ctr_fill(want.data(), n_blocks, key.data()));
      ASSERT_TRUE(std::equal(got.begin(), got.end(), want.begin())) << n_blocks << " blocks";
      ASSERT_FALSE(pages_.stray_write(got)) << n_blocks << " blocks";
    }
  }
}

/// Fields in guarded pages through the public interface.
TEST_P(KernelEdges, SealAndOpenStayInTheirBuffers) {
  const Buf key_bytes = rng_.bytes(DataKey::kLen);
  const DataKey key = test::make_key(kernel(), key_bytes);
  for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 8U, 9U, 16U, 17U, 63U, 64U, 65U, 130U, 200U}) {
    for (const Edge edge : test::kEdges) {
      pages_.reset();
      std::vector<SealJob> seal;
      std::vector<OpenJob> open;
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t len = 1 + rng_.below(i % 5 == 0 ? kLongest : 60);
        const MutBytes payload = pages_.take(payload_len(len), edge);
        seal.push_back({&key,
                        {},
                        i % 2 == 0 ? Algorithm::random : Algorithm::deterministic,
                        2,
                        pages_.copy(rng_.bytes(len), edge),
                        payload});
        open.push_back({&key, payload, pages_.take(open_capacity(payload.size()), edge)});
      }
      ASSERT_TRUE(seal_batch(seal));
      ASSERT_TRUE(open_batch(open));
      for (std::size_t i = 0; i < n; ++i) {
        const SealJob& s = seal[i];
        const Buf payload(s.out.begin(), s.out.end());
        ASSERT_EQ(test::to_hex(payload),
                  test::to_hex(test::reference::payload(key_bytes, s.algorithm, {}, 2,
                                                        Buf(s.plaintext.begin(), s.plaintext.end()),
                                                        payload)));
        ASSERT_TRUE(std::equal(s.plaintext.begin(), s.plaintext.end(), open[i].out.begin()));
        ASSERT_FALSE(pages_.stray_write(s.out)) << "beyond payload " << i << " of " << n;
        ASSERT_FALSE(pages_.stray_write(open[i].out)) << "beyond plaintext " << i << " of " << n;
      }
    }
  }
}

FLE_FOR_EVERY_KERNEL(KernelEdges);

}  // namespace
}  // namespace fle
