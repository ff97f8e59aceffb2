// Every kernel against the reference composition of core_support.h, through the public interface.
#include <algorithm>

#include "fle/core_support.h"
#include "support/sanitizer.h"

namespace fle {
namespace {

using test::Buf;
namespace reference = test::reference;

/// A batch of fields with everything that is needed to check the payloads afterwards.
class Batch {
 public:
  explicit Batch(std::uint32_t seed) : rng(seed) {}

  void add_key(const kernels::Kernel& kernel) {
    key_bytes.push_back(rng.bytes(DataKey::kLen));
    keys.push_back(test::make_key(kernel, key_bytes.back()));
  }
  /// `shift` moves both buffers off their natural alignment.
  void add(std::size_t len, Algorithm algorithm, std::size_t key, std::size_t shift = 0) {
    fields.push_back({key, algorithm, static_cast<std::uint8_t>(1 + rng.below(0x13)),
                      test::make_key_id(rng.bytes(16)), shift, rng.bytes(shift + len),
                      Buf(shift + payload_len(len) + 1, 0xee)});
  }

  void seal() {
    std::vector<SealJob> jobs;
    for (Field& f : fields) {
      jobs.push_back({&keys[f.key], f.id, f.algorithm, f.type, Bytes(f.plaintext).subspan(f.shift),
                      f.payload_span()});
    }
    const auto s = seal_batch(jobs);
    ASSERT_TRUE(s) << name(s.error().code) << " at " << s.error().index;
  }

  void expect_reference_payloads() const {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Field& f = fields[i];
      const Buf got(f.payload.begin() + static_cast<std::ptrdiff_t>(f.shift), f.payload.end() - 1);
      const Buf plaintext = test::slice(f.plaintext, f.shift, f.plaintext.size());
      ASSERT_EQ(test::to_hex(got), test::to_hex(reference::payload(key_bytes[f.key], f.algorithm,
                                                                   f.id, f.type, plaintext, got)))
          << "field " << i << " of " << fields.size() << ", " << plaintext.size() << " bytes";
      ASSERT_EQ(f.payload.back(), 0xee) << "wrote beyond field " << i;
    }
  }

  void expect_opens() {
    std::vector<Buf> out;
    for (const Field& f : fields) {
      out.emplace_back(f.shift + open_capacity(f.payload.size() - f.shift - 1) + 1, 0xdd);
    }
    std::vector<OpenJob> jobs;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      Field& f = fields[i];
      jobs.push_back({&keys[f.key], f.payload_span(),
                      MutBytes(out[i]).subspan(f.shift, out[i].size() - f.shift - 1)});
    }
    const auto s = open_batch(jobs);
    ASSERT_TRUE(s) << name(s.error().code) << " at " << s.error().index;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const Field& f = fields[i];
      ASSERT_TRUE(jobs[i].opened);
      ASSERT_EQ(jobs[i].plaintext_len, f.plaintext.size() - f.shift);
      ASSERT_TRUE(std::equal(f.plaintext.begin() + static_cast<std::ptrdiff_t>(f.shift),
                             f.plaintext.end(), jobs[i].out.begin()))
          << "field " << i;
      ASSERT_EQ(out[i].back(), 0xdd) << "wrote beyond field " << i;
    }
  }

  test::Rng rng;

 private:
  struct Field {
    std::size_t key;
    Algorithm algorithm;
    std::uint8_t type;
    KeyId id;
    std::size_t shift;
    Buf plaintext;
    Buf payload;
    MutBytes payload_span() { return MutBytes(payload).subspan(shift, payload.size() - shift - 1); }
  };
  std::vector<Buf> key_bytes;
  std::vector<DataKey> keys;
  std::vector<Field> fields;
};

class KernelAgreement : public test::EveryKernel {};

constexpr Algorithm kBoth[] = {Algorithm::deterministic, Algorithm::random};

