#include "fle/aead.h"

#include <algorithm>

#include "core_support.h"
#include "fle/random.h"
#include "fle/secret.h"
#include "src/aead_internal.h"
#include "src/engine.h"
#include "src/random_internal.h"

namespace fle {
namespace {

using test::Buf;
namespace reference = test::reference;

constexpr std::size_t kOverhead = kIvLen + kTagLen;

class Aead : public test::EveryKernel {
 protected:
  static Buf open(const Buf& sealed, const Buf& ad, const DataKey& key) {
    Buf out(sealed.size() - kOverhead);
    const auto n = aead_open(out, sealed, ad, key);
    EXPECT_TRUE(n) << name(n.error().code);
    if (!n) return {};
    out.resize(*n);
    return out;
  }
};

TEST_P(Aead, GivesTheSealedBytesOfTheDraftAndOfKeyWrapping) {
  for (const char* file : {"draft/mcgrew_05_5_4.txt", "csfle/key_wrap.txt"}) {
    SCOPED_TRACE(file);
    auto cases = test::load_kat(file);
    for (auto& c : cases) {
      const Buf key_bytes = c.bytes("key");
      const Buf iv = c.bytes("iv");
      const Buf ad = c.bytes("associated_data");
      const Buf plaintext = c.bytes("plaintext");
      const Buf sealed = c.bytes("sealed");
      c.expect_all_used();
      EXPECT_EQ(reference::seal(key_bytes, ad, plaintext, iv), sealed) << "the reference itself";

      const DataKey key = test::make_key(kernel(), key_bytes);
      Buf out(sealed_len(plaintext.size()));
      const auto n = internal::aead_seal_with_iv(
          out, plaintext, ad, key, std::span<const std::uint8_t, kIvLen>(iv.data(), kIvLen));
      ASSERT_TRUE(n);
      EXPECT_EQ(*n, sealed.size());
      EXPECT_EQ(test::to_hex(out), test::to_hex(sealed));
      EXPECT_EQ(open(sealed, ad, key), plaintext);
    }
  }
}

TEST_P(Aead, SealsWhatTheReferenceSealsUnderTheSameIv) {
  test::Rng rng(1);
  for (std::size_t len = 1; len < 300; ++len) {
    const Buf key_bytes = rng.bytes(DataKey::kLen);
    const DataKey key = test::make_key(kernel(), key_bytes);
    const Buf ad = rng.bytes(len % 200);
    const Buf plaintext = rng.bytes(len);
    Buf sealed(sealed_len(len));
    ASSERT_TRUE(aead_seal(sealed, plaintext, ad, key));
    ASSERT_EQ(sealed, reference::seal(key_bytes, ad, plaintext, test::slice(sealed, 0, kIvLen)));
    ASSERT_EQ(open(sealed, ad, key), plaintext);
  }
}

TEST_P(Aead, TwoSealsOfOneMessageDiffer) {
  test::Rng rng(2);
  const DataKey key = test::make_key(kernel(), rng.bytes(DataKey::kLen));
  const Buf plaintext = rng.bytes(16);
  Buf a(sealed_len(16));
  Buf b(sealed_len(16));
  ASSERT_TRUE(aead_seal(a, plaintext, {}, key));
  ASSERT_TRUE(aead_seal(b, plaintext, {}, key));
  EXPECT_NE(a, b);
}

TEST_P(Aead, AnyChangeAnywhereIsRefusedAndTheOutputIsWiped) {
  test::Rng rng(3);
  const DataKey key = test::make_key(kernel(), rng.bytes(DataKey::kLen));
  const DataKey other = test::make_key(kernel(), rng.bytes(DataKey::kLen));
  const Buf ad = rng.bytes(5);
  Buf sealed(sealed_len(40));
  ASSERT_TRUE(aead_seal(sealed, rng.bytes(40), ad, key));

  const auto expect_refused = [](const Buf& bad, const Buf& bad_ad, const DataKey& k) {
    Buf out(bad.size(), 0xee);
    const auto n = aead_open(out, bad, bad_ad, k);
    ASSERT_FALSE(n);
    EXPECT_EQ(n.error().code, Errc::auth_failed);
    EXPECT_EQ(out, Buf(bad.size())) << "output not wiped";
  };
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    Buf bad = sealed;
    bad[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    expect_refused(bad, ad, key);
  }
  for (std::size_t len = 0; len < sealed.size(); ++len) {
    expect_refused(test::slice(sealed, 0, len), ad, key);
  }
  using test::operator+;
  for (std::size_t more = 1; more <= 48; ++more) expect_refused(sealed + Buf(more), ad, key);
  expect_refused(sealed, test::slice(ad, 1, 5), key);
  expect_refused(sealed, {}, key);
  expect_refused(sealed, ad, other);
}

TEST_P(Aead, RefusesBadArgumentsWithoutWriting) {
  test::Rng rng(4);
  const DataKey key = test::make_key(kernel(), rng.bytes(DataKey::kLen));
  Buf out(200, 0xee);
  const auto expect_error = [&](const Result<std::size_t>& r, Errc code) {
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, code);
    EXPECT_EQ(out, Buf(200, 0xee));
  };
  const Buf plaintext = rng.bytes(16);
  expect_error(aead_seal(out, {}, {}, key), Errc::invalid_argument);
  expect_error(aead_seal(MutBytes(out).first(sealed_len(16) - 1), plaintext, {}, key),
               Errc::buffer_too_small);
  // Never read: the length alone is refused.
  expect_error(aead_seal(out, Bytes(plaintext.data(), kMaxPlaintextLen + 1), {}, key),
               Errc::invalid_argument);
  Buf sealed(sealed_len(16));
  ASSERT_TRUE(aead_seal(sealed, plaintext, {}, key));
  expect_error(aead_open(MutBytes(out).first(sealed.size() - kOverhead - 1), sealed, {}, key),
               Errc::buffer_too_small);
  const Bytes inside = Bytes(out).subspan(sealed.size() - 1, 16);
  expect_error(aead_seal(out, inside, {}, key), Errc::invalid_argument);
  expect_error(aead_seal(out, plaintext, inside, key), Errc::invalid_argument);
  expect_error(aead_open(MutBytes(out).first(sealed.size()), inside, {}, key),
               Errc::invalid_argument);
}

FLE_FOR_EVERY_KERNEL(Aead);

TEST(AeadFailure, WithoutRandomnessNothingIsSealed) {
  test::Rng rng(5);
  const DataKey key = test::make_key(*kernels::chosen(), rng.bytes(DataKey::kLen));
  // Enough is asked for that a generator that was seeded before must go to the system again.
  Buf big(2U << 20);
  internal::set_entropy_source([](MutBytes) noexcept { return false; });
  const auto drained = random_bytes(big);
  Buf sealed(sealed_len(4), 0xee);
  const auto n = aead_seal(sealed, rng.bytes(4), {}, key);
  internal::set_entropy_source(nullptr);
  ASSERT_FALSE(drained);
  ASSERT_FALSE(n);
  EXPECT_EQ(n.error().code, Errc::random_failed);
  EXPECT_TRUE(aead_seal(sealed, rng.bytes(4), {}, key)) << "does not recover";
}

TEST(DataKeyTest, RefusesEveryOtherLength) {
  for (std::size_t len = 0; len < 200; ++len) {
    const auto key = DataKey::create(Buf(len), LockPolicy::best_effort);
    EXPECT_EQ(key.has_value(), len == DataKey::kLen) << len;
    if (!key) {
      EXPECT_EQ(key.error().code, Errc::invalid_argument);
    }
  }
}

TEST(DataKeyTest, AKeyThatWasMovedFromIsRefusedNotUsed) {
  DataKey key = test::make_key(*kernels::chosen(), Buf(DataKey::kLen, 1));
  const DataKey moved = std::move(key);
  Buf sealed(sealed_len(4));
  const auto n = aead_seal(sealed, Buf(4), {}, key);  // NOLINT(bugprone-use-after-move)
  ASSERT_FALSE(n);
  EXPECT_EQ(n.error().code, Errc::key_not_inherited);
  EXPECT_TRUE(aead_seal(sealed, Buf(4), {}, moved));
}

TEST(DataKeyTest, KeepsNoCopyOfTheRawMacAndIvKeys) {
  test::Rng rng(6);
  const Buf bytes = rng.bytes(DataKey::kLen);
  for (const auto* k : kernels::all()) {
    if (!kernels::runs_here(*k)) continue;
    const DataKey key = test::make_key(*k, bytes);
    const auto* p = reinterpret_cast<const std::uint8_t*>(engine::use(key).state);
    const Buf state(p, p + sizeof(kernels::KeyState));
    for (const std::size_t from : {0U, 64U}) {
      const Buf part = test::slice(bytes, from, from + 32);
      EXPECT_EQ(std::search(state.begin(), state.end(), part.begin(), part.end()), state.end());
    }
  }
}

}  // namespace
}  // namespace fle
