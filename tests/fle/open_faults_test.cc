// Damaged, truncated and foreign payloads: an error, a wiped output, and no harm to the others.
#include <algorithm>

#include "core_support.h"
#include "support/sanitizer.h"

namespace fle {
namespace {

using test::Buf;
using test::operator+;
namespace reference = test::reference;

class OpenFaults : public test::EveryKernel {
 protected:
  void SetUp() override {
    EveryKernel::SetUp();
    if (IsSkipped()) return;
    key_bytes = rng.bytes(DataKey::kLen);
    keys.push_back(test::make_key(kernel(), key_bytes));
  }
  Buf payload(std::size_t len, Algorithm algorithm = Algorithm::deterministic) {
    return reference::payload(key_bytes, algorithm, id, 2, rng.bytes(len), Buf(200, 7));
  }
  void expect_refused(const Buf& bad, Errc code = Errc::auth_failed) {
    Buf out(bad.size() + 3, 0xee);
    OpenJob job{&keys[0], bad, out, 99, true};
    const auto s = open_batch({&job, 1});
    ASSERT_FALSE(s);
    EXPECT_EQ(name(s.error().code), std::string(name(code)));
    EXPECT_EQ(s.error().index, 0U);
    EXPECT_FALSE(job.opened);
    EXPECT_EQ(job.plaintext_len, 0U);
    EXPECT_EQ(out, Buf(out.size())) << "output not wiped";
    const auto compared = opens_to(keys[0], bad, Buf(1));
    ASSERT_FALSE(compared);
    EXPECT_EQ(name(compared.error().code), std::string(name(code)));
  }

  test::Rng rng{77};
  KeyId id = test::make_key_id(rng.bytes(16));
  Buf key_bytes;
  std::vector<DataKey> keys;
};

TEST_P(OpenFaults, EveryFlippedBitIsRefused) {
  for (const Algorithm algorithm : {Algorithm::deterministic, Algorithm::random}) {
    for (const std::size_t len : {1U, 15U, 16U, 33U}) {
      const Buf good = payload(len, algorithm);
      for (std::size_t bit = 0; bit < good.size() * 8; bit += test::kStep) {
        Buf bad = good;
        bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        // The first byte turns into another valid type only when 1 and 2 swap, which no one bit
        // does.
        expect_refused(bad, bit < 8 ? Errc::malformed_payload : Errc::auth_failed);
      }
    }
  }
}

TEST_P(OpenFaults, TheOtherAlgorithmByteIsRefused) {
  Buf bad = payload(20);
  bad[0] = 2;
  expect_refused(bad);
}

TEST_P(OpenFaults, EveryTruncationIsRefused) {
  for (const std::size_t len : {1U, 16U, 100U}) {
    const Buf good = payload(len);
    for (std::size_t n = 0; n < good.size(); ++n) {
      const bool no_header = n < kPayloadHeaderLen + 1;
      expect_refused(test::slice(good, 0, n),
                     no_header ? Errc::malformed_payload : Errc::auth_failed);
    }
  }
}

TEST_P(OpenFaults, EveryLengtheningIsRefused) {
  const Buf good = payload(30);
  for (std::size_t more = 1; more < 100; ++more) {
    expect_refused(good + Buf(more));
    expect_refused(good + rng.bytes(more));
  }
}

TEST_P(OpenFaults, AnotherKeyIsRefused) {
  const Buf good = payload(30);
  // Each third of the key matters, as long as the algorithm uses it.
  for (const std::size_t at : {0U, 31U, 32U, 63U}) {
    Buf other = key_bytes;
    other[at] ^= 1;
    keys[0] = test::make_key(kernel(), other);
    Buf out(good.size(), 0xee);
    OpenJob job{&keys[0], good, out};
    const auto s = open_batch({&job, 1});
    if (at < 32) {
      ASSERT_FALSE(s);
      EXPECT_EQ(s.error().code, Errc::auth_failed);
      EXPECT_EQ(out, Buf(out.size()));
    } else if (s) {  // the tag is good, so the padding decides
      EXPECT_NE(test::slice(out, 0, job.plaintext_len), test::slice(good, 0, job.plaintext_len));
    } else {
      EXPECT_EQ(out, Buf(out.size()));
    }
  }
}

// A tag of our own over a ciphertext whose padding is wrong: only who holds the key can make it.
TEST_P(OpenFaults, EveryPaddingIsJudgedByAllItsBytes) {
  const Buf ad = reference::header(Algorithm::random, id, 2);
  const Buf iv = rng.bytes(16);
  const auto seal_block = [&](const Buf& block) {
    // CBC of the block as it is: the padding that OpenSSL adds is one block more.
    const Buf body =
        iv + test::slice(reference::cbc_encrypt(test::slice(key_bytes, 32, 64), iv, block), 0,
                         block.size());
    return ad + body +
           test::slice(reference::hmac(test::slice(key_bytes, 0, 32),
                                       ad + body + test::big_endian64(ad.size() * 8)),
                       0, kTagLen);
  };
  for (unsigned p = 0; p < 256; ++p) {
    Buf block(32, static_cast<std::uint8_t>(p));
    if (p == 0 || p > 16) {
      expect_refused(seal_block(block));
      continue;
    }
    const Buf good = seal_block(block);
    Buf out(open_capacity(good.size()));
    OpenJob job{&keys[0], good, out};
    ASSERT_TRUE(open_batch({&job, 1})) << p;
    EXPECT_EQ(job.plaintext_len, 32 - p);
    for (unsigned i = 1; i < p; ++i) {  // each padding byte but the last, one bit off
      Buf bad = block;
      bad[31 - i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      expect_refused(seal_block(bad));
    }
    if (p < 16) {  // the byte before the padding may be anything
      Buf other = block;
      other[31 - p] ^= 0xff;
      const Buf still_good = seal_block(other);
      OpenJob again{&keys[0], still_good, out};
      EXPECT_TRUE(open_batch({&again, 1})) << p;
    }
  }
}

TEST_P(OpenFaults, AGoodTagOverAnOddLengthIsRefused) {
  const Buf ad = reference::header(Algorithm::random, id, 2);
  const Buf iv = rng.bytes(16);
  // Its whole blocks are right to the padding: what is behind them must not be passed over.
  const Buf whole = iv + reference::cbc_encrypt(test::slice(key_bytes, 32, 64), iv, rng.bytes(20));
  for (std::size_t extra = 1; extra < 16; ++extra) {
    const Buf body = whole + rng.bytes(extra);
    const Buf bad = ad + body +
                    test::slice(reference::hmac(test::slice(key_bytes, 0, 32),
                                                ad + body + test::big_endian64(144)),
                                0, kTagLen);
    // Old bytes in the output that look like padding must not make up for the missing ones.
    Buf out(bad.size(), 1);
    OpenJob job{&keys[0], bad, out};
    const auto s = open_batch({&job, 1});
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().code, Errc::auth_failed);
    EXPECT_EQ(out, Buf(out.size()));
  }
}

TEST_P(OpenFaults, OneBadJobLeavesTheOthersOpen) {
  constexpr std::size_t kJobs = 200;
  for (const std::size_t bad : {0U, 63U, 64U, 65U, 127U, 199U}) {
    std::vector<Buf> plaintexts;
    std::vector<Buf> payloads;
    std::vector<Buf> outs;
    for (std::size_t i = 0; i < kJobs; ++i) {
      plaintexts.push_back(rng.bytes(1 + i % 50));
      payloads.push_back(
          reference::payload(key_bytes, Algorithm::deterministic, id, 2, plaintexts[i]));
      outs.emplace_back(open_capacity(payloads[i].size()), 0xee);
    }
    payloads[bad].back() ^= 1;
    payloads[198][40] ^= 1;  // a second one, which must not be the one that is named
    std::vector<OpenJob> jobs;
    for (std::size_t i = 0; i < kJobs; ++i) jobs.push_back({&keys[0], payloads[i], outs[i]});
    const auto s = open_batch(jobs);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().code, Errc::auth_failed);
    EXPECT_EQ(s.error().index, std::min<std::size_t>(bad, 198));
    for (std::size_t i = 0; i < kJobs; ++i) {
      const bool good = i != bad && i != 198;
      ASSERT_EQ(jobs[i].opened, good) << i;
      if (good) {
        EXPECT_EQ(test::slice(outs[i], 0, jobs[i].plaintext_len), plaintexts[i]) << i;
      } else {
        EXPECT_EQ(outs[i], Buf(outs[i].size())) << i;
      }
    }
  }
}

TEST_P(OpenFaults, TheFirstFailureIsNamedWhateverItsKind) {
  const Buf good = payload(5);
  Buf bad_tag = good;
  bad_tag.back() ^= 1;
  std::vector<Buf> outs(4, Buf(good.size()));
  OpenJob jobs[] = {{&keys[0], good, outs[0]},
                    {&keys[0], bad_tag, outs[1]},
                    {nullptr, good, outs[2]},
                    {&keys[0], good, MutBytes(outs[3]).first(3)}};
  auto s = open_batch(jobs);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::auth_failed);
  EXPECT_EQ(s.error().index, 1U);
  EXPECT_TRUE(jobs[0].opened);
  EXPECT_FALSE(jobs[2].opened);
  EXPECT_FALSE(jobs[3].opened);

