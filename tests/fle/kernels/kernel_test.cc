// Published answers, on the functions of every kernel.
#define OPENSSL_SUPPRESS_DEPRECATED  // SHA512_CTX, for keys of lengths that we never use ourselves
#include "kernels/kernel.h"

#include <cstring>
#include <random>

#include <openssl/sha.h>

#include "fle/core_support.h"
#include "kernels/hmac/lanes.h"
#if defined(__x86_64__)
#include "kernels/sha512/avx2.h"
#include "kernels/sha512/avx512.h"
#elif defined(__aarch64__)
#include "kernels/sha512/arm64.h"
#endif

namespace fle {
namespace {

using kernels::CbcDecryptJob;
using kernels::CbcEncryptJob;
using kernels::HmacState;
using kernels::KeyState;
using kernels::MacJob;
using test::Buf;
using test::operator+;

class KernelKat : public test::EveryKernel {
 protected:
  static std::unique_ptr<KeyState> expand(const Buf& aes_key) {
    auto state = std::make_unique<KeyState>();
    EXPECT_TRUE(kernel().expand(*state, (Buf(32) + aes_key + Buf(32)).data()));
    return state;
  }
};

TEST_P(KernelKat, CbcGivesThePublishedCiphertextAndPlaintext) {
  for (auto& c : test::load_kat("nist/aes256_cbc.txt")) {
    SCOPED_TRACE(c.line);
    const auto key = expand(c.bytes("key"));
    const Buf iv = c.bytes("iv");
    const Buf plaintext = c.bytes("plaintext");
    const Buf ciphertext = c.bytes("ciphertext");
    c.expect_all_used();

    Buf sealed(plaintext.size() + 16);
    const CbcEncryptJob e{key.get(), iv.data(), plaintext.data(), plaintext.size(), sealed.data()};
    ASSERT_TRUE(kernel().cbc_encrypt(&e, 1));
    EXPECT_EQ(test::slice(sealed, 0, plaintext.size()), ciphertext);

    Buf opened(ciphertext.size());
    const CbcDecryptJob d{key.get(), iv.data(), ciphertext.data(), ciphertext.size() / 16,
                          opened.data()};
    ASSERT_TRUE(kernel().cbc_decrypt(&d, 1));
    EXPECT_EQ(opened, plaintext);
  }
}

/// Midstates for a key of any length, by OpenSSL (RFC 2104).
HmacState midstates(Buf key) {
  if (key.size() > SHA512_CBLOCK) {
    Buf digest(SHA512_DIGEST_LENGTH);
    SHA512(key.data(), key.size(), digest.data());
    key = digest;
  }
  key.resize(SHA512_CBLOCK);
  HmacState out{};
  const auto absorb = [&key](std::uint64_t(&h)[8], std::uint8_t pad) {
    Buf block = key;
    for (auto& b : block) b ^= pad;
    SHA512_CTX ctx;
    SHA512_Init(&ctx);
    SHA512_Update(&ctx, block.data(), block.size());
    for (int i = 0; i < 8; ++i) h[i] = ctx.h[i];
  };
  absorb(out.inner, 0x36);
  absorb(out.outer, 0x5c);
  return out;
}

TEST_P(KernelKat, HmacGivesThePublishedMac) {
  auto cases = test::load_kat("rfc/rfc4231_hmac_sha512.txt");
  ASSERT_EQ(cases.size(), 7U);
  // All cases as one batch too, because lanes run only when there are several.
  std::vector<HmacState> keys(cases.size());
  std::vector<Buf> messages;
  std::vector<Buf> want;
  std::vector<Buf> got;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    keys[i] = midstates(cases[i].bytes("key"));
    messages.push_back(cases[i].bytes("message"));
    want.push_back(cases[i].bytes("mac"));
    got.emplace_back(want.back().size());
    cases[i].expect_all_used();
  }
  std::vector<MacJob> jobs;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::size_t a = messages[i].size() / 3;
    const std::size_t b = messages[i].size() / 2;
    const std::uint8_t* p = messages[i].data();
    jobs.push_back({&keys[i], p, p + a, p + b, a, b - a, messages[i].size() - b, got[i].data(),
                    got[i].size()});
  }
  ASSERT_TRUE(kernel().mac(jobs.data(), jobs.size()));
  EXPECT_EQ(got, want);

  for (std::size_t i = 0; i < jobs.size(); ++i) {
    got[i].assign(got[i].size(), 0);
    ASSERT_TRUE(kernel().mac(&jobs[i], 1));
    EXPECT_EQ(got[i], want[i]) << "alone, case " << i + 1;
  }
}