TEST_P(KernelAgreement, EveryLengthAloneGivesTheReferencePayload) {
  for (const Algorithm algorithm : kBoth) {
    for (std::size_t len = 1; len <= 1024; len += test::kStep) {
      Batch b(static_cast<std::uint32_t>(len));
      b.add_key(kernel());
      b.add(len, algorithm, 0);
      ASSERT_NO_FATAL_FAILURE(b.seal());
      ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
      ASSERT_NO_FATAL_FAILURE(b.expect_opens());
    }
  }
}

TEST_P(KernelAgreement, EveryLengthInOneBatchGivesTheReferencePayload) {
  Batch b(1024);
  b.add_key(kernel());
  for (std::size_t len = 1; len <= 1024; ++len) b.add(len, kBoth[len % 2], 0);
  ASSERT_NO_FATAL_FAILURE(b.seal());
  ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
  ASSERT_NO_FATAL_FAILURE(b.expect_opens());
}

TEST_P(KernelAgreement, EveryBatchSizeWithMixedLengthsAndKeysGivesTheReferencePayload) {
  // Each size up to several times the lanes there are, then every seventh.
  for (std::size_t n = 1; n <= 200; n += test::kStep * (n < 70 ? 1 : 7)) {
    Batch b(static_cast<std::uint32_t>(n));
    for (int k = 0; k < 3; ++k) b.add_key(kernel());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t largest = b.rng.below(8) == 0 ? 700 : 40;
      b.add(1 + b.rng.below(largest), kBoth[b.rng.below(2)], b.rng.below(3));
    }
    ASSERT_NO_FATAL_FAILURE(b.seal());
    ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
    ASSERT_NO_FATAL_FAILURE(b.expect_opens());
  }
}

TEST_P(KernelAgreement, RunsOfEqualKeysGiveTheReferencePayload) {
  for (std::size_t run = 1; run <= 40; run += test::kStep) {
    Batch b(static_cast<std::uint32_t>(run));
    for (int k = 0; k < 2; ++k) b.add_key(kernel());
    for (std::size_t i = 0; i < 120; ++i) b.add(1 + b.rng.below(90), kBoth[i % 2], i / run % 2);
    ASSERT_NO_FATAL_FAILURE(b.seal());
    ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
    ASSERT_NO_FATAL_FAILURE(b.expect_opens());
  }
}

TEST_P(KernelAgreement, UnalignedBuffersGiveTheReferencePayload) {
  for (std::size_t shift = 1; shift < 64; shift += test::kStep) {
    Batch b(static_cast<std::uint32_t>(shift));
    b.add_key(kernel());
    for (const std::size_t len : {1U, 15U, 16U, 17U, 64U, 127U, 128U, 129U, 255U}) {
      b.add(len, Algorithm::deterministic, 0, shift);
      b.add(len, Algorithm::random, 0, shift);
    }
    ASSERT_NO_FATAL_FAILURE(b.seal());
    ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
    ASSERT_NO_FATAL_FAILURE(b.expect_opens());
  }
}

TEST_P(KernelAgreement, LongFieldsBesideShortOnesGiveTheReferencePayload) {
  Batch b(7);
  for (int k = 0; k < 2; ++k) b.add_key(kernel());
  for (std::size_t i = 0; i < 70; ++i) {
    b.add(i % 9 == 0 ? 4096 + b.rng.below(70000) : 1 + b.rng.below(30), kBoth[i % 2], i % 2);
  }
  ASSERT_NO_FATAL_FAILURE(b.seal());
  ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
  ASSERT_NO_FATAL_FAILURE(b.expect_opens());
}

TEST_P(KernelAgreement, KeysOfOtherKernelsMayStandInTheSameBatch) {
  Batch b(11);
  b.add_key(kernel());
  b.add_key(kernels::kPortable);
  b.add_key(*kernels::chosen());
  for (std::size_t i = 0; i < 200; ++i) b.add(1 + b.rng.below(100), kBoth[i % 2], b.rng.below(3));
  ASSERT_NO_FATAL_FAILURE(b.seal());
  ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
  ASSERT_NO_FATAL_FAILURE(b.expect_opens());
}