  s = open_batch(std::span(jobs).subspan(2));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::invalid_argument);
  s = open_batch(std::span(jobs).subspan(3));
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::buffer_too_small);
}

// In pieces of 8 KiB: whichever holds the difference, and wherever the padding is.
TEST_P(OpenFaults, AComparisonSeesEveryByte) {
  constexpr std::size_t kPiece = 8192;
  for (const std::size_t len : {std::size_t{1}, std::size_t{15}, std::size_t{16}, kPiece - 17,
                                kPiece - 16, kPiece - 1, kPiece, kPiece + 1, 3 * kPiece + 5}) {
    const Buf value = rng.bytes(len);
    const Buf good = reference::payload(key_bytes, Algorithm::random, id, 2, value, Buf(200, 7));
    const auto opens = [&](const Buf& to) {
      const auto same = opens_to(keys[0], good, to);
      return same.has_value() && *same;
    };
    EXPECT_TRUE(opens(value)) << len;
    for (std::size_t at = 0; at < len; at += len < 100 ? 1 : 509) {
      Buf other = value;
      other[at] ^= 0x10;
      EXPECT_FALSE(opens(other)) << len << " " << at;
    }
    Buf last = value;
    last.back() ^= 1;
    EXPECT_FALSE(opens(last)) << len;
    for (const std::size_t n : {len - 1, len / 2, std::size_t{0}})
      EXPECT_FALSE(opens(test::slice(value, 0, n))) << len << " " << n;
    for (const std::size_t more : {std::size_t{1}, std::size_t{16}, kPiece})
      EXPECT_FALSE(opens(value + Buf(more))) << len << " " << more;
    Buf forged = good;
    forged.back() ^= 1;
    const auto refused = opens_to(keys[0], forged, value);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::auth_failed);
  }
  const DataKey gone = std::move(keys[0]);
  const auto refused = opens_to(keys[0], payload(5), Buf(5));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::key_not_inherited);
}

FLE_FOR_EVERY_KERNEL(OpenFaults);

TEST(OpenBatch, OfNothingSucceeds) { EXPECT_TRUE(open_batch({})); }

}  // namespace
}  // namespace fle