TEST_P(KernelKat, CounterModeAgreesWithOpenSslAtEveryLength) {
  test::Rng rng(38);
  const Buf key = rng.bytes(32);
  Buf want(70 * 16);
  int n = 0;
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> ctx(EVP_CIPHER_CTX_new(),
                                                                       EVP_CIPHER_CTX_free);
  const Buf zero(want.size());
  ASSERT_EQ(EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_ctr(), nullptr, key.data(), zero.data()), 1);
  ASSERT_EQ(
      EVP_EncryptUpdate(ctx.get(), want.data(), &n, zero.data(), static_cast<int>(zero.size())), 1);
  for (std::size_t blocks = 1; blocks <= 70; ++blocks) {
    Buf got(want.size(), 0xee);
    ASSERT_TRUE(kernel().ctr_fill(got.data(), blocks, key.data()));
    EXPECT_EQ(test::slice(got, 0, 16 * blocks), test::slice(want, 0, 16 * blocks));
    EXPECT_EQ(test::slice(got, 16 * blocks, got.size()), Buf(got.size() - 16 * blocks, 0xee))
        << "wrote beyond " << blocks << " blocks";
  }
}

FLE_FOR_EVERY_KERNEL(KernelKat);

// FIPS 180-4 section 5.3.5.
constexpr std::uint64_t kSha512Start[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

Buf padded_message(const Buf& message) {  // FIPS 180-4 section 5.1.2
  Buf m = message;
  m.push_back(0x80);
  while (m.size() % 128 != 112) m.push_back(0);
  return m + Buf(8) + test::big_endian64(message.size() * 8);
}

/// Hashes `message` in lane `lane` while all other lanes hash something else.
Buf hash_in_lane(const kernels::LaneWidth& width, unsigned lane, const Buf& message) {
  const Buf mine = padded_message(message);
  test::Rng rng(lane);
  std::uint64_t state[kernels::kMaxLanes][8];
  std::vector<Buf> noise;
  std::uint64_t* to[kernels::kMaxLanes];
  const std::uint64_t* from[kernels::kMaxLanes];
  const std::uint8_t* blocks[kernels::kMaxLanes];
  for (unsigned l = 0; l < width.lanes; ++l) {
    noise.push_back(rng.bytes(mine.size()));
    blocks[l] = l == lane ? mine.data() : noise.back().data();
    to[l] = state[l];
    from[l] = kSha512Start;
  }
  width.compress(to, from, blocks, mine.size() / 128);
  Buf digest;
  for (const std::uint64_t word : state[lane]) digest = digest + test::big_endian64(word);
  return digest;
}

/// One final block over a 64-byte digest in lane `lane`, other digests in all others: what the same
/// block gives as part of a message, by OpenSSL.
void expect_finish(const kernels::LaneWidth& width, unsigned lane) {
  std::mt19937_64 rng(lane);
  std::uint64_t inner[kernels::kMaxLanes][8];
  std::uint64_t outer[kernels::kMaxLanes][8];
  std::uint8_t mac[kernels::kMaxLanes][64];
  const std::uint64_t* inners[kernels::kMaxLanes];
  const std::uint64_t* outers[kernels::kMaxLanes];
  std::uint8_t* macs[kernels::kMaxLanes];
  for (unsigned l = 0; l < width.lanes; ++l) {
    for (auto& word : inner[l]) word = rng();
    for (auto& word : outer[l]) word = rng();
    inners[l] = inner[l];
    outers[l] = outer[l];
    macs[l] = mac[l];
  }
  width.finish(macs, outers, inners);

  Buf block;
  for (const std::uint64_t word : inner[lane]) block = block + test::big_endian64(word);
  block.push_back(0x80);
  block = block + Buf(128 - block.size() - 8) + test::big_endian64((128 + 64) * 8);
  SHA512_CTX ctx;
  std::copy_n(outer[lane], 8, ctx.h);
  SHA512_Transform(&ctx, block.data());
  Buf want_mac;
  for (const std::uint64_t word : ctx.h) want_mac = want_mac + test::big_endian64(word);
  EXPECT_EQ(Buf(mac[lane], mac[lane] + 64), want_mac) << "lane " << lane << " of " << width.lanes;
}

void expect_published_digests(std::span<const kernels::LaneWidth> widths) {
  auto cases = test::load_kat("nist/sha512.txt");
  for (auto& c : cases) {
    const Buf message = c.bytes("message");
    const Buf digest = c.bytes("digest");
    c.expect_all_used();
    for (const auto& width : widths) {
      for (unsigned l = 0; l < width.lanes; ++l) {
        EXPECT_EQ(hash_in_lane(width, l, message), digest)
            << "line " << c.line << ", lane " << l << " of " << width.lanes;
      }
    }
  }
}

void expect_outer_hashes(std::span<const kernels::LaneWidth> widths) {
  for (const auto& width : widths) {
    for (unsigned l = 0; l < width.lanes; ++l) expect_finish(width, l);
  }
}

/// HMACs of messages that have one number of blocks, each lane its own length and pieces, under one
/// key and under two, of every length that is asked for: what OpenSSL makes of them.
void expect_wholes(std::span<const kernels::LaneWidth> widths) {
  constexpr std::size_t kBlock = 128;
  constexpr std::size_t kPadding = 17;
  test::Rng rng(3);
  const Buf keys[2] = {rng.bytes(32), rng.bytes(32)};
  HmacState states[2];
  for (int k = 0; k < 2; ++k) ASSERT_TRUE(kernels::expand_hmac(states[k], keys[k].data()));
  for (const auto& width : widths) {
    if (width.whole == nullptr) continue;
    for (std::size_t round = 0; round < 200; ++round) {
      const std::size_t blocks = 1 + round % 5;
      const std::size_t n_keys = 1 + round / 5 % 2;
      const std::size_t longest_mac = round % 3 == 0 ? 64 : 32;
      std::vector<Buf> messages;
      std::vector<Buf> macs;
      MacJob jobs[kernels::kMaxLanes];
      const MacJob* lanes[kernels::kMaxLanes];
      for (unsigned l = 0; l < width.lanes; ++l) {
        const std::size_t most = kBlock * blocks - kPadding;
        const std::size_t fewest = blocks == 1 ? 0 : kBlock * (blocks - 1) - kPadding + 1;
        messages.push_back(rng.bytes(fewest + rng.below(most - fewest + 1)));
        macs.emplace_back(round % 2 == 0 ? longest_mac : 1 + rng.below(longest_mac));
      }
      for (unsigned l = 0; l < width.lanes; ++l) {
        const Buf& m = messages[l];
        const std::size_t head = rng.below(m.size() + 1);
        const std::size_t body = rng.below(m.size() - head + 1);
        jobs[l] = {&states[l % n_keys],    m.data(),       m.data() + head,
                   m.data() + head + body, head,           body,
                   m.size() - head - body, macs[l].data(), macs[l].size()};
        lanes[l] = &jobs[l];
      }
      width.whole(lanes, blocks);
      for (unsigned l = 0; l < width.lanes; ++l) {
        const Buf whole = test::reference::hmac(keys[l % n_keys], messages[l]);
        ASSERT_EQ(macs[l], test::slice(whole, 0, macs[l].size()))
            << "lane " << l << " of " << width.lanes << ", " << messages[l].size() << " bytes";
      }
    }
  }
}

#if defined(__x86_64__)

TEST(Sha512Lanes, Avx2GivesThePublishedDigestInEveryLane) {
  if (!kernels::runs_here(kernels::kAvx2Kernel)) GTEST_SKIP() << "no AVX2 here";
  expect_published_digests(kernels::kSha512Avx2);
  expect_outer_hashes(kernels::kSha512Avx2);
  expect_wholes(kernels::kSha512Avx2);
}

// Any CPU with AVX2 gets them right; a kernel uses them where they are fast.
TEST(Sha512Lanes, FiveOnAvx2GiveThePublishedDigestInEveryLane) {
  if (!kernels::runs_here(kernels::kAvx2Kernel)) GTEST_SKIP() << "no AVX2 here";
  expect_published_digests(kernels::kSha512Avx2Five);
  expect_outer_hashes(kernels::kSha512Avx2Five);
  expect_wholes(kernels::kSha512Avx2Five);
}

TEST(Sha512Lanes, Avx512GivesThePublishedDigestInEveryLane) {
  if (!kernels::runs_here(kernels::kAvx512Kernel)) GTEST_SKIP() << "no AVX-512 here";
  expect_published_digests(kernels::kSha512Avx512);
  expect_outer_hashes(kernels::kSha512Avx512);
  expect_wholes(kernels::kSha512Avx512);
}

#elif defined(__aarch64__)

TEST(Sha512Lanes, Arm64GivesThePublishedDigestInEveryLane) {
  if (!kernels::runs_here(kernels::kArmSha512Kernel)) GTEST_SKIP() << "no SHA-512 instructions";
  expect_published_digests(kernels::kSha512Arm64);
  expect_outer_hashes(kernels::kSha512Arm64);
  expect_wholes(kernels::kSha512Arm64);
}

#endif

}  // namespace
}  // namespace fle