TEST_P(KernelAgreement, ABatchOfEveryClassOfLengthsGivesReferencePayloads) {
  constexpr std::size_t kLens[] = {1, 512, 63, 3000, 64, 9, 513, 40, 16, 20000, 62, 65, 511, 5};
  Batch b(77);
  for (int k = 0; k < 2; ++k) b.add_key(kernel());
  for (std::size_t i = 0; i < 400; ++i)
    b.add(kLens[i % std::size(kLens)], kBoth[i / 3 % 2], i / 7 % 2);
  ASSERT_NO_FATAL_FAILURE(b.seal());
  ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
  ASSERT_NO_FATAL_FAILURE(b.expect_opens());
}

// Few messages of one number of blocks are hashed together from the first byte to the last.
TEST_P(KernelAgreement, FewFieldsOfOneLengthGiveTheReferencePayload) {
  constexpr std::size_t kLens[] = {1, 15, 16, 52, 53, 84, 85, 180, 213, 512};
  for (std::size_t n = 1; n <= 17; n += test::kStep) {
    for (const std::size_t len : kLens) {
      for (const Algorithm algorithm : kBoth) {
        Batch b(static_cast<std::uint32_t>(1000 * n + len));
        for (int k = 0; k < 2; ++k) b.add_key(kernel());
        const std::size_t n_keys = 1 + len % 2;
        for (std::size_t i = 0; i < n; ++i) b.add(len, algorithm, i % n_keys);
        ASSERT_NO_FATAL_FAILURE(b.seal());
        ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
        ASSERT_NO_FATAL_FAILURE(b.expect_opens());
      }
    }
  }
}

// One number of blocks without one length, and lengths that leave it by a byte.
TEST_P(KernelAgreement, FieldsOfAboutOneLengthGiveTheReferencePayload) {
  for (const std::size_t n : {2U, 3U, 8U, 9U, 16U, 17U, 33U, 64U, 65U}) {
    for (const std::size_t base : {1U, 40U, 120U, 500U}) {
      for (const std::size_t spread : {2U, 33U}) {
        Batch b(static_cast<std::uint32_t>(n * base + spread));
        for (int k = 0; k < 2; ++k) b.add_key(kernel());
        const std::size_t n_keys = 1 + spread % 2;
        for (std::size_t i = 0; i < n; ++i)
          b.add(base + b.rng.below(spread), kBoth[i % 2], b.rng.below(n_keys));
        ASSERT_NO_FATAL_FAILURE(b.seal());
        ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
        ASSERT_NO_FATAL_FAILURE(b.expect_opens());
      }
    }
  }
}

// A chunk that a class of lengths does not fill takes fields of the next.
TEST_P(KernelAgreement, ChunksOfTwoClassesOfLengthsGiveTheReferencePayload) {
  for (const std::size_t n_short : {1U, 16U, 63U, 64U, 65U}) {
    for (const std::size_t n_long : {1U, 16U, 33U, 65U}) {
      Batch b(static_cast<std::uint32_t>(n_short * n_long));
      for (int k = 0; k < 2; ++k) b.add_key(kernel());
      for (std::size_t i = 0; i < n_short + n_long; ++i)
        b.add(i < n_short ? 1 + i % 30 : 64 + 31 * (i % 9), kBoth[i % 2], i / 5 % 2);
      ASSERT_NO_FATAL_FAILURE(b.seal());
      ASSERT_NO_FATAL_FAILURE(b.expect_reference_payloads());
      ASSERT_NO_FATAL_FAILURE(b.expect_opens());
    }
  }
}

FLE_FOR_EVERY_KERNEL(KernelAgreement);

}  // namespace
}  // namespace fle
